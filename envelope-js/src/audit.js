/** Verifying a chain of audit entries (docs/audit.md, "Verify"). */

import { CHAIN, parseEntry } from "./audit-form.js";
import { concat, equal, lp } from "./bytes.js";
import { BrokenChain } from "./errors.js";

const { subtle } = globalThis.crypto;
const encoder = new TextEncoder();
const ATTRIBUTES = { pk: "S", sk: "S", entry: "S", digest: "B", signature: "B" };
const MAX_ENTRY_BYTES = 65536;
const ENVIRONMENT = ["store", "function", "artifact"];
const ACTIVITY = ["began", "request", "trace", "span", "principal", "tenant", "action"];
const PARTS_SHARE = [...ACTIVITY, "event", "attempt", "outcome", "of", "problem", "step", "row"];

/**
 * @typedef {Record<string, {S?: string, B?: Uint8Array}>} Row as DynamoDB's API gives it
 * @typedef {{chain: string, seq: number, candidate: string}} Closed
 * @typedef {{chain: string, publicKey: Uint8Array, seq: number, digest: Uint8Array, signature: Uint8Array,
 *   first: object, last: object, continues: Closed[], isWithinAnEvent: boolean}} Verified a chain as far as it is verified
 */

/**
 * Verifies a whole chain: all rows of its partition, in order of their sort keys.
 * @param {Iterable<Row>} rows
 * @param {{everySignature?: boolean}} [options] false: the last signature alone, which covers all entries before it
 * @returns {Promise<Verified>}
 * @throws {BrokenChain} the first step that fails, of the first row
 */
export async function verifyChain(rows, { everySignature = true } = {}) {
  let verified = null;
  for (const row of rows) verified = await verifyNext(verified, row, { signature: everySignature });
  need(verified !== null, "1 row", 1);
  const { publicKey, signature, digest, seq } = verified;
  if (!everySignature) need(await isSigned(digest, signature, publicKey), "8 signature", seq);
  return verified;
}

/**
 * Verifies the row that follows `before` in its chain; null: the chain's first. Steps 1 to 9.
 * @param {Verified | null} before
 * @param {Row} row
 * @param {{signature?: boolean}} [options]
 * @returns {Promise<Verified>}
 */
export async function verifyNext(before, row, { signature: checked = true } = {}) {
  const seq = before === null ? 1 : before.seq + 1;
  const { chain, encoded, digest, signature } = rowOf(row, before, seq); // Step 1.
  const bytes = encoder.encode(encoded);
  need(bytes.length <= MAX_ENTRY_BYTES, "2 size", seq); // Step 2.
  const entry = entryOf(encoded, seq); // Step 3.
  need(equal(digest, await hash("twinvault/v1/audit", bytes)), "4 digest", seq); // Step 4.
  need(entry.chain === chain && entry.seq === seq, "5 place", seq); // Step 5.
  need(entry.prev === hex(before?.digest ?? new Uint8Array(32)), "6 link", seq); // Step 6.
  const first = before?.first ?? entry; // Step 7.
  need(Object.hasOwn(entry, "public_key") === (seq === 1), "7 environment", seq);
  need(seq === 1 || !Object.hasOwn(entry, "continues"), "7 environment", seq);
  need(alike(ENVIRONMENT, entry, first), "7 environment", seq);
  const publicKey = bytesOf(first.public_key); // Step 8.
  need(!checked || (await isSigned(digest, signature, publicKey)), "8 signature", seq);
  need(partsFollow(entry, before), "9 parts", seq); // Step 9.
  const isWithinAnEvent = (entry.part ?? 1) < (entry.of ?? 1);
  const continues = first.continues ?? [];
  return { chain, publicKey, seq, digest, signature, first, last: entry, continues, isWithinAnEvent };
}

/**
 * Step 10: the chain `old` (null: none of its rows is there) ended where `next` says that it was closed.
 * @param {Closed} closed
 * @param {Verified | null} old
 * @param {Verified} next
 * @throws {BrokenChain}
 */
