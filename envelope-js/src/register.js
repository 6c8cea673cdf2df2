/** A tenant's register (docs/format.md, "Register"). */

import { IntegrityError } from "./errors.js";

const MAX_EPOCHS = 32;
const KEY_ID = /^[0-9a-f]{32}$/;
const DIGEST = /^[0-9a-f]{64}$/;
const ROOT_KEY_ID = /^[A-Za-z0-9:/_-]{1,256}$/;
const TIME = /^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?Z$/;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const STATES = ["active", "retired", "revoked"];

const INDEX = { fingerprint: matches(DIGEST), generation: isNumber };
const EPOCH = {
  epoch: isNumber,
  key: matches(KEY_ID),
  fingerprint: matches(DIGEST),
  root_key_id: matches(ROOT_KEY_ID),
  state: (value) => STATES.includes(value),
  since: matches(TIME),
};
const REGISTER = {
  incarnation: matches(KEY_ID),
  lowest_epoch: isNumber,
  epochs: (value) => Array.isArray(value) && value.every((one) => isObjectOf(one, EPOCH)),
  register_root_key_id: matches(ROOT_KEY_ID),
  index: (value) => isObjectOf(value, INDEX),
  last_event: matches(UUID),
};

/**
 * @param {Uint8Array} payload
 * @returns {object} the register, with the members of its text
 * @throws {IntegrityError} no register is written as these bytes
 */
export function decodeRegister(payload) {
  const { text, register } = parse(payload);
  if (!isObjectOf(register, REGISTER)) refuse();
  const { lowest_epoch: lowest, epochs } = register;
  if (epochs.length < 1 || epochs.length > MAX_EPOCHS) refuse();
  if (!epochs.every(({ epoch }, place) => epoch === lowest + place)) refuse();
  // One register has one text. The members are in the order of the text, so writing it again compares that too.
  if (JSON.stringify(register) !== text) refuse();
  return register;
}

function parse(payload) {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(payload);
    return { text, register: JSON.parse(text) };
  } catch {
    return refuse();
  }
}

/** Whether this is an object of these members, in this order, and no others. */
function isObjectOf(value, members) {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const [names, wanted] = [Object.keys(value), Object.keys(members)];
  return names.length === wanted.length && wanted.every((name, place) => names[place] === name && members[name](value[name]));
}

function matches(grammar) {
  return (value) => typeof value === "string" && grammar.test(value);
}

function isNumber(value) {
  return Number.isInteger(value) && value >= 1 && value <= 999_999;
}

function refuse() {
  throw new IntegrityError("register form");
}
