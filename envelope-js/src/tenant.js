/** "Open a tenant" (docs/format.md): rows and a mark go in, a register comes out, or a refusal. */

import { equal } from "./bytes.js";
import { IntegrityError, Undeclared } from "./errors.js";
import { attribute, parseItem, undeclared } from "./item.js";
import { open, sealDigest } from "./primitive.js";
import { versionOf } from "./record.js";
import { decodeRegister } from "./register.js";
import { fingerprint } from "./subkeys.js";

const LABEL = "twinvault/v1/register";
const SINGLE = ["idx", "register", "register-key"];
const KEK_NAME = /^kek#(?!000000)[0-9]{6}$/;
const KEY_ID = /^[0-9a-f]{32}$/;
const MAX_WRAPPED_BYTES = 6144;
const DECLARED = { tenant_id: ["S"], entity_type: ["S"], version: ["N"], format: ["N"], created_at: ["S"], updated_at: ["S"] };

/**
 * @typedef {{key: string, rootKeyId: string, wrapped: Uint8Array}} Wrapped a row that KMS wrapped
 * @typedef {(wrapped: Wrapped, context: Record<string, string>) => Promise<Uint8Array>} Decrypt KMS's Decrypt, which
 *   throws `IntegrityError("root key")` where KMS says that the bytes are not of this context
 */

/**
 * @param {Record<string, object>[]} items what a consistent Query found, from `idx` to `register-key`
 * @param {object} options
 * @param {string} options.tenant
 * @param {string} options.store the store's logical name
 * @param {{version: number, digest: Uint8Array} | null} options.mark the newest
 * @param {string[]} options.rootKeys the ids of root keys that may open
 * @param {Decrypt} options.decrypt
 * @returns {Promise<object | null>} the register and the rows that it lists; null: the tenant is new
 */
export async function openTenant(items, { tenant, store, mark, rootKeys, decrypt }) {
  if (items.length === 0 && mark === null) return null;
  const scope = { table: "keys", tenant, pk: `tenant#${tenant}` };
  const named = byName(items, scope.pk); // Step 1.
  const [index, sealed] = [sealedRow(named.get("idx"), scope), sealedRow(named.get("register"), scope)]; // Step 2.
  const wrapped = new Map([...named].filter(([name]) => name === "register-key" || KEK_NAME.test(name)));
  for (const [name, item] of wrapped) wrapped.set(name, wrappedRow(item));
  const digest = await sealDigest(sealed.stored, { label: LABEL, context: sealed.context }); // Step 3.
  const isNewest = mark !== null && BigInt(mark.version) === sealed.version && equal(mark.digest, digest);
  if (!isNewest) throw new IntegrityError("10 mark");
  const unwrap = (name) => unwrapped(wrapped.get(name), contextOf(name, { store, tenant, wrapped }), { rootKeys, decrypt });
  const key = await unwrap("register-key"); // Step 4.
  const register = decodeRegister(await openRow(sealed, key, LABEL));
  requireListed(register, { wrapped, index }); // Step 5.
  return { tenant, register, version: sealed.version, index, unwrap };
}

/** Step 6 for a KEK. @param {object} opened of `openTenant` @param {number} epoch @returns {Promise<Uint8Array>} */
export async function openKek({ tenant, register, unwrap }, epoch) {
  const listed = register.epochs[epoch - register.lowest_epoch];
  if (listed === undefined) throw new IntegrityError("2 key id");
  const name = nameOf(epoch);
  return requireKey(await unwrap(name), { tenant, sk: name, expected: listed.fingerprint });
}

/** Step 6 for the idx key. @param {object} opened of `openTenant` @returns {Promise<Uint8Array>} */
export async function openIndexKey(opened) {
  const { tenant, register, index } = opened;
  const kek = await openKek(opened, Number(index.context.keyId.slice("kek#".length)));
  const plaintext = await openRow(index, kek, "twinvault/v1/index");
  if (plaintext.length !== 32) throw new IntegrityError("8 payload");
  return requireKey(plaintext, { tenant, sk: "idx", expected: register.index.fingerprint });
}

