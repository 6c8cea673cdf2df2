/** What is stored is authentic and not declared: a newer release wrote it. `names` are the attributes and fields. */
export class Undeclared extends Error {
  /** @param {string[]} names */
  constructor(names) {
    super("a record holds what is not declared");
    this.name = "Undeclared";
    this.names = names;
  }
}

/** A check failed that only tampering or damage can fail. `step` is the check, as docs/format.md numbers it. */
export class IntegrityError extends Error {
  /** @param {string} step */
  constructor(step) {
    super("integrity check failed");
    this.name = "IntegrityError";
    this.step = step;
  }
}

/** A chain of audit entries does not verify. `step` is the check, as docs/audit.md numbers it, `seq` the first place. */
export class BrokenChain extends Error {
  /** @param {string} step @param {number} seq */
  constructor(step, seq) {
    super(`the chain does not verify at place ${seq}, step ${step}`);
    this.name = "BrokenChain";
    this.step = step;
    this.seq = seq;
  }
}

/** A receipt is not what the holder of the key signed. `step` is the check, as docs/receipt.md numbers it. */
export class BrokenReceipt extends Error {
  /** @param {string} step */
  constructor(step) {
    super(`the receipt does not verify, step ${step}`);
    this.name = "BrokenReceipt";
    this.step = step;
  }
}
