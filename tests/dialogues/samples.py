"""Dialogues: one small one with everything in it, and a strategy for all that the layout allows."""

import copy
import string
from typing import Any

from hypothesis import strategies as st

from dialogues.writing import Dialogues
from tests.stores import World, now
from twinvault import Acting

SMALL: dict[str, Any] = {
    "id": "tea or coffee? / 2026",
    "title": "Tea or coffee",
    "question": "Which of the two do we serve?",
    "date": "2026-01-02",
    "created_at": "2026-01-02T03:04:05Z",
    "status": "converged",
    "converged_at": None,
    "total_rounds": 2,
    "total_alignment": 41.5,
    "calibrated": False,
    "domain_id": "kitchen",
    "output_dir": "/tmp/tea",  # noqa: S108  # a text, not a path that anything opens
    "experts": [
        {"slug": "ada", "role": "Host", "tier": "Core", "source": "pool", "scores": {"0": 3, "1": None}, "total": 3},
        {
            "slug": "bo",
            "role": "Guest",
            "tier": "Core",
            "source": "pool",
            "relevance": 0.95,
            "raw_content": {"0": "Tea!"},
        },
    ],
    "rounds": [{"round": 0, "title": "First", "score": 20, "summary": "Not much."}, {"round": 1, "summary": None}],
    "perspectives": [
        {
            "id": "P0001",
            "label": "Tea warms",
            "content": "Tea warms longer.",
            "status": "refined",
            "origin": {"round": 0, "contributors": ["ada"]},
            "events": [
                {"type": "created", "round": 0, "by": ["ada"]},
                {"type": "refined", "round": 1, "reason": "tried"},
            ],
        },
        {"id": "P0101", "label": "Coffee wakes", "status": "open", "references": {"books": [1, 2.5]}},
    ],
    "tensions": [
        {"id": "T0001", "label": "Warm or awake", "description": "Both at once?", "status": "resolved", "origin": None}
    ],
    "recommendations": [
        {"id": "R0101", "label": "Serve tea", "content": "At four.", "status": "adopted", "adopted_in_verdict": "final"}
    ],
    "evidence": [{"id": "E0001", "label": "A thermometer", "status": "cited", "events": []}],
    "claims": [{"id": "C0001", "label": "Tea is warm", "status": "asserted", "origin": {}}],
    "moves": [{"round": 1, "expert": "ada", "seq": 1, "type": "concede", "targets": ["P0101"], "context": "Well."}],
    "refs": [
        {"source": "R0101", "type": "address", "target": "T0001"},
        {"source": "P0101", "type": "refine", "target": "P0001"},
    ],
    "verdicts": [
        {"id": "final", "type": "final", "round": 1, "author": None, "recommendation": "Tea.", "confidence": 1}
    ],
}


def small(**changes: Any) -> dict[str, Any]:
    """The small dialogue, with these fields in place of its own; `...` takes a field away."""
    document = copy.deepcopy({**SMALL, **changes})
    return {name: value for name, value in document.items() if value is not ...}


def changed(path: tuple[str | int, ...], value: Any) -> dict[str, Any]:
    """The small dialogue with one place changed; `...` takes it away."""
    document = small()
    place: Any = document
    for step in path[:-1]:
        place = place[step]
    if value is ...:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return document


def long(items: int, *, name: str = "long", text: str = "") -> dict[str, Any]:
    """A dialogue with this many perspectives, at most 9,900."""
    perspectives = [
        {"id": f"P{i // 99:02d}{i % 99 + 1:02d}", "label": f"{text}{i}", "status": "open"} for i in range(items)
    ]
    return {"id": name, "title": "Long", "status": "open", "perspectives": perspectives}


def dialogues(world: World, tenant: str = "acme") -> Dialogues:
    return Dialogues(Acting(world.vault, world.activity(tenant, seconds=300.0)), now=now)


# -- everything that the layout allows ------------------------------------------------------------------------------

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    ["", "\x00", "a\x00b", "\u2028", "\U0001f375", "e\u0301", "\u202e", "'; DROP", '"', "\\", "1.0", "null"]
)
NUMBER = st.one_of(
    st.integers(-(10**12), 10**12),
    st.sampled_from([0, -0.0, 0.0, 1.0, -1.0, 1e-7, 1e22, 1.5e-10, 0.1 + 0.2, 100.0, 1e15, 123456789012345678]),
    st.floats(allow_nan=False, allow_infinity=False, min_value=-1e30, max_value=1e30).filter(
        lambda x: x == 0 or abs(x) > 1e-100
    ),
)
ANY_NUMBER = NUMBER | st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**50), 10**50)
SLUG = st.text("abcz019._-", min_size=1, max_size=8).filter(lambda s: s[0].isalnum())
ROUND = st.integers(0, 99)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBER | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
TEXTS = st.lists(TEXT, max_size=3)
WORD = st.text(string.ascii_letters, min_size=1, max_size=10)
SHORT = TEXT.map(lambda text: text[:64])


