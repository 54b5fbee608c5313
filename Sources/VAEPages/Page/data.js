// What the tool put into the page: a JSON text, and arrays as one text of base64.

/** The bytes of a text of base64. */
function bytesOf(base64) {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/** Floats of IEEE 754 binary16, given as Uint16Array. */
function fromHalves(halves) {
  return Float32Array.from(halves, (half) => {
    const exponent = (half >> 10) & 31;
    const fraction = half & 1023;
    const size = exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : fraction * 2 ** -24;
    return half & 0x8000 ? -size : size;
  });
}

/** A function from names to typed arrays; undefined for what is not there. */
function unpack(entries, bytes) {
  const arrays = new Map();
  for (const [name, { type, shape, offset }] of Object.entries(entries)) {
    const count = shape.reduce((product, side) => product * side, 1);
    const [view, finish] = {
      u8: [Uint8Array, (array) => array],
      f16: [Uint16Array, fromHalves],
      f32: [Float32Array, (array) => array],
    }[type];
    arrays.set(name, finish(new view(bytes.buffer, offset, count)));
  }
  return (name) => arrays.get(name);
}
