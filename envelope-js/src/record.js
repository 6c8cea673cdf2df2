/** Step 8 of "Open" (docs/format.md): what an opened plaintext must be. */

import { ATTRIBUTE_NAME } from "./aad.js";
import { IntegrityError, Undeclared } from "./errors.js";
import { MAX_RECORDS } from "./head.js";
import { openItem, undeclared } from "./item.js";
import { canonicalNumber } from "./numbers.js";

const SUM = /^[0-9a-f]{512}$/;
const HASH_KEY = /^[0-9a-f]{64}$/;
const MAX_DEK_VERSION = 999_999;
// Every record and head may have them, whatever its entity declares.
const BLIND_INDEXES = { bi_1: ["S"], bi_2: ["S"], bi_3: ["S"] };

/**
 * Opens the item of a record or a head.
 * @param {Record<string, object>} item
 * @param {object} options as for `openItem`, and what the entity declares
 * @param {Record<string, string[]>} options.declared clear attributes with the types that each may have
 * @param {string[]} options.sealed the names of the fields that it seals
 * @returns {Promise<{version: bigint, fields: Record<string, unknown>, digest: Uint8Array}>}
 * @throws {Undeclared} it is authentic and holds something else
 */
export async function openRecord(item, { declared, sealed, ...options }) {
  const { plaintext, digest } = await openItem(item, options);
  const fields = decode(plaintext);
  if (!["entity_type", "created_at", "updated_at"].every((name) => typeof textOf(item, name) === "string")) refuse();
  const version = versionOf(Object.hasOwn(item, "version") ? item.version.N : undefined);
  const others = Object.keys(fields).filter((name) => !sealed.includes(name));
  const names = others.map((name) => (ATTRIBUTE_NAME.test(name) ? name : "?")).sort();
  requireDeclared([...undeclared(item, { declared: { ...BLIND_INDEXES, ...declared }, ...options }), ...names]);
  return { version, fields, digest };
}

/** Opens the row of a DEK or an idx key. @returns {Promise<Uint8Array>} the key */
export async function openKey(item, { declared, ...options }) {
  const { plaintext: key } = await openItem(item, options);
  if (key.length !== 32) refuse();
  requireDeclared(undeclared(item, { declared, ...options }));
  return key;
}

/**
 * What the library seals in a head, beside the kind's own fields.
 * @param {Record<string, unknown>} fields of an opened head
 * @returns {{count: number, sum: bigint, hashKey: Uint8Array, dekVersion: number, lowestDekVersion: number, lastEvent: string}}
 */
export function headState({ store }) {
  if (typeof store !== "object" || store === null) refuse();
  const { count, sum, hash_key: hashKey, dek_version: dekVersion, last_event: lastEvent } = store;
  const { lowest_dek_version: lowestDekVersion } = store;
  if (!isWithin(count, 0, MAX_RECORDS) || typeof lastEvent !== "string") refuse();
  if (!isWithin(dekVersion, 1, MAX_DEK_VERSION) || !isWithin(lowestDekVersion, 1, dekVersion)) refuse();
  if (typeof sum !== "string" || !SUM.test(sum)) refuse();
  if (typeof hashKey !== "string" || !HASH_KEY.test(hashKey)) refuse();
  const key = Uint8Array.from(hashKey.match(/../g), (hex) => Number.parseInt(hex, 16));
  if (Object.keys(store).length !== 6) throw new Undeclared(["store"]);
  return { count, sum: BigInt(`0x${sum}`), hashKey: key, dekVersion, lowestDekVersion, lastEvent };
}

function isWithin(number, lowest, highest) {
  return Number.isInteger(number) && number >= lowest && number <= highest;
}

function decode(plaintext) {
  try {
    // `ignoreBOM` leaves a byte order mark where it is: JSON has none, so it is refused.
    const fields = JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(plaintext));
    if (typeof fields === "object" && fields !== null && !Array.isArray(fields)) return fields;
  } catch {
    // Refused below, like all else that is no JSON object.
  }
  return refuse();
}

/** A whole number from 1, below 2^64. @param {unknown} text */
export function versionOf(text) {
  if (typeof text !== "string") refuse();
  const [digits, power] = canonicalNumber(text).split("e");
  if (power === undefined || Number(power) < 0) refuse();
  const version = BigInt(digits) * 10n ** BigInt(power);
  if (version < 1n || version >= 1n << 64n) refuse();
  return version;
}

function textOf(item, name) {
  return Object.hasOwn(item, name) ? item[name].S : undefined;
}

function requireDeclared(others) {
  if (others.length > 0) throw new Undeclared(others);
}

function refuse() {
  throw new IntegrityError("8 payload");
}
