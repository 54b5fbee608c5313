// The page: what it shows, what is chosen, and its sections.

function button(text, act, properties = {}) {
  const made = element("button", { type: "button", textContent: text, ...properties });
  made.addEventListener("click", act);
  return made;
}

/** Buttons of which one is pressed: [name, act] each. */
function segments(label, choices, pressed) {
  const buttons = choices.map(([name, act], i) =>
    button(name, () => {
      buttons.forEach((other, j) => other.setAttribute("aria-pressed", i === j));
      act();
    }, { "aria-pressed": i === pressed }));
  const group = { className: "segments", role: "group", "aria-label": label };
  return element("span", group, ...buttons);
}

function section(id, title, hint, ...parts) {
  const heading = element("h2", { id: `${id}-title`, textContent: title });
  const intro = hint ? [element("p", { className: "hint", textContent: hint })] : [];
  return element("section", { id, "aria-labelledby": `${id}-title` }, heading, ...intro, ...parts);
}

/** The rows that the page holds, by their places among them. */
function makeRows({ rows, labels }, array, size) {
  if (!rows) return null;
  const { count, total, levels } = rows;
  const parts = ["value", "latent", "score", "label", "class"];
  const [values, latents, scores, label, given] = parts.map((name) => array(`rows.${name}`));
  const width = values.length / count;
  const least = (pick) => (label ? label.reduce((a, b) => pick(a, b)) : 0);
  const labelRange = [least(Math.min), least(Math.max)];
  const number = (row) => Math.floor((row * total) / count);
  const kinds = labels?.kinds ?? null;
  return {
    count, total, number, kinds, labelRange, width,
    hasLabels: label !== undefined,
    value(row) {
      const own = values.subarray(row * width, (row + 1) * width);
      if (!levels) return own;
      const [low, high] = levels;
      return Float32Array.from(own, (level) => low + ((high - low) * level) / 255);
    },
    latent: (row) => latents.subarray(row * size, (row + 1) * size),
    score: (row) => scores[row],
    label: (row) => label[row],
    /** Of a conditional model, the place of its label among the classes. */
    given: (row) => given?.[row] ?? 0,
    labelShare: (row) => (label[row] - labelRange[0]) / (labelRange[1] - labelRange[0] || 1),
    nearest: (wanted) =>
      Math.min(Math.max(Math.round((wanted * count) / total), 0), count - 1) || 0,
    /** Its number, label and score, as elements. */
    words(row) {
      const word = (textContent, className = "") => element("span", { textContent, className });
      const words = [word(`row ${number(row)}`)];
      if (kinds) words.push(named(kinds[label[row]], "kind"));
      else if (label) words.push(word(short(label[row]), "kind"));
      return [...words, word(`${short(scores[row], 1)} nats`, "faint")];
    },
    /** Two rows that are not alike: of different labels where there are some. */
    farApart() {
      const other = label?.findIndex((value) => value !== label[0]) ?? -1;
      return [0, other > 0 ? other : count >> 1];
    },
  };
}

/** How much each latent says, where that is known. */
function measureOf({ rows, training }, held, size) {
  const divergence = { unit: " nats", words: "the divergence of its posterior from the prior" };
  if (rows?.divergence) {
    const title = "Divergence of each latent, nats a row";
    return { ...divergence, values: rows.divergence, title };
  }
  const last = training?.last?.kl_by_dimension;
  if (Array.isArray(last) && last.length === size && last.every(Number.isFinite)) {
    const title = "Divergence of each latent in training, nats a row";
    return { ...divergence, values: last, title };
  }
  if (!held) return null;
  const values = Array.from({ length: size }, (_, i) => {
    const own = Array.from({ length: held.count }, (_, row) => held.latent(row)[i]);
    const mean = own.reduce((sum, value) => sum + value, 0) / own.length;
    return own.reduce((sum, value) => sum + (value - mean) ** 2, 0) / own.length;
  });
  const words = "its variance over the rows";
  return { values, unit: "", title: "Variance of each latent", words };
}

