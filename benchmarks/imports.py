"""Imports of dialogues of 1,000 and 10,000 records, through the library and over HTTP: python -m benchmarks.imports.

An import keeps to the pace of a DynamoDB partition, 1,000 write units a second, on a laptop too: here 2 units a record,
so at best 2 ms. `unpaced` is the library without that pause: what machine and engine take. Over HTTP it is the artifact
in a twin; what does not fit into a request's time is answered 202, and the same request goes on with it.
"""

import argparse
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from benchmarks.documents import document, encode
from benchmarks.place import TENANT, Bench, fresh
from benchmarks.results import Figures, save, say
from benchmarks.running import Running, twin
from dialogues.writing import Dialogues
from twinvault import Vault, now
from twinvault_cli.client import Client
from twinvault_http.strict_json import parse

SIZES = (1_000, 10_000)
_FUNCTION_SECONDS = 26.0  # what a request has: the function's 29, less what is kept for saying how it ended

type Import = Callable[[bytes], bool]
"""One request; returns whether the import is whole."""


def main() -> None:
    """Measure, and write imports.json."""
    parser = argparse.ArgumentParser(description="Imports, through the library and over HTTP.")
    parser.add_argument("--samples", type=int, default=2, help="imports of each size (default 2)")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="records of the dialogues")
    given = parser.parse_args()
    with fresh() as bench:
        found = {
            "library": measure("library", by_library(bench.vault), given.sizes, samples=given.samples),
            "unpaced": measure("unpaced", by_library(_unpaced(bench)), given.sizes, samples=given.samples),
        }
    with twin() as running:
        save("imports", found | {"http": measure("http", by_http(running), given.sizes, samples=given.samples)})


def measure(way: str, send: Import, sizes: Sequence[int], *, samples: int) -> Figures:
    """By size: seconds of the fastest import, and how many requests it took. The first, small one is not counted."""
    imported(send, encode(document(f"{way}-first", 10)))
    found: Figures = {}
    for size in sizes:
        taken = []
        for number in range(samples):
            say(f"{way}: import of {size} records, {number + 1} of {samples}")
            began = time.perf_counter()
            requests = imported(send, encode(document(f"{way}-{size}-{number}", size)))
            taken.append((time.perf_counter() - began, requests))
        seconds, requests = min(taken)
        found[str(size)] = {"seconds": seconds, "requests": requests, "samples": samples}
    return found


def imported(send: Import, body: bytes) -> int:
    """Send until the dialogue is whole; how many requests that took."""
    requests = 1
    while not send(body):
        requests += 1
    return requests


def by_library(vault: Vault) -> Import:
    """Through the library, each request an activity with a function's time."""

    def send(body: bytes) -> bool:
        with vault.acting(tenant=TENANT, principal="bench", action="bench", seconds=_FUNCTION_SECONDS) as acting:
            done = Dialogues(acting, now=now).import_document(parse(body))
        return done.result != "importing"

    return send


def by_http(running: Running) -> Import:
    """Over HTTP, as the command does."""
    client = Client(running.url, running.token(TENANT))

    def send(body: bytes) -> bool:
        answer = json.loads(client.post("/dialogues/import", body))
        return bool(answer["result"] != "importing")

    return send


def _unpaced(bench: Bench) -> Vault:
    vault = bench.cold().vault
    return replace(vault, writer=replace(vault.writer, sleep=lambda _seconds: None))


if __name__ == "__main__":
    main()
