/** Twinvault's sealed record, format 1 (docs/format.md). Pure but for `sealItem`, which draws a salt and a nonce. */

export { encodeAad } from "./aad.js";
export { markHash, rowHash, verifyChain, verifyContinuation, verifyNext } from "./audit.js";
export { canonicalJson } from "./audit-form.js";
export { openCursor } from "./cursor.js";
export { BrokenChain, BrokenReceipt, IntegrityError, Undeclared } from "./errors.js";
export { MAX_RECORDS, headSum, headTerm, isWhole } from "./head.js";
export { openItem, sealItem } from "./item.js";
export { kdf } from "./kdf.js";
export { canonicalNumber } from "./numbers.js";
export { MAX_PLAINTEXT_BYTES, pad, paddedSize, unpad } from "./padding.js";
export { markKey, openPartition } from "./partition.js";
export { LABELS, open, seal } from "./primitive.js";
export { receiptStanding, verifyReceipt } from "./receipt.js";
export { headState, openKey, openRecord } from "./record.js";
export { decodeRegister } from "./register.js";
export { blindIndex, fingerprint, partitionId, requestName, subKey } from "./subkeys.js";
export { openIndexKey, openKek, openTenant } from "./tenant.js";
