// Elements, colours, and rows as pictures, curves or bars.

/** An element with properties (attributes where the name has a dash or is `role`) and children. */
function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key.includes("-") || key === "role" || key === "for") made.setAttribute(key, value);
    else made[key] = value;
  }
  made.append(...children);
  return made;
}

/** Text from outside with what is not seen, or turns other text round, as its number. */
function visible(text) {
  return String(text).replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (mark) => {
    const number = mark.codePointAt(0).toString(16).toUpperCase().padStart(4, "0");
    return `⟨U+${number}⟩`;
  });
}

/** An element with a text from outside, which stands by itself whatever its direction. */
function named(text, className = "") {
  return element("bdi", { className, textContent: visible(text), title: visible(text) });
}

const minus = (text) => text.replace("-", "−");

/** A number in a few digits. */
function short(value, digits = 2) {
  if (!Number.isFinite(value)) return "–";
  if (Math.abs(value) >= 1e6) return minus(value.toExponential(1));
  const text = value.toFixed(Math.abs(value) >= 1000 ? 0 : digits);
  return Number(text) === 0 ? text.replace("-", "") : minus(text);
}

const grouped = (number) => number.toLocaleString("en");

const count = (number, thing) => `${grouped(number)} ${thing}${number === 1 ? "" : "s"}`;

/** A number with 1, 2 or 5 before its zeros, and the multiples of it from low to high. */
function ticks(low, high, about) {
  const rough = (high - low) / about;
  if (!(rough > 0) || !Number.isFinite(rough)) return [low];
  const unit = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((n) => n * unit).find((n) => n >= rough * 0.99);
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) => (first + i) * step);
}

/** The words for ticks, all with as many digits as tell them apart. */
function tickWords(values) {
  const step = values.length > 1 ? values[1] - values[0] : Math.abs(values[0]) || 1;
  const largest = Math.max(...values.map(Math.abs));
  if (largest >= 1e5 || (largest > 0 && largest < 1e-3)) {
    return values.map((value) => minus(value.toExponential(0)));
  }
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  return values.map((value) => minus(value.toFixed(digits)));
}

// Colours

