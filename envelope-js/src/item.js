/** A sealed record as a DynamoDB item, and back (docs/format.md, "Item" and "Open", steps 0 to 4). */

import { ATTRIBUTE_NAME } from "./aad.js";
import { IntegrityError } from "./errors.js";
import { canonicalNumber } from "./numbers.js";
import { open, requireEncodable, requireLengths, seal } from "./primitive.js";

const SEALED = { ciphertext: "content_encrypted", nonce: "content_nonce", salt: "content_salt", commitment: "key_commitment" };
const ENVELOPE = new Set([...Object.values(SEALED), "key_id", "pk", "sk"]);
const KEY_ID = /^(?:kek#[0-9]{6}|idx|register-key|dek#[a-z0-9][a-z0-9._-]{0,62}#[a-z0-9][a-z0-9._-]{0,62}#[0-9]{6})$/;
const JS_TYPES = { S: "string", N: "string", BOOL: "boolean", NULL: "boolean" };

/**
 * Opens an item that was found at `scope`. Whatever the item's shape, it opens or `IntegrityError` is thrown.
 * @param {Record<string, object>} item with `Uint8Array` under B
 * @param {object} options
 * @param {{table: string, tenant: string, pk: string}} options.scope where the caller looked; never taken from the item
 * @param {string} options.label
 * @param {(keyId: string) => Uint8Array | undefined} options.findKey the keys of this scope
 * @param {string[]} [options.unauthenticated] attributes that stand outside the seal
 * @returns {Promise<import("./primitive.js").Opened>} the plaintext, and the digest that stands for the whole record
 */
export async function openItem(item, { scope, label, findKey, unauthenticated = [] }) {
  const { stored, context } = parseItem(item, { scope, unauthenticated });
  const key = findKey(context.keyId); // Step 2, once it is known that a key is worth fetching.
  if (key === undefined) throw new IntegrityError("2 key id");
  return open(stored, { key, label, context }); // Steps 3 to 7.
}

/**
 * Steps 0 to 4, which need no key.
 * @param {Record<string, object>} item
 * @param {object} options as for `openItem`
 * @returns {{stored: import("./primitive.js").Stored, context: import("./aad.js").Context}}
 */
export function parseItem(item, { scope, unauthenticated = [] }) {
  const sk = attribute(item, "sk", "S"); // Step 0.
  if (typeof sk !== "string" || lengthOf(sk) > 1024) throw new IntegrityError("0 place");
  if (attribute(item, "pk", "S") !== scope.pk) throw new IntegrityError("0 place");
  if (!isFormat1(attribute(item, "format", "N"))) throw new IntegrityError("1 format"); // Step 1.
  const keyId = attribute(item, "key_id", "S"); // Step 2, the form.
  if (typeof keyId !== "string" || !KEY_ID.test(keyId)) throw new IntegrityError("2 key id");
  const stored = sealedOf(item); // Step 3.
  const clear = clearOf(item, unauthenticated); // Step 4.
  if (!Object.entries(clear).every(([name, value]) => isClear(name, value))) throw new IntegrityError("4 clear attributes");
  const context = { ...scope, sk, keyId, clear };
  requireEncodable(context);
  return { stored, context };
}

/**
 * Seals a plaintext with a fresh salt and nonce.
 * @param {Uint8Array} plaintext
 * @param {{key: Uint8Array, label: string, context: import("./aad.js").Context}} options `clear` holds `format` too
 * @returns {Promise<Record<string, object>>}
 */
export async function sealItem(plaintext, { key, label, context }) {
  const salt = crypto.getRandomValues(new Uint8Array(32));
  const nonce = crypto.getRandomValues(new Uint8Array(12));
  const sealed = await seal(plaintext, { key, label, context, salt, nonce });
  const binary = Object.entries(SEALED).map(([part, name]) => [name, { B: sealed[part] }]);
  const place = { pk: { S: context.pk }, sk: { S: context.sk }, key_id: { S: context.keyId } };
  return { ...place, ...context.clear, ...Object.fromEntries(binary) };
}

/** In bytes; a lone surrogate, which step 4 refuses, counts as one. */
function lengthOf(text) {
  return new TextEncoder().encode(text.replace(/\p{Surrogate}/gu, "?")).length;
}

function sealedOf(item) {
  const parts = Object.entries(SEALED).map(([part, name]) => [part, attribute(item, name, "B")]);
  if (!parts.every(([, bytes]) => bytes instanceof Uint8Array)) throw new IntegrityError("3 lengths");
  const sealed = Object.fromEntries(parts);
  requireLengths(sealed);
  return sealed;
}

/**
 * The clear attributes that are not declared, or not with the type they have: to be asked once the item has opened.
 * @param {Record<string, object>} item one that opened
 * @param {{declared: Record<string, string[]>, unauthenticated?: string[]}} options types by name
 */
export function undeclared(item, { declared, unauthenticated = [] }) {
  const isDeclared = ([name, value]) => Object.hasOwn(declared, name) && declared[name].includes(Object.keys(value)[0]);
  const others = Object.entries(clearOf(item, unauthenticated)).filter((entry) => !isDeclared(entry));
  return others.map(([name]) => name).sort();
}

/** All attributes but the envelope's own and those outside the seal. */
function clearOf(item, unauthenticated) {
  const entries = Object.entries(item).filter(([name]) => !ENVELOPE.has(name) && !unauthenticated.includes(name));
  return Object.fromEntries(entries);
}

function isClear(name, value) {
  if (!ATTRIBUTE_NAME.test(name) || !isOneEntry(value)) return false;
  const [[kind, content]] = Object.entries(value);
  if (!Object.hasOwn(JS_TYPES, kind) || typeof content !== JS_TYPES[kind]) return false;
  return kind !== "NULL" || content;
}

function isFormat1(text) {
  try {
    return typeof text === "string" && canonicalNumber(text) === "1e0";
  } catch {
    return false;
  }
}

/** What an item holds under this name and type. */
export function attribute(item, name, kind) {
  const value = Object.hasOwn(item, name) ? item[name] : undefined;
  return isOneEntry(value) && Object.hasOwn(value, kind) ? value[kind] : undefined;
}

function isOneEntry(value) {
  return typeof value === "object" && value !== null && Object.keys(value).length === 1;
}
