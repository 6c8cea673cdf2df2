/** Verifying a receipt of an erasure (docs/receipt.md, "Verify"). */

import { canonicalJson } from "./audit-form.js";
import { concat } from "./bytes.js";
import { either, listOf, mapOf, matches, object, oneOf, textUpTo, whole } from "./checks.js";
import { BrokenReceipt } from "./errors.js";

const { subtle } = globalThis.crypto;
const encoder = new TextEncoder();
const MAX_BYTES = 1024 * 1024;

const text = textUpTo(256);
const id = matches(/^[a-z0-9][a-z0-9._-]{0,62}$/);
const digest = matches(/^[0-9a-f]{64}$/);
const time = matches(/^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?Z$/);
const exact = matches(/^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z$/);
const most = { most: 10_000 };

const members = object({
  v: (value) => value === 1,
  store: id,
  tenant: id,
  kind: either(id, null),
  mark: digest,
  erasure: id,
  requested: object({ by: text, at: time }),
  erased: object({
    by: text,
    at: time,
    event: matches(/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/),
    head_version: either(whole(0), null),
    newest_epoch: whole(0),
    tombstone: digest,
  }),
  keys: listOf(object({ name: text, version: whole(0), epoch: whole(0) }), most),
  records: either(mapOf(text, whole(0)), null),
  requests: object({ dynamodb: listOf(text, most), kms: listOf(text, most) }),
  negative_test: text,
  status: oneOf("refused by this store", "erased"),
  finalized_at: either(exact, null),
  bounds: listOf(object({ what: text, until: exact }), most),
  irrecoverable_after: either(exact, null),
  not_covered: listOf(text, most),
  issued_at: exact,
  audit_key: text,
});
const isFile = object({
  receipt: (value) => typeof value === "object" && value !== null && !Array.isArray(value),
  signature: matches(/^[0-9a-f]{128}$/),
});

/**
 * The content of a receipt that the holder of this key signed.
 * @param {Uint8Array} file
 * @param {Uint8Array} publicKey Ed25519, 32 bytes, which must come from elsewhere than the receipt
 * @returns {Promise<object>}
 * @throws {BrokenReceipt} the first step that fails
 */
export async function verifyReceipt(file, publicKey) {
  need(file.length <= MAX_BYTES, "1 size");
  const { receipt, signature } = parsed(file); // Step 2.
  const hashed = await digestOf(receipt);
  need(await isSigned(hashed, signature, publicKey), "3 signature");
  need(members(receipt) && agrees(receipt), "4 content");
  return receipt;
}

/**
 * How the erasure stands at a time, by a verified receipt's content.
 * @param {object} content
 * @param {string} now RFC 3339 in UTC, to the microsecond
 * @returns {"refused" | "not yet" | "irrecoverable"}
 */
export function receiptStanding({ irrecoverable_after: after }, now) {
  if (after === null) return "refused";
  return now > after ? "irrecoverable" : "not yet";
}

function parsed(file) {
  let found = null;
  try {
    found = JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(file));
  } catch {
    throw new BrokenReceipt("2 form");
  }
  need(isFile(found), "2 form");
  return found;
}

async function digestOf(receipt) {
  const payload = encoder.encode(canonicalJson(receipt));
  return new Uint8Array(await subtle.digest("SHA-256", labelled("twinvault/v1/receipt", payload)));
}

async function isSigned(hashed, signature, publicKey) {
  const [bytes, message] = [bytesOf(signature), labelled("twinvault/v1/receipt-signature", hashed)];
  try {
    const key = await subtle.importKey("raw", publicKey, { name: "Ed25519" }, false, ["verify"]);
    return await subtle.verify({ name: "Ed25519" }, key, bytes, message);
  } catch (error) {
    if (error.name === "NotSupportedError") throw error; // this engine cannot tell
    return false;
  }
}

/** Whether it does not contradict itself about from when on the erasure is irrecoverable. */
function agrees({ bounds, finalized_at: finalized, irrecoverable_after: after, status }) {
  const latest = bounds.map(({ until }) => until).sort().at(-1) ?? null;
  return after === latest && (finalized === null) === (after === null) && (after === null) === (status !== "erased");
}

const labelled = (label, bytes) => concat(encoder.encode(label), Uint8Array.of(0), bytes);
const bytesOf = (hex) => Uint8Array.from(hex.match(/../g), (pair) => Number.parseInt(pair, 16));

function need(holds, step) {
  if (!holds) throw new BrokenReceipt(step);
}
