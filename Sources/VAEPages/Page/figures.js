// Charts as SVG.

function svg(name, attributes = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/** Draws a chart again whenever its width changes: draw(width) gives the SVG. */
function chart(title, draw) {
  const figure = element("figure", { className: "chart" });
  const caption = element("figcaption", { textContent: title });
  new ResizeObserver(([entry]) => {
    const width = Math.floor(entry.contentRect.width);
    if (width > 0) figure.replaceChildren(caption, draw(width));
  }).observe(figure);
  figure.append(caption);
  return figure;
}

/** Horizontal rules with their values on the left; returns the place of a value, and the edges. */
function frameOf(picture, width, height, low, high, isMark = () => true) {
  const bottom = 24;
  const marks = ticks(low, high, Math.max(2, Math.floor(height / 45))).filter(isMark);
  const words = tickWords(marks);
  const left = 8 + 7 * Math.max(...words.map((word) => word.length));
  const top = 8;
  const y = (value) => top + (1 - (value - low) / (high - low || 1)) * (height - top - bottom);
  marks.forEach((mark, i) => {
    picture.append(
      svg("line", { x1: left, x2: width, y1: y(mark), y2: y(mark), class: "rule" }),
      svg("text", { x: left - 6, y: y(mark) + 4, class: "end" }, words[i]),
    );
  });
  return { left, right: width, y };
}

/** A bar for each of { name, value }. */
function barChart(title, bars) {
  return chart(title, (width) => {
    const height = 200;
    const picture = svg("svg", { width, height, role: "img", "aria-label": title });
    const high = Math.max(...bars.map((bar) => bar.value), 1e-6);
    const { left, right, y } = frameOf(picture, width, height, 0, high);
    const step = Math.min((right - left) / bars.length, 64);
    // As many names as there is room for.
    const longest = Math.max(...bars.map((bar) => bar.name.length));
    const every = Math.ceil((7 * longest + 6) / step);
    bars.forEach(({ name, value }, i) => {
      const x = left + (i + 0.12) * step;
      const tall = Math.max(y(0) - y(value), 0.5);
      const bar = svg("rect", { x, y: y(value), width: step * 0.76, height: tall, class: "bar" });
      bar.append(svg("title", {}, `${name}: ${short(value, 3)}`));
      picture.append(bar);
      if (i % every > 0) return;
      const middle = left + (i + 0.5) * step;
      picture.append(svg("text", { x: middle, y: height - 6, class: "middle" }, name));
    });
    return picture;
  });
}

/** Curves of { name, points: [[x, y], …], isDashed } by epoch. */
function lineChart(title, curves) {
  return chart(title, (width) => {
    const height = 220;
    const picture = svg("svg", { width, height, role: "img", "aria-label": title });
    const points = curves.flatMap((curve) => curve.points);
    const ends = (axis) =>
      [Math.min, Math.max].map((pick) => pick(...points.map((point) => point[axis])));
    const [[first, last], [low, high]] = [ends(0), ends(1)];
    const air = (high - low || Math.abs(high) || 1) * 0.04;
    const isWhole = points.every((point) => Number.isInteger(point[1]));
    const isMark = isWhole ? Number.isInteger : undefined;
    const { left, right, y } = frameOf(picture, width, height, low - air, high + air, isMark);
    const x = (epoch) => left + 6 + ((epoch - first) / (last - first || 1)) * (right - left - 20);
    const epochs = ticks(first, last, Math.max(2, Math.floor(width / 70)));
    for (const epoch of epochs.filter(Number.isInteger)) {
      picture.append(svg("text", { x: x(epoch), y: height - 6, class: "middle" }, String(epoch)));
    }
    for (const { name, points, isDashed } of curves) {
      const path = points.map(([epoch, value]) => `${x(epoch)},${y(value)}`).join(" ");
      const line = svg("polyline", { points: path, class: isDashed ? "curve dashed" : "curve" });
      line.append(svg("title", {}, `${name}: ${short(points.at(-1)[1])} in the end`));
      picture.append(line);
      for (const [epoch, value] of points.length === 1 ? points : []) {
        picture.append(svg("circle", { cx: x(epoch), cy: y(value), r: 3, class: "dot" }));
      }
    }
    return picture;
  });
}
