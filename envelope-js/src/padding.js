/** Framing and padding (docs/format.md, "Padding"). */

import { u32be } from "./bytes.js";
import { IntegrityError } from "./errors.js";

export const MAX_PLAINTEXT_BYTES = 401404;

/** max(256, Padmé(4 + length)). @param {number} length */
export function paddedSize(length) {
  const framed = 4 + length;
  if (framed <= 256) return 256;
  const exponent = Math.floor(Math.log2(framed));
  const step = 2 ** (exponent - (Math.floor(Math.log2(exponent)) + 1));
  return Math.ceil(framed / step) * step;
}

/** u32be(length) || plaintext || zeros. @param {Uint8Array} plaintext */
export function pad(plaintext) {
  if (plaintext.length > MAX_PLAINTEXT_BYTES) throw new RangeError(`over ${MAX_PLAINTEXT_BYTES} bytes`);
  const padded = new Uint8Array(paddedSize(plaintext.length));
  padded.set(u32be(plaintext.length));
  padded.set(plaintext, 4);
  return padded;
}

/** @param {Uint8Array} padded */
export function unpad(padded) {
  if (padded.length < 256) throw new IntegrityError("7 padding");
  const length = new DataView(padded.buffer, padded.byteOffset).getUint32(0);
  const end = 4 + length;
  if (length > MAX_PLAINTEXT_BYTES || paddedSize(length) !== padded.length) throw new IntegrityError("7 padding");
  if (padded.subarray(end).some((byte) => byte !== 0)) throw new IntegrityError("7 padding");
  return padded.slice(4, end);
}
