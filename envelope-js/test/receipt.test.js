/** Every vector of tests/vectors/receipts.json. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import * as envelope from "../src/index.js";
import { bytes, vectors } from "../interop/material.js";

const { keys, receipts, refused } = vectors("receipts");
const [key, other] = keys.map((one) => bytes(one.public_key));
const encoder = new TextEncoder();

function brokenAt(step) {
  return (error) => {
    assert.ok(error instanceof envelope.BrokenReceipt, String(error.stack));
    assert.equal(error.step, step);
    return true;
  };
}

describe("good receipts", () => {
  for (const { name, file, content, payload, standing } of receipts) {
    test(`verifies, and says how the erasure stands: ${name}`, async () => {
      const verified = await envelope.verifyReceipt(encoder.encode(file), key);
      assert.deepEqual(verified, content);
      assert.equal(envelope.canonicalJson(verified), payload);
      for (const then of standing) assert.equal(envelope.receiptStanding(verified, then.now), then.standing);
      await assert.rejects(envelope.verifyReceipt(encoder.encode(file), other), brokenAt("3 signature"));
    });
  }
});

describe("what is no receipt of this key", () => {
  for (const { name, file, step } of refused) {
    test(`is refused: ${name}`, () => assert.rejects(envelope.verifyReceipt(encoder.encode(file), key), brokenAt(step)));
  }

  test("is refused: what is too large, before it is read", async () => {
    const padded = encoder.encode(receipts[0].file.padEnd(1024 * 1024));
    await envelope.verifyReceipt(padded, key);
    const larger = encoder.encode(receipts[0].file.padEnd(1024 * 1024 + 1));
    await assert.rejects(envelope.verifyReceipt(larger, key), brokenAt("1 size"));
  });

  test("is refused: what is no UTF-8, and a key that is none", async () => {
    await assert.rejects(envelope.verifyReceipt(Uint8Array.of(0xff), key), brokenAt("2 form"));
    const file = encoder.encode(receipts[0].file);
    await assert.rejects(envelope.verifyReceipt(file, key.slice(1)), brokenAt("3 signature"));
  });
});
