/** A head's terms and sum (docs/format.md, "Head"). WebCrypto has no SHAKE256, so it is taken from @noble/hashes. */

import { shake256 } from "@noble/hashes/sha3.js";

import { concat, utf8 } from "./bytes.js";

export const MAX_RECORDS = 2 ** 14;
const TERM_BYTES = 256;

/**
 * SHAKE256("twinvault/v1/term" || 0x00 || hash key || digest, 256 bytes), as a big-endian integer.
 * @param {Uint8Array} hashKey
 * @param {Uint8Array} digest a record's
 */
export function headTerm(hashKey, digest) {
  const message = concat(utf8("twinvault/v1/term"), Uint8Array.of(0), hashKey, digest);
  const term = shake256(message, { dkLen: TERM_BYTES });
  return BigInt(`0x${Array.from(term, (byte) => byte.toString(16).padStart(2, "0")).join("")}`);
}

/** The sum of the terms modulo 2^2048. @param {Uint8Array} hashKey @param {Uint8Array[]} digests */
export function headSum(hashKey, digests) {
  const sum = digests.reduce((total, digest) => total + headTerm(hashKey, digest), 0n);
  return BigInt.asUintN(8 * TERM_BYTES, sum);
}

/**
 * Step 9: whether these are the digests of exactly the partition's other rows.
 * @param {{count: number, sum: bigint, hashKey: Uint8Array}} state of `headState`
 * @param {Uint8Array[]} digests
 */
export function isWhole({ count, sum, hashKey }, digests) {
  return digests.length === count && headSum(hashKey, digests) === sum;
}
