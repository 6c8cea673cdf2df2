"""Writes tests/vectors/*.json from fixed inputs, or checks that they are what this code would write.

python -m tests.vectors.generate            (re)writes them
python -m tests.vectors.generate --check    fails if a file differs; CI runs this
"""

import argparse
import json
import sys
from pathlib import Path

from tests.vectors import grammars, positive
from tests.vectors.audit import chains
from tests.vectors.cursors import cursors
from tests.vectors.heads import heads
from tests.vectors.key_rows import keys, tenants
from tests.vectors.limits import limits
from tests.vectors.negative import negatives
from tests.vectors.partitions import partitions
from tests.vectors.payloads import payloads
from tests.vectors.receipts import receipts
from tests.vectors.requests import requests
from tests.vectors.subkeys import subkeys

FOLDER = Path(__file__).parent


def documents() -> dict[str, str]:
    """The files by name."""
    records = positive.records()
    made = {
        "encodings": positive.encodings(),
        "records": {"vectors": records},
        "edges": {"vectors": [*positive.edges(), *grammars.within()]},
        "keys": keys(),
        "tenants": tenants(),
        "heads": heads(records),
        "partitions": partitions(),
        "cursors": cursors(),
        "negative": {"vectors": negatives()},
        "limits": limits(),
        "payloads": payloads(),
        "subkeys": subkeys(),
        "requests": requests(),
        "audit": chains(),
        "receipts": receipts(),
    }
    return {
        f"{name}.json": json.dumps({"format": 1, **document}, indent=1, ensure_ascii=True) + "\n"
        for name, document in made.items()
    }


def main() -> int:
    """Returns the exit code: 1 if a check found a difference."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a file differs")
    check = parser.parse_args().check
    different = {name: text for name, text in documents().items() if not _same(name, text)}
    for name, text in different.items():
        sys.stdout.write(f"{'differs' if check else 'written'}: tests/vectors/{name}\n")
        if not check:
            (FOLDER / name).write_text(text)
    return 1 if check and different else 0


def _same(name: str, text: str) -> bool:
    path = FOLDER / name
    return path.exists() and path.read_text() == text


if __name__ == "__main__":
    sys.exit(main())
