/** Reads [{plaintext, key, label, context}] as JSON from standard input and writes the sealed items: for Python to open. */

import { text } from "node:stream/consumers";

import { sealItem } from "../src/index.js";
import { bytes, documentOf } from "./material.js";

const requests = JSON.parse(await text(process.stdin));
const items = [];
for (const { plaintext, key, label, context } of requests) {
  items.push(documentOf(await sealItem(bytes(plaintext), { key: bytes(key), label, context })));
}
process.stdout.write(JSON.stringify(items));
