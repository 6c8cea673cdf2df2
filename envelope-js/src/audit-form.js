/** The form of an audit entry: its members, and what may stand in each (docs/audit.md, "Entry"). */

import { either, listOf, matches, object, oneOf, textUpTo, whole } from "./checks.js";

const MAX_TEXT = 256;
const MAX_CLOSED = 100;
const MAX_DELETED = 100;
export const CHAIN = /^[0-9a-f]{32}$/;

const text = textUpTo(MAX_TEXT);
const word = matches(/^[a-z][a-z_]{0,31}$/);
const digest = matches(/^[0-9a-f]{64}$/);
const time = matches(/^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z$/);
const head = object({ version: whole(1), digest });
const wrote = object(
  { version: whole(1), digest, replaced: either(head, null) },
  { deleted: listOf(digest, { least: 1, most: MAX_DELETED }) },
);
const closed = object({ chain: matches(CHAIN), seq: whole(1), candidate: digest });

const members = object(
  {
    v: oneOf(2),
    store: either(matches(/^[a-z0-9][a-z0-9._-]{0,62}$/), ""),
    chain: matches(CHAIN),
    seq: whole(1),
    prev: digest,
    event: matches(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/),
    attempt: whole(1),
    began: time,
    time,
    function: text,
    artifact: either(digest, ""),
    request: text,
    trace: text,
    span: text,
    principal: text,
    tenant: text,
    action: text,
    outcome: oneOf("success", "failure", "denied"),
    crypto: listOf(object({ op: word, key: text, outcome: oneOf("success", "failure"), n: whole(1) })),
    keys: listOf(object({ op: word, key: text })),
    kms: listOf(text),
    partitions: listOf(object({ mark: digest }, { saw: either(head, null), wrote })),
  },
  {
    problem: matches(/^[a-z][a-z-]{0,63}$/),
    step: (value) => text(value) && value !== "",
    row: digest,
    part: whole(1),
    of: whole(2),
    public_key: digest,
    continues: listOf(closed, { least: 1, most: MAX_CLOSED }),
  },
);

/**
 * The content of an entry's text.
 * @param {string} encoded
 * @throws {SyntaxError | RangeError} it is not the canonical text of an entry
 */
export function parseEntry(encoded) {
  const entry = JSON.parse(encoded);
  if (canonicalJson(entry) !== encoded || !isEntry(entry)) throw new SyntaxError("not an entry");
  return entry;
}

/** Names sorted, no white space, ASCII only. @param {unknown} content */
export function canonicalJson(content) {
  return JSON.stringify(sorted(content)).replace(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

function isEntry(entry) {
  if (!members(entry)) return false;
  const has = (name) => Object.hasOwn(entry, name);
  return (
    has("problem") === (entry.outcome !== "success") &&
    (!has("row") || has("step")) &&
    (!has("step") || has("problem")) &&
    has("part") === has("of") &&
    (!has("part") || entry.part <= entry.of)
  );
}

function sorted(content) {
  if (Array.isArray(content)) return content.map(sorted);
  if (typeof content !== "object" || content === null) return content;
  return Object.fromEntries(Object.keys(content).sort().map((name) => [name, sorted(content[name])]));
}
