/** Every vector of tests/vectors/audit.json. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import * as envelope from "../src/index.js";
import { hex, itemOf, vectors } from "../interop/material.js";

const { chains, refused, sizes, continuations, texts, marks, rows } = vectors("audit");
const verify = (items, options) => envelope.verifyChain(items.map(itemOf), options);

function brokenAt({ step, seq }) {
  return (error) => {
    assert.ok(error instanceof envelope.BrokenChain, String(error.stack));
    assert.deepEqual([error.step, error.seq], [step, seq]);
    return true;
  };
}

describe("good chains", () => {
  for (const { name, entries, verified: expected } of chains) {
    for (const everySignature of [true, false]) {
      test(`verifies${everySignature ? "" : " by its last signature"}: ${name}`, async () => {
        const verified = await verify(entries.map((entry) => entry.item), { everySignature });
        assert.deepEqual(
          {
            chain: verified.chain,
            public_key: hex(verified.publicKey),
            seq: verified.seq,
            digest: hex(verified.digest),
            continues: verified.continues,
            is_within_an_event: verified.isWithinAnEvent,
          },
          expected,
        );
        assert.deepEqual(verified.last, entries.at(-1).content);
      });
    }
    test(`has the same canonical bytes: ${name}`, () => {
      for (const { content, item } of entries) assert.equal(envelope.canonicalJson(content), item.entry.S);
    });
  }
});

describe("bad chains", () => {
  for (const vector of refused) {
    test(`refuses at step ${vector.step}, place ${vector.seq}: ${vector.name}`, async () => {
      await assert.rejects(verify(vector.items), brokenAt(vector));
    });
  }
});

describe("sizes", () => {
  for (const { name, step, length, begin, repeated, times, end, item } of sizes) {
    test(name, async () => {
      const entry = begin + repeated.repeat(times) + end;
      assert.equal(entry.length, length);
      const verdict = verify([{ ...item, entry: { S: entry } }]);
      if (step === null) assert.equal((await verdict).seq, 1);
      else await assert.rejects(verdict, brokenAt({ step, seq: 1 }));
    });
  }
});

describe("continuations", () => {
  for (const { name, step, seq, closed, old, new: next } of continuations) {
    test(name, async () => {
      const before = old.length > 0 ? await verify(old) : null;
      const after = await verify(next);
      const judge = () => envelope.verifyContinuation(closed, before, after);
      if (step === null) judge();
      else assert.throws(judge, brokenAt({ step, seq }));
    });
  }
});

test("texts, marks and rows", async () => {
  for (const { text, json } of texts) assert.equal(envelope.canonicalJson(text), json);
  for (const { pk, mark } of marks) assert.equal(await envelope.markHash(pk), mark);
  for (const { table, pk, sk, row } of rows) assert.equal(await envelope.rowHash(table, pk, sk), row);
});
