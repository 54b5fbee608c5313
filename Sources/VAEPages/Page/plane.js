// The map: latents in the plane, as the points of rows or as decoded pictures.

function mapSection(page) {
  const { rows, painter } = page;
  const projections = makeProjections(page);
  const hiddenKinds = new Set();
  const isHidden = (row) => rows.kinds !== null && hiddenKinds.has(rows.label(row));
  let projection = projections[0];
  let places = projection.places;
  let showsPictures = !rows;
  let [width, height] = [0, 0];
  /** The middle of what is seen, and pixels a unit; null until there is a size. */
  let view = null;
  /** Where the pointer or the keys are, in pixels; null when nowhere. */
  let cursor = null;

  const canvas = element("canvas", {
    id: "map-canvas", tabIndex: 0, role: "application",
    "aria-label":
      "Map of the latents. Arrow keys move the place that is decoded, Enter chooses it, " +
      "plus and minus zoom, 0 shows all.",
  });
  const overlay = element("div", { className: "map-labels", "aria-hidden": "true" });
  const tip = element("div", { className: "tip", hidden: true });
  const stage = element("div", { className: "stage" }, canvas, overlay, tip);
  const note = element("p", { className: "note" });
  const legend = element("div", { className: "legend" });

  // Places and pixels

  const toPixels = ([x, y]) => [
    width / 2 + (x - view.x) * view.scale, height / 2 - (y - view.y) * view.scale,
  ];
  const toPlace = ([x, y]) => [
    view.x + (x - width / 2) / view.scale, view.y - (y - height / 2) / view.scale,
  ];

  function showAll() {
    if (!width) return;
    let box = [-3, 3, -3, 3];
    if (places) {
      box = [Infinity, -Infinity, Infinity, -Infinity];
      places.forEach((value, i) => {
        box[2 * (i & 1)] = Math.min(box[2 * (i & 1)], value);
        box[2 * (i & 1) + 1] = Math.max(box[2 * (i & 1) + 1], value);
      });
    }
    const [left, right, bottom, top] = box;
    const scale = 0.94 * Math.min(width / (right - left || 1), height / (top - bottom || 1));
    view = { x: (left + right) / 2, y: (bottom + top) / 2, scale };
    draw();
  }

  function zoom(factor, at = [width / 2, height / 2]) {
    const [x, y] = toPlace(at);
    view.scale *= factor;
    const [newX, newY] = toPlace(at);
    view.x += x - newX;
    view.y += y - newY;
    draw();
  }

  // Drawing

  function draw() {
    if (!view) return;
    const context = canvas.getContext("2d");
    context.clearRect(0, 0, width, height);
    tasks.delete("map");
    if (showsPictures) drawPictures(context);
    else drawPoints(context);
    drawLabels();
  }

  function drawPictures(context) {
    const tall = Math.max(28, Math.min(46, width / 14)) / Math.sqrt(painter.aspect);
    const wide = tall * painter.aspect;
    const [columns, lines] = [Math.ceil(width / wide), Math.ceil(height / tall)];
    const [left, top] = [(width - columns * wide) / 2, (height - lines * tall) / 2];
    spread("map", columns * lines, (i) => {
      const [x, y] = [left + (i % columns) * wide, top + Math.floor(i / columns) * tall];
      const latents = projection.toLatents(...toPlace([x + wide / 2, y + tall / 2]));
      painter.paint(context, page.decode(latents), x, y, wide, tall);
      if (i === columns * lines - 1) drawMarks(context);
    });
  }

  /** Rules at round numbers, and what the axes are, where those mean something. */
  function drawAxes(context) {
    const names = projection.axisNames;
    if (!names) return;
    const [left, top] = toPlace([0, 0]);
    const [right, bottom] = toPlace([width, height]);
    context.font = "12px system-ui, sans-serif";
    context.strokeStyle = shade("rule");
    context.fillStyle = shade("faint");
    context.lineWidth = 1;
    const across = ticks(left, right, width / 90);
    const words = tickWords(across);
    across.forEach((value, i) => {
      const x = toPixels([value, 0])[0];
      context.strokeRect(x, -1, 0, height + 2);
      if (x > 40 && x < width - 90) context.fillText(words[i], x + 4, height - 6);
    });
    const name = `${names[0]} →`;
    context.fillText(name, width - context.measureText(name).width - 6, height - 6);
    if (!names[1]) return;
    const upwards = ticks(bottom, top, height / 90);
    tickWords(upwards).forEach((word, i) => {
      const y = toPixels([0, upwards[i]])[1];
      context.strokeRect(-1, y, width + 2, 0);
      if (y > 40 && y < height - 20) context.fillText(word, 6, y - 4);
    });
    context.fillText(`${names[1]} ↑`, 6, 16);
  }

  function drawPoints(context) {
    drawAxes(context);
    const radius = Math.max(1.8, Math.min(4.5, Math.sqrt((width * height) / rows.count / 28)));
    context.globalAlpha = rows.count > 300 ? 0.8 : 1;
    const trace = (row, kind) => {
      const [x, y] = toPixels([places[2 * row], places[2 * row + 1]]);
      traceMark(context, kind, x, y, radius);
    };
    if (rows.kinds) {
      rows.kinds.forEach((_, kind) => {
        context.fillStyle = colourOf(kind, rows.kinds.length);
        context.beginPath();
        for (let row = 0; row < rows.count; row++) {
          if (rows.label(row) === kind && !isHidden(row)) trace(row, kind);
        }
        context.fill();
      });
    } else {
      for (let row = 0; row < rows.count; row++) {
        context.fillStyle = rows.hasLabels ? scaleColour(rows.labelShare(row)) : colourOf(0, 1);
        context.beginPath();
        trace(row, 0);
        context.fill();
      }
    }
    context.globalAlpha = 1;
    drawMarks(context);
  }

  /** The path, the chosen place and that of the keys. */
  function drawMarks(context) {
    const outlined = (trace) => {
      for (const [colour, lineWidth] of [["surface", 5], ["ink", 2]]) {
        context.strokeStyle = shade(colour);
        context.lineWidth = lineWidth;
        context.beginPath();
        trace();
        context.stroke();
      }
    };
    const path = page.path.map((step) => projection.toPlane(step.latents, step.row));
    outlined(() => {
      path.filter((place) => place).forEach((place) => context.lineTo(...toPixels(place)));
    });
    const place = projection.toPlane(page.chosen, page.row);
    if (place) outlined(() => context.arc(...toPixels(place), 8, 0, 2 * Math.PI));
  }

  /** The names of kinds in the middle of their points, moved apart where they would overlap. */
  function drawLabels() {
    overlay.replaceChildren();
    if (showsPictures || !rows?.kinds || rows.count < 20 * rows.kinds.length) return;
    const boxes = [];
    rows.kinds.forEach((name, kind) => {
      const own = [0, 1].map((axis) => {
        const values = places.filter((_, i) => (i & 1) === axis && rows.label(i >> 1) === kind);
        return values.sort()[values.length >> 1];
      });
      if (hiddenKinds.has(kind) || own[0] === undefined) return;
      const label = named(name, "map-label");
      overlay.append(label);
      const [w, h] = [label.offsetWidth, label.offsetHeight];
      let [x, y] = toPixels(own);
      if (x < 0 || x > width || y < 0 || y > height) return label.remove();
      x = Math.min(Math.max(x - w / 2, 0), width - w);
      const meets = (box) =>
        x < box.x + box.w && box.x < x + w && y < box.y + box.h && box.y < y + h;
      for (y -= h / 2; boxes.some(meets); ) y = boxes.find(meets).y + h + 1;
      if (y + h > height) return label.remove();
      boxes.push({ x, y, w, h });
      label.style.left = `${x}px`;
      label.style.top = `${y}px`;
    });
  }

  // The cursor

  /** Decodes the place at the cursor, and shows the row that is there. */
  function follow(at) {
    cursor = at;
    page.show(projection.toLatents(...toPlace(at)), "under the pointer");
    const row = rowAt(at);
    tip.hidden = row === null;
    if (row === null) return;
    const side = 84 / Math.sqrt(painter.aspect);
    const picture = canvasOf(side * painter.aspect, side);
    painter.paint(picture.getContext("2d"), rows.value(row), 0, 0, side * painter.aspect, side);
    tip.replaceChildren(picture, element("div", {}, ...rows.words(row)));
    const [x, y] = toPixels([places[2 * row], places[2 * row + 1]]);
    const left = x + 14 + tip.offsetWidth > width ? x - 14 - tip.offsetWidth : x + 14;
    tip.style.left = `${Math.max(0, left)}px`;
    const top = Math.min(Math.max(0, y - tip.offsetHeight / 2), height - tip.offsetHeight);
    tip.style.top = `${top}px`;
  }

  function rowAt(at) {
    if (!places || showsPictures) return null;
    const [near] = nearestRows(places, ...toPlace(at), 1, isHidden);
    return near && Math.sqrt(near.square) * view.scale < 12 ? near.row : null;
  }

  function leave() {
    cursor = null;
    tip.hidden = true;
    page.show(page.chosen);
  }

  function choose(at) {
    const row = rowAt(at);
    page.choose(row === null ? projection.toLatents(...toPlace(at)) : rows.latent(row), row);
  }

  let dragged = null;
  const pixelOf = (event) => {
    const box = canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    dragged = { from: pixelOf(event), x: view.x, y: view.y, moved: false };
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => {
    const at = pixelOf(event);
    if (dragged && event.pointerType === "mouse") {
      const [dx, dy] = [at[0] - dragged.from[0], at[1] - dragged.from[1]];
      dragged.moved ||= Math.hypot(dx, dy) > 4;
      if (dragged.moved) {
        [view.x, view.y] = [dragged.x - dx / view.scale, dragged.y + dy / view.scale];
        tip.hidden = true;
        return draw();
      }
    }
    follow(at);
  });
  canvas.addEventListener("pointerup", (event) => {
    if (dragged && !dragged.moved) choose(pixelOf(event));
    dragged = null;
  });
  canvas.addEventListener("pointercancel", () => (dragged = null));
  canvas.addEventListener("pointerleave", leave);
  canvas.addEventListener("dblclick", (event) => zoom(2, pixelOf(event)));
  canvas.addEventListener("wheel", (event) => {
    // A wheel alone scrolls the page; so do two fingers, and a pinch zooms.
    if (!event.ctrlKey) return;
    event.preventDefault();
    zoom(Math.exp(-event.deltaY / 200), pixelOf(event));
  }, { passive: false });
  canvas.addEventListener("blur", leave);
  canvas.addEventListener("keydown", (event) => {
    const moves = {
      ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1],
    };
    const at = cursor ?? [width / 2, height / 2];
    const move = moves[event.key];
    if (move) {
      const [x, y] = at.map((value, i) => value + move[i] * (event.shiftKey ? 40 : 8));
      follow([Math.min(Math.max(x, 0), width), Math.min(Math.max(y, 0), height)]);
    } else if (event.key === "Enter") choose(at);
    else if (event.key === "+" || event.key === "=") zoom(1.4, at);
    else if (event.key === "-") zoom(1 / 1.4, at);
    else if (event.key === "0") showAll();
    else return;
    event.preventDefault();
  });

  // Controls

  function setProjection(next) {
    projection = next;
    places = next.places;
    note.textContent = next.note;
    axisFields.hidden = !(next.axes && page.size > 2);
    showAll();
  }

  const axisFields = element("span", { className: "axes" });
  const free = projections.at(-1);
  if (page.size > 2) {
    for (const axis of [0, 1]) {
      const label = axis ? "Latent upwards" : "Latent to the right";
      const select = element("select", { "aria-label": label });
      const options = page.order.map((i) => element("option", { value: i, textContent: `z${i}` }));
      select.append(...options);
      select.value = free.axes[axis];
      select.addEventListener("change", () => {
        free.axes[axis] = Number(select.value);
        setProjection(free);
      });
      axisFields.append(axis ? " up " : " right ", select);
    }
  }
  const tools = element("div", { className: "tools" });
  if (projections.length > 1) {
    const choices = projections.map((each) => [each.name, () => setProjection(each)]);
    tools.append(segments("Plane", choices, 0));
  }
  tools.append(axisFields);
  if (rows) {
    const seen = (pictures) => () => {
      showsPictures = pictures;
      tip.hidden = true;
      draw();
    };
    tools.append(segments("Show", [["points", seen(false)], ["pictures", seen(true)]], 0));
  }
  const zooms = [
    button("+", () => zoom(1.4), { title: "Zoom in", "aria-label": "Zoom in" }),
    button("−", () => zoom(1 / 1.4), { title: "Zoom out", "aria-label": "Zoom out" }),
    button("all", showAll, { title: "Show all" }),
  ];
  const group = { className: "segments", role: "group", "aria-label": "Zoom" };
  tools.append(element("span", group, ...zooms));

  if (rows?.kinds) {
    rows.kinds.forEach((name, kind) => {
      const mark = canvasOf(14, 14);
      const paint = () => {
        const context = mark.getContext("2d");
        context.clearRect(0, 0, 14, 14);
        context.fillStyle = colourOf(kind, rows.kinds.length);
        context.beginPath();
        traceMark(context, kind, 7, 7, 4.5);
        context.fill();
      };
      paint();
      page.onShades(paint);
      const key = button("", () => {
        if (!hiddenKinds.delete(kind)) hiddenKinds.add(kind);
        key.setAttribute("aria-pressed", !hiddenKinds.has(kind));
        draw();
      }, { "aria-pressed": "true", title: "Show or hide these" });
      key.append(mark, named(name));
      legend.append(key);
    });
  } else if (rows?.hasLabels) {
    const bar = canvasOf(160, 10);
    const context = bar.getContext("2d");
    for (let x = 0; x < 160; x++) {
      context.fillStyle = scaleColour(x / 159);
      context.fillRect(x, 0, 1, 10);
    }
    legend.append(short(rows.labelRange[0]), bar, short(rows.labelRange[1]));
  }

  new ResizeObserver(() => {
    const isFirst = view === null;
    const wide = stage.clientWidth;
    if (wide === width || wide === 0) return;
    const scale = wide / (width || wide);
    width = wide;
    height = Math.round(Math.min(wide, Math.max(320, wide * 0.64)));
    sizeCanvas(canvas, width, height);
    if (isFirst) showAll();
    else zoom(scale);
  }).observe(stage);
  setProjection(projection);
  page.onChoose(draw);
  page.onShades(draw);
  page.onGive(draw);

  const hint =
    "Move over it to decode the place under the pointer, press to keep it; drag to move, " +
    "Ctrl and wheel to zoom.";
  return section("map", "Map", hint, tools, stage, legend, note);
}
