// The rows: a path from one to another, and each beside its reconstruction.

/** The latents at a share of the way from one to another, along the line or the arc. */
function between(from, to, share, isArc) {
  let [a, b] = [1 - share, share];
  if (isArc) {
    const [lengthA, lengthB] = [from, to].map((latents) => Math.hypot(...latents));
    const cosine = dot(from, to) / (lengthA * lengthB);
    const angle = Math.acos(Math.min(Math.max(cosine, -1), 1));
    if (angle > 1e-4 && angle < Math.PI - 1e-4) {
      [a, b] = [a, b].map((part) => Math.sin(part * angle) / Math.sin(angle));
    }
  }
  return from.map((value, i) => a * value + b * to[i]);
}

/** A canvas with one row on it, so many pixels high. */
function rowCanvas(page, values, tall) {
  const wide = Math.round(tall * page.painter.aspect);
  const canvas = canvasOf(wide, tall);
  page.painter.paint(canvas.getContext("2d"), values, 0, 0, wide, tall);
  return canvas;
}

/** A field for the number of a row, of those that the page holds the nearest. */
function rowField(page, label, change) {
  const { rows } = page;
  const input = element("input", {
    type: "number", min: 0, max: rows.total - 1, step: 1, "aria-label": label,
  });
  input.addEventListener("change", () => {
    const row = rows.nearest(Number(input.value));
    input.value = rows.number(row);
    change(row);
  });
  return input;
}

function pathSection(page) {
  const { rows, painter } = page;
  const { pathSteps } = painter;
  const ends = rows.farApart();
  const strip = element("canvas", { "aria-hidden": "true" });
  const stage = element("div", { className: "strip" }, strip);
  const slider = element("input", {
    type: "range", min: 0, max: 1, step: 0.005, value: 0, "aria-label": "Share of the path",
  });
  const arc = element("input", { type: "checkbox" });
  const at = (share) => between(rows.latent(ends[0]), rows.latent(ends[1]), share, arc.checked);

  const cards = ["From row", "to row"].map((label, end) => {
    const picture = element("span");
    const words = element("span", { className: "faint" });
    const field = rowField(page, label, (row) => set(end, row));
    const here = button("chosen row", () => set(end, page.row), {
      title: "Take the row that is chosen",
    });
    page.onChoose(() => (here.disabled = page.row === null));
    const fields = element("div", {}, element("label", {}, `${label} `, field), words, here);
    return { body: element("div", { className: "end" }, picture, fields), field, picture, words };
  });

  function set(end, row) {
    ends[end] = row;
    update();
  }

  function update() {
    cards.forEach(({ field, picture, words }, end) => {
      const row = ends[end];
      field.value = rows.number(row);
      picture.replaceChildren(rowCanvas(page, rows.value(row), 56 / Math.sqrt(painter.aspect)));
      words.replaceChildren(...rows.words(row).slice(1));
    });
    const path = Array.from({ length: pathSteps }, (_, i) => ({
      latents: at(i / (pathSteps - 1)), row: null,
    }));
    path[0].row = ends[0];
    path[pathSteps - 1].row = ends[1];
    page.setPath(path);
    draw();
  }

  function draw() {
    const wide = Math.floor(stage.clientWidth / pathSteps);
    if (wide <= 0) return;
    const tall = Math.round(wide / painter.aspect);
    const context = sizeCanvas(strip, wide * pathSteps, tall);
    spread("path", pathSteps, (i) => {
      const values = page.decode(page.path[i].latents);
      painter.paint(context, values, i * wide, 0, wide - painter.gap, tall);
    });
  }

  slider.addEventListener("input", () => page.choose(at(Number(slider.value))));
  arc.addEventListener("change", update);
  page.onShades(draw);
  page.onGive(draw);
  new ResizeObserver(draw).observe(stage);
  update();
  const hint = "From one row to another, through what the decoder makes of the latents on the way.";
  const choices = [
    ...cards.map((card) => card.body),
    element("label", {}, arc, " along the arc about the origin"),
  ];
  return section(
    "path", "Path", hint, element("div", { className: "ends" }, ...choices), stage, slider);
}

/** Pairs that are shown before one asks for more. */
const pairsAtOnce = 48;

function pairsSection(page) {
  const { rows, painter } = page;
  const grid = element("div", { className: "pairs" });
  const all = Array.from({ length: rows.count }, (_, row) => row);
  const ascending = all.toSorted((a, b) => rows.score(a) - rows.score(b));
  const orders = {
    "worst first": ascending.toReversed(), "best first": ascending, "as they come": all,
  };
  const tall = Math.round(64 / Math.sqrt(painter.aspect));
  const wide = Math.round(tall * painter.aspect);
  grid.style.setProperty("--pair", `${2 * wide + 24}px`);
  let shown = [];
  const decoded = (row) => page.decode(rows.latent(row), rows.given(row));

  function fill(order) {
    shown = order;
    grid.replaceChildren();
    add();
  }

  function add() {
    const first = grid.childElementCount;
    const some = shown.slice(first, first + pairsAtOnce);
    const pictures = some.map((row) => {
      const canvas = canvasOf(2 * wide + 4, tall);
      const pair = button("", () => page.choose(rows.latent(row), row), { className: "pair" });
      pair.append(canvas, element("span", {}, ...rows.words(row)));
      grid.append(pair);
      return canvas.getContext("2d");
    });
    spread(`pairs ${first}`, some.length, (i) => {
      painter.paint(pictures[i], rows.value(some[i]), 0, 0, wide, tall);
      painter.paint(pictures[i], decoded(some[i]), wide + 4, 0, wide, tall);
    });
    more.hidden = grid.childElementCount >= rows.count;
  }

  const more = button("More", add);
  const choices = Object.entries(orders).map(([name, order]) => [name, () => fill(order)]);
  fill(orders["worst first"]);
  page.onShades(() => fill(shown));
  const score = page.hasPrior ? "negative evidence lower bound at the posterior mean" : "loss";
  const hint = `Each row beside what the decoder makes of its latents, with its ${score}, in nats.`;
  const tools = element("div", { className: "tools" }, segments("Order", choices, 0));
  return section("rows", "Originals and reconstructions", hint, tools, grid, more);
}
