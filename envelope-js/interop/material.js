import { readFileSync } from "node:fs";

/** A file of tests/vectors. */
export function vectors(name) {
  return JSON.parse(readFileSync(new URL(`../../tests/vectors/${name}.json`, import.meta.url), "utf8"));
}

export const bytes = (hex) => new Uint8Array(Buffer.from(hex, "hex"));
export const hex = (data) => Buffer.from(data).toString("hex");

/** A vector's item, with bytes where the API has them. */
export function itemOf(document) {
  const decoded = Object.entries(document).map(([name, value]) => [
    name,
    typeof value?.B === "string" ? { ...value, B: new Uint8Array(Buffer.from(value.B, "base64")) } : value,
  ]);
  return Object.fromEntries(decoded);
}

/** An item as JSON: bytes as base64. */
export function documentOf(item) {
  const encoded = Object.entries(item).map(([name, value]) => [
    name,
    value.B instanceof Uint8Array ? { B: Buffer.from(value.B).toString("base64") } : value,
  ]);
  return Object.fromEntries(encoded);
}

/** What `openItem` needs to open a vector. */
export function openOptions({ scope, label, keys, unauthenticated }) {
  const findKey = (keyId) => (Object.hasOwn(keys, keyId) ? bytes(keys[keyId]) : undefined);
  return { scope, label, findKey, unauthenticated };
}