/** The least and the greatest value of a column of rows, `of(row)[column]`. */
function rangeOf(rows, of, column) {
  let [low, high] = [Infinity, -Infinity];
  for (let row = 0; row < rows.count; row++) {
    low = Math.min(low, of(row)[column]);
    high = Math.max(high, of(row)[column]);
  }
  return [low, high];
}

function makePage() {
  const content = JSON.parse(document.getElementById("content").textContent);
  const array = unpack(content.arrays, bytesOf(document.getElementById("arrays").textContent));
  const { config, drawing } = content;
  const size = config.latent;
  const decoder = makeDecoder(config, array);
  const { classes } = content;
  /** A row from latents; of a conditional model, one of the class that is given. */
  function decode(latents, given = page.given) {
    if (!classes.length) return decoder(latents);
    const input = new Float32Array(size + classes.length);
    input.set(latents);
    input[size + given] = 1;
    return decoder(input);
  }
  const rows = makeRows(content, array, size);
  const measure = measureOf(content, rows, size);
  const order = Array.from({ length: size }, (_, i) => i);
  if (measure) order.sort((a, b) => measure.values[b] - measure.values[a]);
  const hasPrior = config.model === "vae";
  const ranges = order.map((_, i) => {
    const [low, high] = rows ? rangeOf(rows, rows.latent, i) : [-3, 3];
    if (hasPrior) return [Math.min(low, -3), Math.max(high, 3)];
    return high > low ? [low, high] : [low - 1, high + 1];
  });
  const column = (_, i) => rangeOf(rows, rows.value, i);
  const columns = drawing.bars && rows ? Array.from({ length: rows.width }, column) : null;
  const listeners = { show: [], choose: [], give: [], shades: [] };
  const page = {
    content, array, decode, rows, size, measure, order, ranges, hasPrior,
    painter: makeRowPainter(drawing, content.range, columns),
    /** The latents that are chosen, and the row they are of, or null. */
    chosen: new Float32Array(size), row: null,
    /** Of a conditional model, the class that is decoded, by its place. */
    given: 0,
    /** Latents from one row to another. */
    path: [],
    onShow: (act) => listeners.show.push(act),
    onChoose: (act) => listeners.choose.push(act),
    /** Latents are decoded as another class. */
    onGive: (act) => listeners.give.push(act),
    /** Colours have changed, from light to dark or back. */
    onShades: (act) => listeners.shades.push(act),
    show(latents, where = "") {
      listeners.show.forEach((act) => act(latents, where));
    },
    choose(latents, row = null) {
      page.chosen = Float32Array.from(latents);
      page.row = row;
      page.give(row === null ? page.given : rows.given(row));
    },
    /** Decodes as another class from here on. */
    give(given) {
      const isOther = given !== page.given;
      page.given = given;
      page.show(page.chosen);
      listeners.choose.forEach((act) => act());
      if (isOther) listeners.give.forEach((act) => act());
    },
    setPath(path) {
      page.path = path;
      listeners.choose.forEach((act) => act());
    },
  };
  const isDark = matchMedia("(prefers-color-scheme: dark)");
  isDark.addEventListener("change", () => listeners.shades.forEach((act) => act()));
  return page;
}

