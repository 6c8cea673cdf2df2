/** `seal` and `open`: the one primitive (docs/format.md, "Seal" and "Open", steps 3 to 7). */

import { encodeAad } from "./aad.js";
import { concat, equal, lp, utf8 } from "./bytes.js";
import { IntegrityError } from "./errors.js";
import { kdf } from "./kdf.js";
import { MAX_PLAINTEXT_BYTES, pad, paddedSize, unpad } from "./padding.js";

const USES = ["record", "head", "request", "dek", "index", "register", "erased", "work", "hold", "erasure", "cursor"];
export const LABELS = USES.map((use) => `twinvault/v1/${use}`);
const TAG_BYTES = 16;
const { subtle } = globalThis.crypto;

/**
 * @typedef {{ciphertext: Uint8Array, nonce: Uint8Array, salt: Uint8Array, commitment: Uint8Array}} Stored
 * @typedef {Stored & {digest: Uint8Array}} Sealed
 * @typedef {{plaintext: Uint8Array, digest: Uint8Array}} Opened
 * @typedef {import("./aad.js").Context} Context
 */

/**
 * Outside of vectors call `sealItem`, which draws a salt and a nonce for each record.
 * @param {Uint8Array} plaintext
 * @param {{key: Uint8Array, label: string, context: Context, salt: Uint8Array, nonce: Uint8Array}} options
 * @returns {Promise<Sealed>}
 */
export async function seal(plaintext, { key, label, context, salt, nonce }) {
  if (key.length !== 32 || salt.length !== 32 || nonce.length !== 12) throw new RangeError("key, salt or nonce length");
  const aad = encodeAad(context);
  const aadHash = await sha256(aad);
  const { recordKey, commitment } = await derive(key, { salt, label, aadHash });
  const padded = pad(plaintext);
  const aesKey = await subtle.importKey("raw", recordKey, "AES-GCM", false, ["encrypt"]);
  const algorithm = { name: "AES-GCM", iv: nonce, additionalData: aad };
  const ciphertext = new Uint8Array(await subtle.encrypt(algorithm, aesKey, padded));
  const stored = { ciphertext, nonce, salt, commitment };
  return { ...stored, digest: await digestOf(stored, { label, aadHash }) };
}

/**
 * @param {Stored} stored
 * @param {{key: Uint8Array, label: string, context: Context}} options
 * @returns {Promise<Opened>}
 * @throws {IntegrityError} the record was changed, moved, cut, or sealed under another key or for another use
 */
export async function open(stored, { key, label, context }) {
  if (key.length !== 32) throw new RangeError("key length");
  requireLengths(stored); // Step 3.
  const aad = requireEncodable(context); // Step 4.
  // Step 5: the commitment, before GCM.
  const aadHash = await sha256(aad);
  const { recordKey, commitment } = await derive(key, { salt: stored.salt, label, aadHash });
  if (!equal(commitment, stored.commitment)) throw new IntegrityError("5 commitment");
  // Step 6: GCM. WebCrypto releases nothing before it has checked the tag.
  const aesKey = await subtle.importKey("raw", recordKey, "AES-GCM", false, ["decrypt"]);
  const algorithm = { name: "AES-GCM", iv: stored.nonce, additionalData: aad };
  const padded = await subtle.decrypt(algorithm, aesKey, stored.ciphertext).catch(() => {
    throw new IntegrityError("6 ciphertext");
  });
  const plaintext = unpad(new Uint8Array(padded)); // Step 7.
  return { plaintext, digest: await digestOf(stored, { label, aadHash }) };
}

/**
 * The digest of what is stored, which needs no key.
 * @param {Stored} stored
 * @param {{label: string, context: Context}} options
 */
export async function sealDigest(stored, { label, context }) {
  return digestOf(stored, { label, aadHash: await sha256(requireEncodable(context)) });
}

/** Step 3. @param {Stored} stored */
export function requireLengths({ ciphertext, nonce, salt, commitment }) {
  const longest = paddedSize(MAX_PLAINTEXT_BYTES) + TAG_BYTES;
  const fits = nonce.length === 12 && salt.length === 32 && commitment.length === 32;
  if (!fits || ciphertext.length < 256 + TAG_BYTES || ciphertext.length > longest) throw new IntegrityError("3 lengths");
}

/** KDF(key, label, salt || SHA-256(AAD), 512) -> record key || commitment. */
async function derive(key, { salt, label, aadHash }) {
  if (!LABELS.includes(label)) throw new RangeError("unknown label");
  const secret = await kdf(key, { label, context: concat(salt, aadHash), bits: 512 });
  return { recordKey: secret.slice(0, 32), commitment: secret.slice(32) };
}

/** SHA-256("twinvault/v1/seal" || 0x00 || LP(label) || SHA-256(AAD) || salt || commitment || nonce || ciphertext). */
function digestOf({ ciphertext, nonce, salt, commitment }, { label, aadHash }) {
  const prefix = concat(utf8("twinvault/v1/seal"), Uint8Array.of(0), lp(utf8(label)));
  return sha256(concat(prefix, aadHash, salt, commitment, nonce, ciphertext));
}

async function sha256(bytes) {
  return new Uint8Array(await subtle.digest("SHA-256", bytes));
}

/** Step 4: the AAD. @param {Context} context */
export function requireEncodable(context) {
  try {
    return encodeAad(context);
  } catch (error) {
    if (error instanceof RangeError) throw new IntegrityError("4 clear attributes");
    throw error;
  }
}
