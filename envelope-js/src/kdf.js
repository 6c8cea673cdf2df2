/** KDF(key, label, context, bits): NIST SP 800-108r1 in counter mode with HMAC-SHA-512 (docs/format.md, "KDF"). */

import { concat, u32be, utf8 } from "./bytes.js";

const { subtle } = globalThis.crypto;
const BLOCK_BITS = 512;

/**
 * @param {Uint8Array} key
 * @param {{label: string, context: Uint8Array, bits: number}} input
 * @returns {Promise<Uint8Array>}
 */
export async function kdf(key, { label, context, bits }) {
  if (bits <= 0 || bits % 8 !== 0) throw new RangeError("bits: must be whole bytes");
  const hmac = await subtle.importKey("raw", key, { name: "HMAC", hash: "SHA-512" }, false, ["sign"]);
  const fixed = concat(utf8(label), Uint8Array.of(0), context, u32be(bits));
  const blocks = [];
  for (let number = 1; (number - 1) * BLOCK_BITS < bits; number += 1) {
    blocks.push(new Uint8Array(await subtle.sign("HMAC", hmac, concat(u32be(number), fixed))));
  }
  return concat(...blocks).slice(0, bits / 8);
}
