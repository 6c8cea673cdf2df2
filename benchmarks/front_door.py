"""1, 4, 16 and 64 clients that read a small dialogue through the twin's front door: python -m benchmarks.front_door.

Clients, front door, functions and engines share the machine, so the figures show how throughput and waiting change with
the number of clients, and that none is refused; not what production does. Clients are threads with a connection each.
"""

import argparse
import http.client
import json
import statistics
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.place import TENANT
from benchmarks.results import ROOT, Figures, save, say
from benchmarks.running import twin
from twinvault_cli.client import Client, dialogue_path

CLIENTS = (1, 4, 16, 64)
EXAMPLE = ROOT / "examples" / "dialogues" / "incident-notes.json"
_TIMEOUT_SECONDS = 40


@dataclass(slots=True)
class Heard:
    """What one client heard."""

    seconds: list[float] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)


def main() -> None:
    """Measure, and write front_door.json."""
    parser = argparse.ArgumentParser(description="Clients at the twin's front door.")
    parser.add_argument("--seconds", type=float, default=10.0, help="how long each number of clients asks (default 10)")
    parser.add_argument("--clients", type=int, nargs="+", default=CLIENTS, help="how many ask at once")
    given = parser.parse_args()
    with twin() as running:
        token = running.token(TENANT)
        path = import_example(Client(running.url, token))
        save("front_door", measure(running.url + path, token, given.clients, seconds=given.seconds))


def import_example(client: Client, example: Path = EXAMPLE) -> str:
    """Import the small dialogue; its path."""
    body = example.read_bytes()
    client.post("/dialogues/import", body)
    return dialogue_path(json.loads(body)["id"])


def measure(url: str, token: str, clients: Sequence[int], *, seconds: float) -> Figures:
    """By number of clients: answers a second, milliseconds until an answer came, and every answer that was not a 200.

    A third of the time before is not counted: the twin adds workers while requests wait.
    """
    found: Figures = {}
    for number in clients:
        say(f"{number} clients, {seconds:.0f} seconds")
        _crowd(url, token, number, seconds=seconds / 3)
        began = time.perf_counter()
        heard = _crowd(url, token, number, seconds=seconds)
        took = time.perf_counter() - began
        times = sorted(one for each in heard for one in each.seconds)
        answers = sum((each.answers for each in heard), Counter[str]())
        found[str(number)] = {
            "per_second": len(times) / took,
            "p50": statistics.median(times) * 1e3,
            "p99": times[-(-99 * len(times) // 100) - 1] * 1e3,
            "requests": len(times),
            "errors": {name: count for name, count in answers.items() if name != "200"},
        }
    return found


def _crowd(url: str, token: str, number: int, *, seconds: float) -> list[Heard]:
    """So many clients, each asking again as soon as it is answered."""
    heard = [Heard() for _ in range(number)]
    until = time.perf_counter() + seconds
    threads = [threading.Thread(target=_ask, args=(url, token, until, each)) for each in heard]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return heard


def _ask(url: str, token: str, until: float, heard: Heard) -> None:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=_TIMEOUT_SECONDS)
    while not heard.seconds or time.perf_counter() < until:
        began = time.perf_counter()
        try:
            connection.request("GET", parts.path, headers={"authorization": f"Bearer {token}"})
            answer = connection.getresponse()
            answer.read()
            heard.answers[str(answer.status)] += 1
        except (OSError, http.client.HTTPException) as error:
            heard.answers[type(error).__name__] += 1
            connection.close()
        heard.seconds.append(time.perf_counter() - began)
    connection.close()


if __name__ == "__main__":
    main()
