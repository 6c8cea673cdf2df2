/** What a sealed record is bound to (docs/format.md, "AAD"). */

import { concat, lp, u32be, utf8 } from "./bytes.js";
import { canonicalNumber } from "./numbers.js";

export const ATTRIBUTE_NAME = /^[a-z][a-z0-9_]{0,63}$/;

/**
 * @typedef {{S: string} | {N: string} | {BOOL: boolean} | {NULL: true}} ClearValue
 * @typedef {{table: string, tenant: string, pk: string, sk: string, keyId: string, clear: Record<string, ClearValue>}} Context
 */

/**
 * @param {Context} context
 * @throws {RangeError} a name, text or number that cannot be encoded
 */
export function encodeAad({ table, tenant, pk, sk, keyId, clear }) {
  const place = ["twinvault/v1/aad", table, tenant, pk, sk, keyId].map((text) => lp(utf8(text)));
  // Names are ASCII, so the order of UTF-16 code units, which `sort` goes by, is the order of bytes.
  const names = Object.keys(clear).sort();
  const attributes = names.flatMap((name) => [encodeName(name), encodeValue(clear[name])]);
  return concat(...place, u32be(names.length), ...attributes);
}

function encodeName(name) {
  if (!ATTRIBUTE_NAME.test(name)) throw new RangeError("an attribute's name must match [a-z][a-z0-9_]{0,63}");
  return lp(utf8(name));
}

function encodeValue(value) {
  const { type, bytes } = typedValue(value);
  return concat(Uint8Array.of(type), lp(bytes));
}

/** A clear value's type byte and its bytes. @param {ClearValue} value @throws {RangeError} it is none */
export function typedValue(value) {
  const [[kind, content]] = Object.entries(value);
  switch (kind) {
    case "S":
      return { type: 1, bytes: utf8(content) };
    case "N":
      return { type: 2, bytes: utf8(canonicalNumber(content)) };
    case "BOOL":
      return { type: 3, bytes: Uint8Array.of(content ? 1 : 0) };
    case "NULL":
      return { type: 4, bytes: new Uint8Array() };
    default:
      throw new RangeError("only S, N, BOOL and NULL may be clear");
  }
}
