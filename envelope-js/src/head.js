/** A head's terms and sum (docs/format.md, "Head"). */

import { concat, lp, utf8 } from "./bytes.js";

/**
 * HMAC-SHA-256(hash key, "twinvault/v1/head" || 0x00 || LP(sk) || u64be(version) || commitment), as an integer.
 * @param {Uint8Array} hashKey
 * @param {{sk: string, version: number, commitment: Uint8Array}} row
 */
export async function headTerm(hashKey, { sk, version, commitment }) {
  const { subtle } = globalThis.crypto;
  const key = await subtle.importKey("raw", hashKey, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  const number = new Uint8Array(8);
  new DataView(number.buffer).setBigUint64(0, BigInt(version));
  const message = concat(utf8("twinvault/v1/head"), Uint8Array.of(0), lp(utf8(sk)), number, commitment);
  const mac = new Uint8Array(await subtle.sign("HMAC", key, message));
  return mac.reduce((integer, byte) => (integer << 8n) | BigInt(byte), 0n);
}

/** The sum of the terms modulo 2^256. @param {Uint8Array} hashKey @param {object[]} rows */
export async function headSum(hashKey, rows) {
  const terms = await Promise.all(rows.map((row) => headTerm(hashKey, row)));
  return BigInt.asUintN(256, terms.reduce((sum, term) => sum + term, 0n));
}

/**
 * Step 9: whether these are exactly the partition's other rows.
 * @param {{count: number, sum: bigint, hashKey: Uint8Array}} state of `headState`
 * @param {object[]} rows
 */
export async function isWhole({ count, sum, hashKey }, rows) {
  return rows.length === count && (await headSum(hashKey, rows)) === sum;
}
