/** A partition read whole (docs/format.md, "Open", steps 9 and 10, and "Marks"). */

import { concat, equal, lp, utf8 } from "./bytes.js";
import { IntegrityError, Undeclared } from "./errors.js";
import { isWhole } from "./head.js";
import { openItem } from "./item.js";
import { headState, openRecord } from "./record.js";

const MARK_SK = /^[0-9]{20}$/;
const HEAD = "head";

/** The pk of a partition's marks. @param {string} pk the partition's */
export async function markKey(pk) {
  const hash = await crypto.subtle.digest("SHA-256", concat(lp(utf8("records")), lp(utf8(pk))));
  return `head#${Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

/**
 * Opens all rows of a partition as what its last writer left, or throws `IntegrityError`.
 *
 * Rows and mark that were asked for one after the other may be of two moments: see "Two looks".
 * @param {object} options
 * @param {Record<string, object>[]} options.items everything that was found at the scope's pk
 * @param {Record<string, object> | null} options.mark the newest item at `markKey(scope.pk)`
 * @param {{table: string, tenant: string, pk: string}} options.scope where the caller looked
 * @param {(keyId: string) => Uint8Array | undefined} options.findKey the DEKs of this partition
 * @param {Record<string, {declared: Record<string, string[]>, sealed: string[]}>} options.entities by `entity_type`
 * @returns {Promise<Map<string, {version: bigint, fields: Record<string, unknown>, digest: Uint8Array}> | null>} the
 *   records by sk, the head's without `store`; null if there never was such a partition
 */
export async function openPartition({ items, mark, scope, findKey, entities }) {
  if (items.length === 0) {
    if (mark === null) return null;
    throw new IntegrityError("missing partition");
  }
  const isHead = (item) => item.sk?.S === HEAD;
  const headItem = items.find(isHead);
  if (headItem === undefined) throw new IntegrityError("9 head");
  const openRow = async (item) => {
    const label = isHead(item) ? "twinvault/v1/head" : "twinvault/v1/record";
    const name = item.entity_type?.S;
    const known = typeof name === "string" && Object.hasOwn(entities, name) && (name === HEAD) === isHead(item);
    if (known) return openRecord(item, { scope, label, findKey, ...entities[name] });
    // Only what is authentic is asked whether it is declared.
    await openItem(item, { scope, label, findKey });
    throw new Undeclared(["entity_type"]);
  };
  const head = await openRow(headItem);
  const state = headState(head.fields);
  const others = items.filter((item) => item !== headItem);
  const records = new Map();
  for (const item of others) records.set(item.sk.S, await openRow(item));
  const digests = [...records.values()].map(({ digest }) => digest);
  if (records.size !== others.length || !isWhole(state, digests)) refuse("9 head");
  requireKeys(headItem, { others, state });
  requireNewest(head, mark);
  const { store: _, ...fields } = head.fields;
  return new Map([[HEAD, { ...head, fields }], ...records]);
}

/** Step 9: the head is under the version that it calls current, and every other row under one from lowest to current. */
function requireKeys(headItem, { others, state: { dekVersion, lowestDekVersion } }) {
  const versionOf = (item) => Number(item.key_id.S.slice(-6));
  const inUse = (item) => versionOf(item) >= lowestDekVersion && versionOf(item) <= dekVersion;
  if (versionOf(headItem) !== dekVersion || !others.every(inUse)) refuse("9 head");
}

/** Step 10: the newest mark names this head. */
function requireNewest({ version, digest }, mark) {
  const [sk, named] = [mark?.sk?.S, mark?.digest?.B];
  if (typeof sk !== "string" || !MARK_SK.test(sk) || !(named instanceof Uint8Array)) refuse("10 mark");
  if (BigInt(sk) !== version || !equal(named, digest)) refuse("10 mark");
}

function refuse(step) {
  throw new IntegrityError(step);
}
