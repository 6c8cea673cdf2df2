/** Sub-keys of the idx key, what they hide, and fingerprints (docs/format.md, "Sub-keys"). */

import { typedValue } from "./aad.js";
import { concat, lp, utf8 } from "./bytes.js";
import { kdf } from "./kdf.js";

const BITS = 256;
const BASE32 = "abcdefghijklmnopqrstuvwxyz234567";
const ID_CHARACTERS = 26;
const REQUEST_CHARACTERS = 52;

/**
 * @param {Uint8Array} indexKey
 * @param {"partition-id" | "blind" | "cursor" | "request"} use
 * @param {string[]} [parts] each enters with its length before it
 */
export function subKey(indexKey, use, parts = []) {
  return kdf(indexKey, { label: `twinvault/v1/sub/${use}`, context: joined(parts), bits: BITS });
}

/** The partition of a caller's id. @param {Uint8Array} indexKey @param {string} kind @param {string} id */
export async function partitionId(indexKey, kind, id) {
  return hidden(await subKey(indexKey, "partition-id", [kind]), utf8(id), ID_CHARACTERS);
}

/** The sort key of a request's row. @param {Uint8Array} indexKey @param {{principal: string, key: string}} request */
export async function requestName(indexKey, { principal, key }) {
  const name = await hidden(await subKey(indexKey, "request"), joined([principal, key]), REQUEST_CHARACTERS);
  return `request#${name}`;
}

/**
 * The blind index of a field's normalized value.
 * @param {Uint8Array} indexKey
 * @param {import("./aad.js").ClearValue} value text, a whole number, or a truth value
 * @param {{generation: number, kind: string, entity: string, field: string, bits: number}} options `field` is its
 *   stable name, `bits` a multiple of 5 from 5 to 255
 */
export async function blindIndex(indexKey, value, { generation, kind, entity, field, bits }) {
  const { type, bytes } = typedValue(value);
  const key = await subKey(indexKey, "blind", [String(generation), kind, entity, field]);
  return hidden(key, concat(Uint8Array.of(type), bytes), bits / 5);
}

/** The first characters of base32(HMAC-SHA-256(key, text)), in lower case. */
async function hidden(raw, text, characters) {
  const { subtle } = globalThis.crypto;
  const key = await subtle.importKey("raw", raw, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  const mac = new Uint8Array(await subtle.sign("HMAC", key, text));
  const bits = `${Array.from(mac, (byte) => byte.toString(2).padStart(8, "0")).join("")}0000`;
  return bits.match(/.{5}/g).slice(0, characters).map((five) => BASE32[Number.parseInt(five, 2)]).join("");
}

/** What a register says of a key. @param {Uint8Array} key @param {{tenant: string, sk: string}} place */
export function fingerprint(key, { tenant, sk }) {
  return kdf(key, { label: "twinvault/v1/fingerprint", context: joined([tenant, sk]), bits: BITS });
}

function joined(parts) {
  return concat(...parts.map((part) => lp(utf8(part))));
}
