/** Reads the rows of an audit table as JSON from standard input; writes, by chain, how far it goes, or where it breaks. */

import { text } from "node:stream/consumers";

import { BrokenChain, verifyChain } from "../src/index.js";
import { hex, itemOf } from "./material.js";

const rows = JSON.parse(await text(process.stdin)).map(itemOf);
rows.sort((a, b) => (a.sk.S < b.sk.S ? -1 : 1));
const chains = new Map(rows.map((row) => [row.pk.S, rows.filter((other) => other.pk.S === row.pk.S)]));
const verdicts = {};
for (const [pk, chain] of chains) {
  try {
    const { seq, digest, publicKey } = await verifyChain(chain);
    verdicts[pk] = { seq, digest: hex(digest), public_key: hex(publicKey) };
  } catch (error) {
    if (!(error instanceof BrokenChain)) throw error;
    verdicts[pk] = { step: error.step, seq: error.seq };
  }
}
process.stdout.write(JSON.stringify(verdicts));