/** The decoded row, always in sight, and ways to choose another. */
function fillLive(page) {
  const { rows, painter, content } = page;
  const view = element("div", { className: "view" });
  const canvas = element("canvas", {
    role: "img", "aria-label": "What the decoder makes of the latents",
  });
  view.append(canvas);
  const caption = element("p", { className: "caption", "aria-live": "polite" });
  const original = element("div", { className: "original" });
  const bars = content.drawing.bars ? valueBars(page) : null;
  let latest = page.chosen;

  function paint() {
    if (bars) return bars.set(page.decode(latest));
    const wide = view.clientWidth;
    if (wide <= 0) return;
    const tall = Math.round(wide / painter.aspect);
    if (canvas.clientWidth !== wide) sizeCanvas(canvas, wide, tall);
    painter.paint(canvas.getContext("2d"), page.decode(latest), 0, 0, wide, tall);
  }

  page.onShow((latents, where) => {
    latest = latents;
    paint();
    if (where) caption.textContent = where;
    else if (page.row === null) caption.textContent = "chosen latents";
    else caption.replaceChildren(...rows.words(page.row));
    original.hidden = where !== "" || page.row === null;
  });
  page.onChoose(() => {
    if (page.row === null) return;
    const words = element("span", { className: "faint", textContent: "original" });
    original.replaceChildren(rowCanvas(page, rows.value(page.row), 48), words);
    if (field) field.value = rows.number(page.row);
  });
  page.onShades(paint);
  new ResizeObserver(paint).observe(view);

  const tools = element("div", { className: "tools" });
  const field = rows && rowField(page, "Row", (row) => page.choose(rows.latent(row), row));
  if (field) tools.append(element("label", {}, "row ", field));
  if (content.classes.length) {
    const options = content.classes.map((name, value) =>
      element("option", { value, textContent: visible(name) }));
    const chooser = element("select", { id: "given" }, ...options);
    chooser.addEventListener("change", () => page.give(Number(chooser.value)));
    page.onChoose(() => (chooser.value = page.given));
    tools.append(element("label", {}, "decode as ", chooser));
  }
  const zero = () => page.choose(new Float32Array(page.size));
  tools.append(button("zero", zero, { title: "All latents 0" }));
  if (page.hasPrior) {
    const random = () => page.choose(Float32Array.from({ length: page.size }, normal));
    tools.append(button("random", random, { title: "A draw from the prior" }));
  }
  const live = document.getElementById("live");
  live.append(bars?.body ?? view, element("div", { className: "about" }, caption, original, tools));
  if (bars) live.classList.add("named");
}

/** A draw from the standard normal distribution, by the method of Box and Muller. */
function normal() {
  const radius = Math.sqrt(-2 * Math.log(1 - Math.random()));
  return radius * Math.cos(2 * Math.PI * Math.random());
}

/** The values of the decoded row as bars with their names and figures. */
function valueBars({ content, painter, decode, chosen }) {
  const parts = Array.from(decode(chosen), (_, i) => {
    const [bar, figure] = [element("span", { className: "meter" }), element("output")];
    const name = named(content.columns[i] ?? `value ${i}`, "name");
    return { bar, figure, row: element("li", {}, name, bar, figure) };
  });
  return {
    body: element("ol", { className: "values" }, ...parts.map((part) => part.row)),
    set: (values) => parts.forEach(({ bar, figure }, i) => {
      bar.style.setProperty("--share", painter.share(values[i], i));
      figure.textContent = short(values[i]);
    }),
  };
}

/** The sections by their names in the contents. */
const titles = {
  map: "Map", latents: "Latents", path: "Path", rows: "Rows", divergence: "Divergence",
  run: "Training", record: "Model",
};

function main() {
  const page = makePage();
  const { content, rows } = page;
  /** The row of latents; of a conditional model for a label, or for the one that is chosen. */
  window.vaeDecode = (latents, label) => {
    const { classes } = content.config;
    const given = classes && label !== undefined ? classes.indexOf(label) : page.given;
    if (given < 0) throw new RangeError(`the model has not learned of label ${label}`);
    return Array.from(page.decode(Float32Array.from(latents), given));
  };
  document.title = visible(content.title);
  document.getElementById("title").append(named(content.title));
  const part = rows && rows.count < rows.total ? `${grouped(rows.count)} of ` : "";
  const holds = rows ? `${part}${count(rows.total, "row")}, ` : "";
  document.getElementById("summary").textContent =
    `${holds}${count(page.size, "latent")}, a decoder that runs here.`;

  fillLive(page);
  const sections = [mapSection(page), latentsSection(page)];
  if (rows) sections.push(pathSection(page), pairsSection(page));
  if (page.measure && page.size > 1) sections.push(divergenceSection(page));
  if (content.log.length) sections.push(runSection(page));
  sections.push(recordSection(page));
  document.getElementById("sections").append(...sections);
  const links = sections.map(({ id }) =>
    element("a", { href: `#${id}`, textContent: titles[id] }));
  document.getElementById("contents").append(...links);
  page.choose(rows ? rows.latent(0) : page.chosen, rows ? 0 : null);
  requestAnimationFrame(() => performance.mark("first-picture"));
}

main();