export function verifyContinuation(closed, old, next) {
  const length = old?.seq ?? 0;
  const step = "10 continuation";
  const isNamed = next.continues.some((one) => alike(["chain", "seq", "candidate"], one, closed));
  need(isNamed, step, closed.seq);
  if (old !== null) {
    need(old.chain === closed.chain && equal(old.publicKey, next.publicKey), step, 1);
    need(alike(ENVIRONMENT, old.first, next.first), step, 1);
  }
  need(length >= closed.seq - 1, step, length + 1);
  need(length <= closed.seq, step, closed.seq + 1);
  need(length < closed.seq || hex(old.digest) === closed.candidate, step, closed.seq);
}

/** How an entry names a partition or a register. @param {string} markPk its mark's partition key */
export async function markHash(markPk) {
  return hex(await sha256(encoder.encode(asUtf8(markPk))));
}

/** How an entry names a row. An empty sk: no single row. @param {string} table @param {string} pk @param {string} sk */
export async function rowHash(table, pk, sk) {
  return hex(await sha256(concat(...[table, pk, sk].map((text) => lp(encoder.encode(asUtf8(text)))))));
}

function rowOf(row, before, seq) {
  const names = Object.keys(ATTRIBUTES);
  const isRow = Object.keys(row).length === names.length && names.every((name) => Object.hasOwn(row, name));
  need(isRow, "1 row", seq);
  const [pk, sk, encoded, digest, signature] = names.map((name) => contentOf(row[name], ATTRIBUTES[name], seq));
  const chain = pk.slice("chain#".length);
  need(pk.startsWith("chain#") && CHAIN.test(chain), "1 row", seq);
  need(before === null || before.chain === chain, "1 row", seq);
  need(sk === String(seq).padStart(12, "0"), "1 row", seq);
  need(digest.length === 32 && signature.length === 64, "1 row", seq);
  return { chain, encoded, digest, signature };
}

function contentOf(value, kind, seq) {
  const isOne = typeof value === "object" && value !== null && Object.keys(value).length === 1;
  const content = isOne && Object.hasOwn(value, kind) ? value[kind] : undefined;
  need(kind === "S" ? typeof content === "string" : content instanceof Uint8Array, "1 row", seq);
  return content;
}

function entryOf(encoded, seq) {
  try {
    return parseEntry(encoded);
  } catch {
    throw new BrokenChain("3 form", seq);
  }
}

function partsFollow(entry, before) {
  const [part, of, last] = [entry.part ?? 1, entry.of ?? 1, before?.last ?? {}];
  if (entry.partitions.some((partition) => Object.hasOwn(partition, "wrote")) && part !== of) return false;
  if (part > 1) return alike(PARTS_SHARE, entry, last) && last.part === part - 1;
  // An event that was given up, or goes on elsewhere: only its own activity can come after it.
  return !before?.isWithinAnEvent || alike(ACTIVITY, entry, last);
}

async function isSigned(digest, signature, publicKey) {
  try {
    const key = await subtle.importKey("raw", publicKey, { name: "Ed25519" }, false, ["verify"]);
    return await subtle.verify({ name: "Ed25519" }, key, signature, labelled("twinvault/v1/audit-signature", digest));
  } catch (error) {
    if (error.name === "NotSupportedError") throw error; // this engine cannot tell
    return false;
  }
}

const alike = (names, one, other) => names.every((name) => one[name] === other[name]);
const labelled = (label, bytes) => concat(encoder.encode(label), Uint8Array.of(0), bytes);
const sha256 = async (bytes) => new Uint8Array(await subtle.digest("SHA-256", bytes));
const hash = (label, bytes) => sha256(labelled(label, bytes));
const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
const bytesOf = (text) => Uint8Array.from(text.match(/../g), (pair) => Number.parseInt(pair, 16));
const asUtf8 = (text) => text.replace(/\p{Surrogate}/gu, "?"); // a lone surrogate is no Unicode text

function need(holds, step, seq) {
  if (!holds) throw new BrokenChain(step, seq);
}
