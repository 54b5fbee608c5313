// The decoder of a model: names, shapes and order of its tensors are those of vae-model(5).

const activations = {
  relu: (x) => (x > 0 ? x : 0),
  tanh: Math.tanh,
  silu: (x) => x / (1 + Math.exp(-x)),
  "leaky-relu": (x) => (x > 0 ? x : 0.01 * x),
};

/** What becomes of the outputs of a likelihood: the mean of a value. */
const means = {
  bernoulli: (x) => 1 / (1 + Math.exp(-x)),
  logistic: (x) => Math.min(Math.max(x, 0), 1),
};

const identity = (x) => x;

/**
 * The decoder of a configuration, from latents to a row, both Float32Array. The row is good until
 * the next call. Maps have their channels last in here.
 */
function makeDecoder(config, array) {
  const activate = activations[config.activation ?? "relu"];

  /** Bias, normalisation and activation of `count` sums, whose last axis are `channels`. */
  function finisher(name, count, channels, bias, after) {
    const norm = ["weight", "bias", "running_mean", "running_var"].map((part) =>
      array(`${name}.norm.${part}`),
    );
    const [scale, shift] = [new Float32Array(count).fill(1), new Float32Array(count)];
    for (let i = 0; i < count; i++) {
      shift[i] = bias[bias.length === count ? i : i % channels];
      if (!norm[0]) continue;
      const [weight, offset, mean, variance] = norm.map((values) => values[i % channels]);
      scale[i] = weight / Math.sqrt(variance + 1e-5);
      shift[i] = offset + (shift[i] - mean) * scale[i];
    }
    return (sums) => {
      for (let i = 0; i < count; i++) sums[i] = after(sums[i] * scale[i] + shift[i]);
      return sums;
    };
  }

  /**
   * A layer of `count` sums. Of each pair, a place of the result gets the channels of a place of
   * what comes in by the weights of a tap: pairs(add) calls add(result, place, tap) for each, and
   * at(i, o, tap) is where the weight from channel i to channel o stands in the file.
   */
  function products(name, inputs, outputs, count, at, pairs, finish) {
    const stored = array(`${name}.weight`);
    // [taps, inputs, outputs]
    const weight = new Float32Array(stored.length);
    for (let k = 0; k < weight.length; k++) {
      const [o, rest] = [k % outputs, Math.floor(k / outputs)];
      weight[k] = stored[at(rest % inputs, o, Math.floor(rest / inputs))];
    }
    const list = [];
    pairs((result, place, tap) => {
      list.push(result * outputs, place * inputs, tap * inputs * outputs);
    });
    const steps = Int32Array.from(list);
    const sums = new Float32Array(count);
    return (x) => {
      sums.fill(0);
      for (let step = 0; step < steps.length; step += 3) {
        const [result, place, tap] = [steps[step], steps[step + 1], steps[step + 2]];
        for (let i = 0; i < inputs; i++) {
          const value = x[place + i];
          if (value === 0) continue; // about half of them, behind a rectifier
          const from = tap + i * outputs;
          for (let o = 0; o < outputs; o++) sums[result + o] += value * weight[from + o];
        }
      }
      return finish(sums);
    };
  }

  /** A dense layer; with `map`, its outputs become a map, whose channels are first in the file. */
  function dense(name, after, map) {
    const bias = array(`${name}.bias`);
    const [outputs, inputs] = [bias.length, array(`${name}.weight`).length / bias.length];
    const channels = map?.channels ?? outputs;
    const rowOf = (o) => (o % channels) * (outputs / channels) + Math.floor(o / channels);
    const finish = finisher(name, outputs, channels, bias.map((_, o) => bias[rowOf(o)]), after);
    const at = (i, o) => rowOf(o) * inputs + i;
    return products(name, inputs, outputs, outputs, at, (add) => add(0, 0, 0), finish);
  }

  /** A convolution of any kind, by its pairs of places. */
  function convolution(name, from, to, isTransposed, pairs, after) {
    const [inputs, outputs] = [from.channels, to.channels];
    const taps = array(`${name}.weight`).length / inputs / outputs;
    const at = (i, o, tap) => (isTransposed ? i * outputs + o : o * inputs + i) * taps + tap;
    const count = to.height * to.width * outputs;
    const finish = finisher(name, count, outputs, array(`${name}.bias`), after);
    return products(name, inputs, outputs, count, at, pairs, finish);
  }

  /** The pairs of ConvTranspose2d. */
  function transposed(from, to, window) {
    const tall = from.isSeries ? { kernel: 1, stride: 1, padding: 0 } : window;
    return (add) => {
      for (let y = 0; y < from.height; y++) {
        for (let x = 0; x < from.width; x++) {
          for (let ky = 0; ky < tall.kernel; ky++) {
            for (let kx = 0; kx < window.kernel; kx++) {
              const Y = y * tall.stride + ky - tall.padding;
              const X = x * window.stride + kx - window.padding;
              if (Y < 0 || Y >= to.height || X < 0 || X >= to.width) continue;
              add(Y * to.width + X, y * from.width + x, ky * window.kernel + kx);
            }
          }
        }
      }
    };
  }

  /** The pairs of Conv2d with kernel 3, stride 1 and padding 1, on a map resized to `to`. */
  function resized(from, to) {
    const rows = from.isSeries ? [0] : [-1, 0, 1];
    return (add) => {
      for (let Y = 0; Y < to.height; Y++) {
        for (let X = 0; X < to.width; X++) {
          rows.forEach((dy, row) => {
            for (let dx = -1; dx <= 1; dx++) {
              const [sourceY, sourceX] = [Y + dy, X + dx];
              if (sourceY < 0 || sourceY >= to.height) continue;
              if (sourceX < 0 || sourceX >= to.width) continue;
              const y = Math.floor((sourceY * from.height) / to.height);
              const x = Math.floor((sourceX * from.width) / to.width);
              add(Y * to.width + X, y * from.width + x, row * 3 + dx + 1);
            }
          });
        }
      }
    };
  }

  function residual(name, map) {
    const pairs = resized(map, map);
    const first = convolution(`${name}.0`, map, map, false, pairs, activate);
    const second = convolution(`${name}.1`, map, map, false, pairs, identity);
    return (x) => {
      const sum = second(first(x));
      for (let i = 0; i < sum.length; i++) sum[i] = activate(x[i] + sum[i]);
      return sum;
    };
  }

  const layers = config.hidden.map((_, i) => dense(`decoder.${i}`, activate));
  const mean = means[config.likelihood] ?? identity;
  const parts = config.convolution;
  if (!parts) {
    layers.push(dense("decoder.output", mean));
  } else {
    const isSeries = parts.layout === "series";
    const size = parts.sizes[0].reduce((product, side) => product * side, 1);
    const values = config.input_shape.reduce((product, side) => product * side, 1);
    const maps = [values / size, ...parts.channels].map((channels, i) => {
      const [width, height] = [...parts.sizes[i]].reverse();
      return { channels, width, height: height ?? 1, isSeries };
    });
    const last = maps.length - 1;
    layers.push(dense("decoder.expand", activate, maps[last]));
    for (let i = 0; i < parts.residual; i++) {
      layers.push(residual(`decoder.residual.${i}`, maps[last]));
    }
    for (let i = last; i > 0; i--) {
      const name = i > 1 ? `decoder.conv.${last - i}` : "decoder.output";
      const [from, to] = [maps[i], maps[i - 1]];
      const isTransposed = parts.upsample === "transposed";
      const pairs = isTransposed ? transposed(from, to, parts) : resized(from, to);
      layers.push(convolution(name, from, to, isTransposed, pairs, i > 1 ? activate : mean));
    }
    if (parts.layout === "channels-first") layers.push(channelsFirst(maps[0]));
  }
  return (latents) => layers.reduce((x, layer) => layer(x), latents);
}

/** A map with its channels last as one with its channels first. */
function channelsFirst({ channels, height, width }) {
  const [places, result] = [height * width, new Float32Array(channels * height * width)];
  return (x) => {
    for (let i = 0; i < result.length; i++) {
      result[(i % channels) * places + Math.floor(i / channels)] = x[i];
    }
    return result;
  };
}