def shape(required: dict[str, Any], optional: dict[str, Any]) -> Any:
    """Optional fields may be absent, null or there."""
    return st.fixed_dictionaries(required, optional={name: st.none() | value for name, value in optional.items()})


_STATUSES = {
    "perspectives": ["open", "refined", "conceded", "merged"],
    "tensions": ["open", "addressed", "resolved", "reopened"],
    "recommendations": ["proposed", "amended", "adopted", "rejected"],
    "evidence": ["cited", "challenged", "confirmed", "refuted"],
    "claims": ["asserted", "supported", "opposed", "adopted", "withdrawn"],
}
_REFS = ["support", "oppose", "question", "depend"]


@st.composite
def _item(draw: Any, kind: str, letter: str, number: int) -> dict[str, Any]:
    status = draw(st.sampled_from(_STATUSES[kind]))
    optional = {"origin": shape({}, {"round": ROUND, "contributors": TEXTS}), "references": JSON}
    optional["description" if kind == "tensions" else "content"] = TEXT
    if kind == "recommendations":
        optional |= {"parameters": JSON, "adopted_in_verdict": SLUG}
    item = draw(shape({"label": TEXT, "status": st.just(status)}, optional))
    if draw(st.booleans()):
        event = shape(
            {"type": st.sampled_from(["created", "noted", status])},
            {"round": ROUND, "by": TEXTS, "reason": TEXT, "reference": TEXT, "result_id": TEXT},
        )
        events = draw(st.lists(event, max_size=2))
        item["events"] = [*events, {"type": status}] if events else []
    return {"id": f"{letter}{number // 99:02d}{number % 99 + 1:02d}", **item}


@st.composite
def documents(draw: Any) -> dict[str, Any]:
    """Any dialogue that the layout allows, small enough for one or two transactions."""
    document = draw(
        shape(
            {
                "id": TEXT.filter(bool),
                "title": TEXT,
                "status": st.sampled_from(["open", "converging", "converged", "abandoned"]),
            },
            {
                "question": TEXT,
                "date": TEXT,
                "created_at": SHORT,
                "converged_at": SHORT,
                "total_rounds": st.integers(0, 100),
                "total_alignment": NUMBER,
                "calibrated": st.booleans(),
                "domain_id": TEXT,
                "ethos_id": TEXT,
                "output_dir": TEXT,
            },
        )
    )
    ids = []
    for kind, letter in zip(_STATUSES, "PTREC", strict=True):
        if draw(st.booleans()):
            numbers = draw(st.lists(st.integers(0, 9899), max_size=3, unique=True))
            document[kind] = [draw(_item(kind, letter, number)) for number in numbers]
            ids += [item["id"] for item in document[kind]]
    expert = shape(
        {"slug": SLUG, "role": TEXT, "tier": WORD, "source": WORD},
        {
            "description": TEXT,
            "focus": TEXT,
            "creation_reason": TEXT,
            "color": TEXT,
            "relevance": NUMBER,
            "first_round": ROUND,
            "total": NUMBER,
            "scores": st.dictionaries(TEXT, st.none() | ANY_NUMBER, max_size=3),
            "raw_content": TEXT | st.dictionaries(TEXT, st.none() | TEXT, max_size=3),
        },
    )
    verdict = shape(
        {"id": SLUG, "type": st.sampled_from(["interim", "final", "minority", "dissent"])},
        {
            "round": ROUND,
            "author": TEXT,
            "recommendation": TEXT,
            "description": TEXT,
            "conditions": TEXTS,
            "vote": TEXT,
            "confidence": NUMBER | SHORT,
            "supporting_experts": TEXTS,
            "tensions_accepted": TEXTS,
            "tensions_resolved": TEXTS,
            "ethos_compliance": JSON,
        },
    )
    entry = shape(
        {"round": ROUND},
        {"title": TEXT, "score": NUMBER, "summary": TEXT, "status": WORD, "completed_at": SHORT},
    )
    move = shape(
        {"round": ROUND, "expert": SLUG, "seq": st.integers(1, 99), "type": WORD}, {"targets": TEXTS, "context": TEXT}
    )
    for name, strategy, key in (
        ("experts", expert, lambda e: e["slug"]),
        ("rounds", entry, lambda e: e["round"]),
        ("moves", move, lambda e: (e["round"], e["expert"], e["seq"])),
        ("verdicts", verdict, lambda e: e["id"]),
    ):
        if draw(st.booleans()):
            document[name] = draw(st.lists(strategy, max_size=3, unique_by=key))
    if ids and draw(st.booleans()):
        ref = st.fixed_dictionaries(
            {"source": st.sampled_from(ids), "type": st.sampled_from(_REFS), "target": st.sampled_from(ids)}
        )
        document["refs"] = draw(st.lists(ref, max_size=4, unique_by=lambda r: (r["source"], r["type"], r["target"])))
    return document
