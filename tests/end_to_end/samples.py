"""Dialogues for the whole twin: deterministic, of the size that teams record."""

import json
import random
from typing import Any

_WORDS = (
    *("ledger", "harbour", "lantern", "quarry", "meadow", "signal", "copper", "thistle", "anchor", "willow"),
    *("granite", "ember", "cipher", "orchard", "tundra", "beacon", "marrow", "saffron", "glacier", "pewter"),
)


def prose(seed: str, words: int) -> str:
    """Text that occurs nowhere else: a search for any of it finds this text alone."""
    chosen = random.Random(seed)  # noqa: S311  # reproducible text, no secret
    return " ".join(f"{chosen.choice(_WORDS)}{chosen.randrange(10_000):04d}" for _ in range(words))


def dialogue(dialogue_id: str, *, perspectives: int = 60, words: int = 180) -> dict[str, Any]:
    """A dialogue of about `perspectives * words * 12` bytes."""
    seed = f"{dialogue_id}-{perspectives}"
    items = [
        {
            "id": f"P{index // 99:02d}{index % 99 + 1:02d}",
            "label": prose(f"{seed}-label-{index}", 6),
            "content": prose(f"{seed}-content-{index}", words),
            "status": "refined" if index % 5 == 0 else "open",
            "origin": {"round": index // 99, "contributors": ["maple", "aspen"]},
            "events": [{"type": "created", "round": 0, "by": ["maple"]}]
            + (
                [{"type": "refined", "round": 1, "by": ["judge"], "reason": prose(f"{seed}-{index}", 5)}]
                if index % 5 == 0
                else []
            ),
        }
        for index in range(perspectives)
    ]
    return {
        "id": dialogue_id,
        "title": prose(f"{seed}-title", 5),
        "question": prose(f"{seed}-question", 30),
        "created_at": "2026-03-01T09:00:00Z",
        "status": "converged",
        "total_alignment": 12.0,
        "experts": [
            {
                "slug": slug,
                "role": prose(f"{seed}-{slug}", 3),
                "tier": "Core",
                "source": "pool",
                "relevance": 0.5,
                "raw_content": {"0": prose(f"{seed}-raw-{slug}", words * 4)},
            }
            for slug in ("maple", "aspen")
        ],
        "rounds": [{"round": 0, "title": "Round 0", "score": 7, "summary": prose(f"{seed}-summary", words)}],
        "perspectives": items,
        "refs": [{"source": "P0002", "type": "support", "target": "P0001"}] if perspectives > 1 else [],
        "verdicts": [
            {
                "id": "final",
                "type": "final",
                "round": 0,
                "author": None,
                "recommendation": prose(f"{seed}-verdict", 20),
            }
        ],
    }


def sealed_texts(document: object, *, shortest: int = 20) -> set[str]:
    """The texts of a document that could only come from it."""
    match document:
        case dict():
            return set().union(*(sealed_texts(value) for value in document.values()))
        case list():
            return set().union(*(sealed_texts(value) for value in document))
        case str() if len(document) >= shortest:
            return {document[:60]}
        case _:
            return set()


def canonical(document: object) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
