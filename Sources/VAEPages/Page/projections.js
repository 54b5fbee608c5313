// Ways to see latents in the plane.

function dot(a, b) {
  return a.reduce((sum, value, i) => sum + value * b[i], 0);
}

/**
 * The ways to see latents in the plane. Each has `toLatents(x, y)`; `toPlane(latents, row)`, which
 * is null where there is no such place; and `places`, of all rows, where there are rows.
 */
function makeProjections(page) {
  const { array, rows, size, order } = page;
  /** [count, 2] */
  function placesOf(toPlane) {
    if (!rows) return null;
    const place = (_, i) => toPlane(rows.latent(i >> 1), i >> 1)[i & 1];
    return Float32Array.from({ length: 2 * rows.count }, place);
  }
  const list = [];

  const components = array("components");
  if (components) {
    const centre = array("components.mean");
    const [first, second] = [components.subarray(0, size), components.subarray(size)];
    const shares = page.content.rows.explained.map((share) => `${short(100 * share, 0)} %`);
    list.push({
      name: "principal components", axisNames: ["component 1", "component 2"],
      note: `The plane along which latents vary most, ${shares.join(" and ")} of all.`,
      toLatents: (x, y) =>
        centre.map((mean, i) => mean + x * first[i] + y * second[i]),
      toPlane(latents) {
        const from = latents.map((value, i) => value - centre[i]);
        return [dot(first, from), dot(second, from)];
      },
      get places() { return placesOf(this.toPlane); },
    });
  }

  const neighbours = array("neighbours");
  if (neighbours) {
    list.unshift({
      name: "t-SNE",
      note:
        "Neighbours stay neighbours; distances across the map mean little. Between points the " +
        "latents are those of the nearest rows, mixed.",
      places: neighbours,
      toLatents: (x, y) => mixture(rows, nearestRows(neighbours, x, y, 4)),
      toPlane: (latents, row) =>
        row === null ? null : [neighbours[2 * row], neighbours[2 * row + 1]],
    });
  }

  const axes = size === 1 ? [0, 0] : size === 2 ? [0, 1] : [order[0], order[1]];
  list.push({
    name: size > 2 ? "two latents" : size === 2 ? "the latents" : "the latent",
    note:
      size > 2 ? "The other latents are as the sliders have them."
      : size === 1 && rows ? "Points are spread upwards only so that they can be told apart."
      : "",
    axes,
    get axisNames() { return size > 1 ? axes.map((axis) => `z${axis}`) : ["z0", ""]; },
    toLatents(x, y) {
      const latents = Float32Array.from(page.chosen);
      if (size > 1) latents[axes[1]] = y;
      latents[axes[0]] = x;
      return latents;
    },
    toPlane(latents, row) {
      if (size > 1) return [latents[axes[0]], latents[axes[1]]];
      return [latents[0], row === null ? 0 : ((row * 0.618) % 1) - 0.5];
    },
    get places() { return placesOf(this.toPlane); },
  });
  return list;
}

/** The rows with the nearest places, as { row, square } with the square of the distance. */
function nearestRows(places, x, y, most, isHidden = () => false) {
  const found = [];
  for (let row = 0; row < places.length / 2; row++) {
    const square = (places[2 * row] - x) ** 2 + (places[2 * row + 1] - y) ** 2;
    if ((found.length === most && square >= found[most - 1].square) || isHidden(row)) continue;
    if (found.length === most) found.pop();
    found.splice(found.findLastIndex((other) => other.square <= square) + 1, 0, { row, square });
  }
  return found;
}

/** The mean latents of rows, each weighted by one over the square of its distance. */
function mixture(rows, near) {
  const latents = new Float32Array(rows.latent(0).length);
  const weights = near.map(({ square }) => 1 / (square + 1e-9));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  near.forEach(({ row }, i) => {
    rows.latent(row).forEach((value, k) => (latents[k] += (value * weights[i]) / total));
  });
  return latents;
}
