/** `seal` and `open`: the one primitive (docs/format.md, "Seal" and "Open", steps 3 to 7). */

import { encodeAad } from "./aad.js";
import { concat, equal } from "./bytes.js";
import { IntegrityError } from "./errors.js";
import { kdf } from "./kdf.js";
import { MAX_PLAINTEXT_BYTES, pad, paddedSize, unpad } from "./padding.js";

const USES = ["record", "head", "request", "dek", "index", "register", "erased", "work", "hold", "cursor"];
export const LABELS = USES.map((use) => `twinvault/v1/${use}`);
const TAG_BYTES = 16;
const { subtle } = globalThis.crypto;

/**
 * @typedef {{ciphertext: Uint8Array, nonce: Uint8Array, salt: Uint8Array, commitment: Uint8Array}} Sealed
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
  const { recordKey, commitment } = await derive(key, { salt, label, aad });
  const padded = pad(plaintext);
  const aesKey = await subtle.importKey("raw", recordKey, "AES-GCM", false, ["encrypt"]);
  const ciphertext = await subtle.encrypt({ name: "AES-GCM", iv: nonce, additionalData: aad }, aesKey, padded);
  return { ciphertext: new Uint8Array(ciphertext), nonce, salt, commitment };
}

/**
 * @param {Sealed} sealed
 * @param {{key: Uint8Array, label: string, context: Context}} options
 * @returns {Promise<Uint8Array>}
 * @throws {IntegrityError} the record was changed, moved, cut, or sealed under another key or for another use
 */
export async function open(sealed, { key, label, context }) {
  if (key.length !== 32) throw new RangeError("key length");
  requireLengths(sealed); // Step 3.
  const aad = aadOrRefusal(context); // Step 4.
  // Step 5: the commitment, before GCM.
  const { recordKey, commitment } = await derive(key, { salt: sealed.salt, label, aad });
  if (!equal(commitment, sealed.commitment)) throw new IntegrityError("5 commitment");
  // Step 6: GCM. WebCrypto releases nothing before it has checked the tag.
  const aesKey = await subtle.importKey("raw", recordKey, "AES-GCM", false, ["decrypt"]);
  const algorithm = { name: "AES-GCM", iv: sealed.nonce, additionalData: aad };
  const padded = await subtle.decrypt(algorithm, aesKey, sealed.ciphertext).catch(() => {
    throw new IntegrityError("6 ciphertext");
  });
  return unpad(new Uint8Array(padded)); // Step 7.
}

/** Step 3. @param {Sealed} sealed */
export function requireLengths({ ciphertext, nonce, salt, commitment }) {
  const longest = paddedSize(MAX_PLAINTEXT_BYTES) + TAG_BYTES;
  const fits = nonce.length === 12 && salt.length === 32 && commitment.length === 32;
  if (!fits || ciphertext.length < 256 + TAG_BYTES || ciphertext.length > longest) throw new IntegrityError("3 lengths");
}

/** KDF(key, label, salt || SHA-256(AAD), 512) -> record key || commitment. */
async function derive(key, { salt, label, aad }) {
  if (!LABELS.includes(label)) throw new RangeError("unknown label");
  const hash = new Uint8Array(await subtle.digest("SHA-256", aad));
  const secret = await kdf(key, { label, context: concat(salt, hash), bits: 512 });
  return { recordKey: secret.slice(0, 32), commitment: secret.slice(32) };
}

function aadOrRefusal(context) {
  try {
    return encodeAad(context);
  } catch (error) {
    if (error instanceof RangeError) throw new IntegrityError("4 clear attributes");
    throw error;
  }
}
