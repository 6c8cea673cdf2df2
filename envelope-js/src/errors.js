/** A check failed that only tampering or damage can fail. `step` is the check, as docs/format.md numbers it. */
export class IntegrityError extends Error {
  /** @param {string} step */
  constructor(step) {
    super("integrity check failed");
    this.name = "IntegrityError";
    this.step = step;
  }
}
