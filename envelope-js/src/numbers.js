/** One canonical form for DynamoDB numbers (docs/format.md, "Numbers"). */

const NUMBER = /^(-?)([0-9]+)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]{1,4}))?$/;

/**
 * @param {string} text
 * @throws {RangeError} not a decimal number, over 38 digits, or outside DynamoDB's range
 */
export function canonicalNumber(text) {
  const match = text.length <= 200 ? NUMBER.exec(text) : null;
  if (match === null) throw new RangeError("not a decimal number");
  const [, sign, whole, fraction = "", exponent = "0"] = match;
  const digits = (whole + fraction).replace(/^0+/, "");
  if (digits === "") return "0";
  const stripped = digits.replace(/0+$/, "");
  const power = Number(exponent) - fraction.length + digits.length - stripped.length;
  const magnitude = power + stripped.length - 1;
  if (stripped.length > 38 || magnitude < -130 || magnitude > 125) throw new RangeError("not a DynamoDB number");
  return `${sign}${stripped}e${power}`;
}
