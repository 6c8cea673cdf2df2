/** Bytes: the few operations that the format is made of. */

const encoder = new TextEncoder();

/**
 * UTF-8. TextEncoder would put U+FFFD in the place of a lone surrogate, and two texts would become one.
 * @param {string} text
 */
export function utf8(text) {
  if (!text.isWellFormed()) throw new RangeError("a lone surrogate is not Unicode text");
  return encoder.encode(text);
}

/** @param {Uint8Array[]} parts */
export function concat(...parts) {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.length;
  }
  return joined;
}

/** @param {number} value */
export function u32be(value) {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}

/** LP(x) = u32be(length of x) || x. @param {Uint8Array} bytes */
export function lp(bytes) {
  return concat(u32be(bytes.length), bytes);
}

/** Compares without stopping at the first difference. @param {Uint8Array} a @param {Uint8Array} b */
export function equal(a, b) {
  let difference = a.length ^ b.length;
  for (let index = 0; index < a.length; index++) difference |= a[index] ^ b[index];
  return difference === 0;
}
