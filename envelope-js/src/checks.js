/** Whether a JSON value has a form: small questions of one value, and what puts them together. */

export const matches = (pattern) => (value) => typeof value === "string" && pattern.test(value);
export const oneOf = (...words) => (value) => words.includes(value);
export const whole = (lowest, most = Number.MAX_SAFE_INTEGER) => (value) =>
  Number.isSafeInteger(value) && value >= lowest && value <= most;
export const either = (check, nothing) => (value) => value === nothing || check(value);
export const listOf = (check, { least = 0, most = Infinity } = {}) => (value) =>
  Array.isArray(value) && value.length >= least && value.length <= most && value.every(check);

/** An object with all `required` members, perhaps some of the `optional` ones, and no other. */
export const object = (required, optional = {}) => (value) => {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  if (!Object.keys(required).every((name) => Object.hasOwn(value, name))) return false;
  return Object.entries(value).every(([name, content]) => {
    if (Object.hasOwn(required, name)) return required[name](content);
    return Object.hasOwn(optional, name) && optional[name](content);
  });
};

/** An object of any members: their names and values all pass. */
export const mapOf = (name, check) => (value) =>
  typeof value === "object" && value !== null && !Array.isArray(value) &&
  Object.entries(value).every(([each, content]) => name(each) && check(content));

/** A text of at most so many characters, not UTF-16 code units. */
export const textUpTo = (most) => (value) =>
  typeof value === "string" && (value.length <= most || [...value].length <= most);