/** What the style sheet calls `--name`. */
function shade(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

/** Okabe and Ito, 2008, without their yellow, for up to seven kinds; the last is black or white. */
const few = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", null];
/** Petroff, 2021, for up to ten. */
const many = [
  "#3f90da", "#ffa90e", "#bd1f01", "#94a4a2", "#832db6",
  "#a96b59", "#e76300", "#b9ac70", "#717581", "#92dadd",
];
/** Viridis of Smith and van der Walt, 2015. */
const viridis = [
  "440154", "482878", "3e4989", "31688e", "26828e",
  "1f9e89", "35b779", "6ece58", "b5de2b", "fde725",
].map((hex) => [0, 2, 4].map((at) => parseInt(hex.slice(at, at + 2), 16)));

/** The colour of one of so many kinds; after ten they begin anew, when marks tell them apart. */
function colourOf(kind, kinds) {
  const colour = kinds <= few.length ? few[kind] : many[kind % many.length];
  return colour ? `color-mix(in srgb, ${colour}, white ${shade("lift")})` : shade("ink");
}

/** The colour of a share, from 0 to 1. */
function scaleColour(share) {
  const place = Math.min(Math.max(share, 0), 1) * (viridis.length - 1);
  const index = Math.min(Math.floor(place), viridis.length - 2);
  const mix = viridis[index].map((low, i) => low + (viridis[index + 1][i] - low) * (place - index));
  return `rgb(${mix.map(Math.round).join(" ")})`;
}

/** The corners of a square, a triangle and a diamond, of the area of a disc, which has none. */
const marks = [
  [],
  [[-0.89, -0.89], [0.89, -0.89], [0.89, 0.89], [-0.89, 0.89]],
  [[0, -1.5], [1.3, 0.8], [-1.3, 0.8]],
  [[0, -1.3], [1.3, 0], [0, 1.3], [-1.3, 0]],
];

/** Traces the mark of a kind. */
function traceMark(context, kind, x, y, radius) {
  const corners = marks[kind % marks.length];
  if (corners.length === 0) {
    context.moveTo(x + radius, y);
    context.arc(x, y, radius, 0, 2 * Math.PI);
    return;
  }
  context.moveTo(x + corners[0][0] * radius, y + corners[0][1] * radius);
  for (const [dx, dy] of corners.slice(1)) context.lineTo(x + dx * radius, y + dy * radius);
  context.closePath();
}

// Canvases

/** A canvas of so many CSS pixels, sharp on any screen; its context counts CSS pixels. */
function canvasOf(width, height, properties = {}) {
  const canvas = element("canvas", properties);
  sizeCanvas(canvas, width, height);
  return canvas;
}

function sizeCanvas(canvas, width, height) {
  const ratio = window.devicePixelRatio || 1;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  return context;
}

// Rows

/**
 * How rows are drawn: their `aspect`; how many of them, `gap` pixels apart, make a strip or a path;
 * and paint(context, values, x, y, width, height). A value is drawn by where it is in the range of
 * its column.
 */
function makeRowPainter(drawing, range, columns) {
  const share = (value, column) => {
    const [low, high] = columns?.[column] ?? range;
    return Math.min(Math.max((value - low) / (high - low || 1), 0), 1);
  };
  if (drawing.picture) return picturePainter(drawing.picture, share);
  const frame = (context, x, y, width, height) => {
    context.fillStyle = shade("sunken");
    context.fillRect(x, y, width, height);
  };
  if (drawing.curves) {
    const { length, count } = drawing.curves;
    return {
      aspect: 2, gap: 2, stripSteps: 5, pathSteps: 7,
      paint(context, values, x, y, width, height) {
        frame(context, x, y, width, height);
        context.lineWidth = Math.max(1, height / 100);
        for (let curve = 0; curve < count; curve++) {
          context.strokeStyle = colourOf(curve, count);
          context.beginPath();
          for (let i = 0; i < length; i++) {
            const high = 0.05 + 0.9 * share(values[i * count + curve]);
            context.lineTo(x + (width * (i + 0.5)) / length, y + height * (1 - high));
          }
          context.stroke();
        }
      },
    };
  }
  return {
    aspect: 1.5, gap: 2, stripSteps: 5, pathSteps: 7,
    share,
    paint(context, values, x, y, width, height) {
      frame(context, x, y, width, height);
      context.fillStyle = shade("accent");
      const step = width / values.length;
      for (let i = 0; i < values.length; i++) {
        const [bottom, top] = [share(0, i), share(values[i], i)].sort((a, b) => a - b);
        const tall = Math.max((top - bottom) * height, 1);
        context.fillRect(x + (i + 0.15) * step, y + height * (1 - top), step * 0.7, tall);
      }
    },
  };
}

function picturePainter({ channels, height: rows, width: columns, channels_last: isLast }, share) {
  const places = rows * columns;
  const scratch = element("canvas", { width: columns, height: rows });
  const own = scratch.getContext("2d");
  const image = own.createImageData(columns, rows);
  const at = (channel, place) => (isLast ? place * channels + channel : channel * places + place);
  return {
    aspect: columns / rows, gap: 0, stripSteps: 9, pathSteps: 11,
    paint(context, values, x, y, width, height) {
      for (let place = 0; place < places; place++) {
        for (let part = 0; part < 3; part++) {
          const value = values[at(channels < 3 ? 0 : part, place)];
          image.data[4 * place + part] = 255 * share(value);
        }
        image.data[4 * place + 3] = channels === 4 ? 255 * share(values[at(3, place)]) : 255;
      }
      own.putImageData(image, 0, 0);
      context.imageSmoothingEnabled = width * (window.devicePixelRatio || 1) < columns;
      context.drawImage(scratch, x, y, width, height);
    },
  };
}

// Work that takes longer than a frame may

const tasks = new Map();
/** These are done before any others, in this order. */
const urgent = ["map", "strips", "path"];
let isWorking = false;

/** Calls body(0) to body(count − 1), some at a time, in place of what `key` was at. */
function spread(key, count, body) {
  tasks.set(key, { next: 0, count, body });
  if (!isWorking) setTimeout(work);
  isWorking = true;
}

function work() {
  const end = performance.now() + 12;
  while (tasks.size && performance.now() < end) {
    const key = urgent.find((key) => tasks.has(key)) ?? tasks.keys().next().value;
    const task = tasks.get(key);
    if (task.next < task.count) task.body(task.next++);
    else tasks.delete(key);
  }
  isWorking = tasks.size > 0;
  if (isWorking) setTimeout(work);
}
