/** Cursors of listings (docs/format.md, "Cursors"). */

import { IntegrityError } from "./errors.js";
import { open } from "./primitive.js";
import { subKey } from "./subkeys.js";

const MAX_CHARACTERS = 16384;

/**
 * @param {string} cursor
 * @param {{indexKey: Uint8Array, tenant: string, question: string}} options `indexKey` is the tenant's idx key
 * @returns {Promise<Uint8Array>} the position, as JSON
 * @throws {IntegrityError} the cursor was not given out for this tenant and this question
 */
export async function openCursor(cursor, { indexKey, tenant, question }) {
  const joined = decode(cursor);
  const [salt, nonce, commitment] = [joined.slice(0, 32), joined.slice(32, 44), joined.slice(44, 76)];
  const place = { table: "records", tenant, pk: `tenant#${tenant}`, sk: `cursor#${question}`, keyId: "idx" };
  const context = { ...place, clear: {} };
  const key = await subKey(indexKey, "cursor");
  const stored = { ciphertext: joined.slice(76), nonce, salt, commitment };
  return (await open(stored, { key, label: "twinvault/v1/cursor", context })).plaintext;
}

/** base64url without padding; the bits that belong to no byte are zero, so that one cursor has one text. */
function decode(text) {
  if (text.length > MAX_CHARACTERS || !/^[A-Za-z0-9_-]*$/.test(text) || text.length % 4 === 1) refuse();
  const base64 = text.replaceAll("-", "+").replaceAll("_", "/");
  const decoded = atob(base64);
  if (btoa(decoded).replaceAll("=", "") !== base64) refuse();
  return Uint8Array.from(decoded, (character) => character.charCodeAt(0));
}

function refuse() {
  throw new IntegrityError("3 lengths");
}