function byName(items, pk) {
  const named = new Map();
  for (const item of items) {
    const name = attribute(item, "sk", "S");
    const isOne = typeof name === "string" && (SINGLE.includes(name) || KEK_NAME.test(name));
    if (attribute(item, "pk", "S") !== pk || !isOne || named.has(name)) throw new IntegrityError("key rows");
    named.set(name, item);
  }
  if (!SINGLE.every((name) => named.has(name))) throw new IntegrityError("key rows");
  return named;
}

function sealedRow(item, scope) {
  const { stored, context } = parseItem(item, { scope });
  const isRegister = context.sk === "register";
  const isKey = isRegister ? context.keyId === "register-key" : KEK_NAME.test(context.keyId);
  if (!isKey) throw new IntegrityError("2 key id");
  const { version, created_at: created, updated_at: updated } = context.clear;
  if (typeof created?.S !== "string" || typeof updated?.S !== "string") throw new IntegrityError("8 payload");
  return { item, stored, context, version: versionOf(version?.N) };
}

/** Opens a sealed row, and asks then whether what it says in the clear is declared. */
async function openRow({ item, stored, context }, key, label) {
  const { plaintext } = await open(stored, { key, label, context });
  const names = undeclared(item, { declared: DECLARED });
  if (names.length > 0) throw new Undeclared(names);
  return plaintext;
}

function wrappedRow(item) {
  const [key, rootKeyId, bytes] = [attribute(item, "key", "S"), attribute(item, "root_key_id", "S"), attribute(item, "wrapped", "B")];
  const isWhole = attribute(item, "format", "N") === "1" && Boolean(attribute(item, "created_at", "S"));
  const isWrapped = bytes instanceof Uint8Array && bytes.length > 0 && bytes.length <= MAX_WRAPPED_BYTES;
  if (!isWhole || !isWrapped || !KEY_ID.test(key) || !rootKeyId) throw new IntegrityError("key rows");
  return { key, rootKeyId, wrapped: bytes };
}

/** The encryption context, complete and final. */
function contextOf(name, { store, tenant, wrapped }) {
  const isRegister = name === "register-key";
  return {
    "twinvault:purpose": isRegister ? "register" : "kek",
    "twinvault:format": "1",
    "twinvault:store": store,
    "twinvault:tenant": tenant,
    "twinvault:epoch": isRegister ? "0" : String(Number(name.slice("kek#".length))),
    "twinvault:key": wrapped.get(name).key,
  };
}

async function unwrapped(row, context, { rootKeys, decrypt }) {
  if (!rootKeys.includes(row.rootKeyId)) throw new IntegrityError("root key");
  const key = await decrypt(row, context);
  if (key.length !== 32) throw new IntegrityError("root key");
  return key;
}

function requireListed(register, { wrapped, index }) {
  const names = register.epochs.map(({ epoch }) => nameOf(epoch));
  const areListed = register.epochs.every(({ key, root_key_id: rootKeyId }, place) => {
    const row = wrapped.get(names[place]);
    return row !== undefined && row.key === key && row.rootKeyId === rootKeyId;
  });
  const hasOthers = wrapped.size !== names.length + 1;
  const isSameRoot = wrapped.get("register-key").rootKeyId === register.register_root_key_id;
  if (!areListed || hasOthers || !isSameRoot) throw new IntegrityError("key rows");
  if (!names.includes(index.context.keyId)) throw new IntegrityError("2 key id");
}

async function requireKey(key, { tenant, sk, expected }) {
  const actual = await fingerprint(key, { tenant, sk });
  const wanted = Uint8Array.from(expected.match(/../g), (hex) => Number.parseInt(hex, 16));
  if (!equal(actual, wanted)) throw new IntegrityError("key fingerprint");
  return key;
}

function nameOf(epoch) {
  return `kek#${String(epoch).padStart(6, "0")}`;
}
