/** The vectors of registers and of whole tenants. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import * as envelope from "../src/index.js";
import { bytes, hex, itemOf, vectors } from "../interop/material.js";

const { store, tenants, refused, registers, refused_registers: noRegisters } = vectors("tenants");

/** The register, every KEK and the idx key. */
async function openWhole({ tenant, items, mark, root_keys: rootKeys, kms }) {
  const decrypt = async ({ rootKeyId, wrapped }, context) => {
    const asked = JSON.stringify([hex(wrapped), rootKeyId, context]);
    const found = kms.find((one) => JSON.stringify([one.wrapped, one.root_key_id, one.encryption_context]) === asked);
    if (found === undefined) throw new envelope.IntegrityError("root key");
    return bytes(found.key);
  };
  const newest = mark && { version: mark.version, digest: bytes(mark.digest) };
  const opened = await envelope.openTenant(items.map(itemOf), { tenant, store, mark: newest, rootKeys, decrypt });
  if (opened === null) return null;
  for (const { epoch } of opened.register.epochs) await envelope.openKek(opened, epoch);
  return { ...opened, indexKey: await envelope.openIndexKey(opened) };
}

describe("tenants", () => {
  for (const vector of tenants) {
    test(`opens: ${vector.name}`, async () => {
      const opened = await openWhole(vector);
      if (vector.mark === null) return assert.equal(opened, null);
      assert.equal(opened.version, BigInt(vector.mark.version));
      assert.equal(hex(opened.indexKey), vector.index_key);
    });
  }
  for (const vector of refused) {
    test(`refuses (${vector.step}): ${vector.name}`, async () => {
      await assert.rejects(openWhole(vector), (error) => {
        assert.ok(error instanceof envelope.IntegrityError, String(error.stack));
        assert.equal(error.step, vector.step);
        return true;
      });
    });
  }
});

describe("registers", () => {
  for (const { name, payload } of registers) {
    test(`reads: ${name}`, () => {
      assert.equal(JSON.stringify(envelope.decodeRegister(bytes(payload))), Buffer.from(bytes(payload)).toString());
    });
  }
  for (const { name, payload } of noRegisters) {
    test(`refuses: ${name}`, () => {
      assert.throws(() => envelope.decodeRegister(bytes(payload)), { name: "IntegrityError", step: "register form" });
    });
  }
});
