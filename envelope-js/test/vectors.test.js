/** Every vector of tests/vectors. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import * as envelope from "../src/index.js";
import { bytes, hex, itemOf, openOptions, vectors } from "../interop/material.js";

const positive = [
  ...vectors("records").vectors,
  ...vectors("edges").vectors,
  ...vectors("keys").rows,
  ...vectors("requests").rows,
];
const contextOf = ({ scope, sk, keys, clear }) => ({ ...scope, sk, keyId: Object.keys(keys)[0], clear });

describe("positive vectors", () => {
  for (const vector of positive) {
    test(`opens: ${vector.name}`, async () => {
      const { plaintext, digest } = await envelope.openItem(itemOf(vector.item), openOptions(vector));
      assert.equal(hex(plaintext), vector.plaintext);
      assert.equal(hex(digest), vector.digest);
    });
  }
  for (const vector of [...positive, ...vectors("cursors").vectors]) {
    test(`seals to the same bytes: ${vector.name}`, async () => {
      const context = contextOf(vector);
      const [key] = Object.values(vector.keys).map(bytes);
      const [salt, nonce] = [bytes(vector.salt), bytes(vector.nonce)];
      const sealed = await envelope.seal(bytes(vector.plaintext), { key, label: vector.label, context, salt, nonce });
      assert.equal(hex(envelope.encodeAad(context)), vector.aad);
      assert.equal(hex(envelope.pad(bytes(vector.plaintext))), vector.padded);
      assert.equal(hex(sealed.commitment), vector.commitment);
      assert.equal(hex(sealed.ciphertext), vector.ciphertext);
      assert.equal(hex(sealed.digest), vector.digest);
    });
  }
});

describe("negative vectors", () => {
  for (const vector of vectors("negative").vectors) {
    test(`refuses at step ${vector.step}: ${vector.name}`, async () => {
      await assert.rejects(envelope.openItem(itemOf(vector.item), openOptions(vector)), (error) => {
        assert.ok(error instanceof envelope.IntegrityError, String(error.stack));
        assert.equal(error.step, vector.step);
        assert.equal(error.message, "integrity check failed");
        return true;
      });
    });
  }
});

describe("payloads", () => {
  const { vectors: accepted, refused, undeclared } = vectors("payloads");
  const optionsOf = (vector) => ({ ...openOptions(vector), declared: vector.declared, sealed: vector.sealed_fields });
  const openWhole = async (vector) => {
    if (vector.label === "twinvault/v1/dek") return envelope.openKey(itemOf(vector.item), optionsOf(vector));
    const record = await envelope.openRecord(itemOf(vector.item), optionsOf(vector));
    if (vector.label === "twinvault/v1/head") envelope.headState(record.fields);
    return record;
  };

  for (const vector of accepted) {
    test(`opens: ${vector.name}`, async () => {
      const { version, fields } = await openWhole(vector);
      assert.deepEqual(fields, vector.fields);
      assert.equal(version, BigInt(vector.version));
    });
  }
  for (const vector of refused) {
    test(`passes steps 0 to 7, and step 8 refuses: ${vector.name}`, async () => {
      const { plaintext } = await envelope.openItem(itemOf(vector.item), openOptions(vector));
      assert.equal(hex(plaintext), vector.plaintext);
      await assert.rejects(openWhole(vector), { name: "IntegrityError", step: vector.step });
    });
  }
  for (const vector of undeclared) {
    test(`is authentic and not declared: ${vector.name}`, async () => {
      const { plaintext } = await envelope.openItem(itemOf(vector.item), openOptions(vector));
      assert.equal(hex(plaintext), vector.plaintext);
      await assert.rejects(openWhole(vector), { name: "Undeclared", names: vector.names });
    });
  }
});

describe("limits", () => {
  const { longest, refused } = vectors("limits");
  const holding = (vector, ciphertext) => ({ ...itemOf(vector.item), content_encrypted: { B: ciphertext } });

  test(longest.name, async () => {
    const plaintext = new Uint8Array(longest.plaintext_length).fill(bytes(longest.plaintext_byte)[0]);
    const [key] = Object.values(longest.keys).map(bytes);
    const options = { key, label: longest.label, context: contextOf(longest) };
    const [salt, nonce] = [bytes(longest.salt), bytes(longest.nonce)];
    const { ciphertext, digest } = await envelope.seal(plaintext, { ...options, salt, nonce });
    assert.equal(ciphertext.length, longest.ciphertext_length);
    assert.equal(hex(await crypto.subtle.digest("SHA-256", ciphertext)), longest.ciphertext_sha256);
    assert.equal(hex(digest), longest.digest);
    assert.deepEqual(await envelope.openItem(holding(longest, ciphertext), openOptions(longest)), { plaintext, digest });
  });
  for (const vector of refused) {
    test(`refuses at step ${vector.step}: ${vector.name}`, async () => {
      const item = holding(vector, new Uint8Array(vector.content_encrypted_zeros));
      await assert.rejects(envelope.openItem(item, openOptions(vector)), { step: vector.step });
    });
  }
});

describe("cursors", () => {
  const { vectors: good, refused } = vectors("cursors");
  for (const vector of good) {
    test(`opens: ${vector.name}`, async () => {
      const [indexKey, question] = [bytes(vector.index_key), vector.sk.slice("cursor#".length)];
      const opened = await envelope.openCursor(vector.cursor, { indexKey, tenant: vector.scope.tenant, question });
      assert.equal(hex(opened), vector.plaintext);
    });
  }
  for (const { name, step, cursor, index_key: indexKey, tenant, question } of refused) {
    test(`refuses at step ${step}: ${name}`, async () => {
      await assert.rejects(envelope.openCursor(cursor, { indexKey: bytes(indexKey), tenant, question }), (error) => {
        assert.ok(error instanceof envelope.IntegrityError, String(error.stack));
        assert.equal(error.step, step);
        return true;
      });
    });
  }
});

test("sub-keys, partition ids, blind indexes, fingerprints and the KDF", async () => {
  const { kdf, index_key: index, sub_keys: keys, partition_ids: ids, blind_indexes: blind, fingerprints } = vectors("subkeys");
  for (const { key, label, context, bits, output } of kdf) {
    assert.equal(hex(await envelope.kdf(bytes(key), { label, context: bytes(context), bits })), output);
  }
  for (const { label, parts, key } of keys) {
    assert.equal(hex(await envelope.subKey(bytes(index), label.slice("twinvault/v1/sub/".length), parts)), key);
  }
  for (const { id, kind, partition } of ids) {
    assert.equal(await envelope.partitionId(bytes(index), kind, id), partition);
  }
  for (const vector of blind) {
    const made = await envelope.blindIndex(bytes(index), vector.normalized, vector);
    assert.equal(made, vector.blind_index, vector.name);
  }
  for (const vector of fingerprints) {
    assert.equal(hex(await envelope.fingerprint(bytes(vector.key), vector)), vector.fingerprint);
  }
});

test("heads", () => {
  const { hash_key: hashKey, terms, sums, refused } = vectors("heads");
  const digests = terms.map(({ digest }) => bytes(digest));
  for (const { digest, term } of terms) {
    assert.equal(envelope.headTerm(bytes(hashKey), bytes(digest)).toString(16).padStart(512, "0"), term);
  }
  const isWhole = ({ rows: indexes, count, sum }) =>
    envelope.isWhole({ count, sum: BigInt(`0x${sum}`), hashKey: bytes(hashKey) }, indexes.map((index) => digests[index]));
  for (const vector of sums) assert.equal(isWhole(vector), true, vector.name);
  for (const vector of refused) assert.equal(isWhole(vector), false, vector.name);
});

describe("partitions and their newest marks", () => {
  const { scope, keys, entities, mark_pk: markPk, partitions, refused } = vectors("partitions");
  const findKey = (keyId) => (Object.hasOwn(keys, keyId) ? bytes(keys[keyId]) : undefined);
  const openWhole = ({ items, mark }) =>
    envelope.openPartition({ items: items.map(itemOf), mark: mark && itemOf(mark), scope, findKey, entities });

  test("stand under the partition's mark key", async () => assert.equal(await envelope.markKey(scope.pk), markPk));
  for (const vector of partitions) {
    test(`opens: ${vector.name}`, async () => {
      const opened = await openWhole(vector);
      const found = opened && Object.fromEntries(opened);
      assert.deepEqual(Object.keys(found ?? {}), Object.keys(vector.records ?? {}));
      for (const [sk, { version, fields, digest }] of Object.entries(vector.records ?? {})) {
        assert.equal(found[sk].version, BigInt(version));
        assert.equal(hex(found[sk].digest), digest);
        assert.ok(!Object.hasOwn(found[sk].fields, "store"));
        for (const [name, value] of Object.entries(found[sk].fields)) assert.deepEqual(value, fields[name]);
      }
    });
  }
  for (const vector of refused) {
    test(`refuses at step ${vector.step}: ${vector.name}`, async () => {
      await assert.rejects(openWhole(vector), { name: "IntegrityError", step: vector.step });
    });
  }
});

test("encodings", () => {
  const { numbers, padding, aad } = vectors("encodings");
  for (const [text, canonical] of Object.entries(numbers.canonical)) {
    assert.equal(envelope.canonicalNumber(text), canonical);
  }
  for (const text of numbers.refused) assert.throws(() => envelope.canonicalNumber(text), RangeError);
  for (const [length, size] of Object.entries(padding.sizes)) assert.equal(envelope.paddedSize(Number(length)), size);
  for (const [plaintext, frame] of Object.entries(padding.frames)) {
    assert.equal(hex(envelope.pad(bytes(plaintext))), frame);
    assert.equal(hex(envelope.unpad(bytes(frame))), plaintext);
  }
  for (const frame of padding.refused) assert.throws(() => envelope.unpad(bytes(frame)), envelope.IntegrityError);
  const { key_id: keyId, ...place } = aad.context;
  assert.equal(hex(envelope.encodeAad({ ...place, keyId })), aad.aad);
});

test("padded sizes are right around every step up to the limit", () => {
  let previous = 256;
  for (let length = 0; length <= envelope.MAX_PLAINTEXT_BYTES; length += 1) {
    const size = envelope.paddedSize(length);
    assert.ok(size >= length + 4 && size >= previous);
    previous = size;
  }
  assert.equal(previous, 401408);
  assert.throws(() => envelope.pad(new Uint8Array(envelope.MAX_PLAINTEXT_BYTES + 1)), RangeError);
});

describe("request rows", () => {
  const { index_key: index, names } = vectors("requests");
  for (const { principal, key, sk } of names) {
    test(`are named ${sk}`, async () => {
      assert.equal(await envelope.requestName(bytes(index), { principal, key }), sk);
    });
  }
});
