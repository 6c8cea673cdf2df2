"""What a dialogue's records hold in the clear and what they seal (docs/design.md, "Tables")."""

import re

from twinvault import FLAG, NULLABLE, NUMBER, TEXT, EntitySpec, KindSpec, head_spec

KIND = "dialogue"
META = "meta"

_SLUG = r"[a-z0-9][a-z0-9._-]{0,62}"
_ITEM = r"[0-9]{2}#(?:0[1-9]|[1-9][0-9])"
_OPTIONAL_TEXT, _OPTIONAL_NUMBER = TEXT | NULLABLE, NUMBER | NULLABLE

_RECORDED = frozenset({"position", "as_written"})
"""Sealed in every imported record: its place in its list, and its source where the mapping alone would not give it."""

_ITEM_SEALED = _RECORDED | {"label", "contributors", "references", "origin_round", "event_count"}
_CONTENT_SEALED = _ITEM_SEALED | {"content"}
_LIST = {"list_kind": TEXT, "list_status": TEXT, "list_at": TEXT}

STATE_IMPORTING, STATE_COMPLETE = "importing", "complete"

_HEAD = head_spec(
    {
        "state": TEXT,
        "status": TEXT,
        "converged_at": _OPTIONAL_TEXT,
        "total_rounds": _OPTIONAL_NUMBER,
        "total_alignment": _OPTIONAL_NUMBER,
        "calibrated": FLAG | NULLABLE,
        **_LIST,
    }
)

_ENTITIES = (
    EntitySpec(
        KIND,
        re.compile(META),
        {"domain_id": _OPTIONAL_TEXT, "ethos_id": _OPTIONAL_TEXT},
        frozenset({"source_id", "title", "question", "output_dir", "date", "source_created_at"})
        | {"lists", "digest", "as_written"},
    ),
    EntitySpec(
        "expert",
        re.compile(f"expert#{_SLUG}"),
        {
            "expert_slug": TEXT,
            "tier": TEXT,
            "source": TEXT,
            "relevance": _OPTIONAL_NUMBER,
            "first_round": _OPTIONAL_NUMBER,
            "total_score": _OPTIONAL_NUMBER,
        },
        _RECORDED | {"role", "description", "focus", "creation_reason", "color", "scores", "raw_content"},
    ),
    EntitySpec(
        "round",
        re.compile(r"round#[0-9]{2}"),
        {"score": _OPTIONAL_NUMBER, "status": _OPTIONAL_TEXT, "completed_at": _OPTIONAL_TEXT},
        _RECORDED | {"title", "summary"},
    ),
    EntitySpec(
        "verdict",
        re.compile(r"verdict#[A-Za-z0-9][A-Za-z0-9._-]{0,62}"),
        {"verdict_type": TEXT, "round": _OPTIONAL_NUMBER, "confidence": TEXT | NUMBER | NULLABLE},
        _RECORDED
        | {
            "author_expert",
            "recommendation",
            "description",
            "conditions",
            "vote",
            "supporting_experts",
            "tensions_accepted",
            "tensions_resolved",
            "ethos_compliance",
        },
    ),
    EntitySpec("perspective", re.compile(f"perspective#{_ITEM}"), {"status": TEXT}, _CONTENT_SEALED),
    EntitySpec("tension", re.compile(f"tension#{_ITEM}"), {"status": TEXT, **_LIST}, _ITEM_SEALED | {"description"}),
    EntitySpec(
        "recommendation",
        re.compile(f"recommendation#{_ITEM}"),
        {"status": TEXT, "adopted_in_verdict": _OPTIONAL_TEXT},
        _CONTENT_SEALED | {"parameters"},
    ),
    EntitySpec("evidence", re.compile(f"evidence#{_ITEM}"), {"status": TEXT}, _CONTENT_SEALED),
    EntitySpec("claim", re.compile(f"claim#{_ITEM}"), {"status": TEXT}, _CONTENT_SEALED),
    EntitySpec(
        "move",
        re.compile(rf"move#[0-9]{{2}}#{_SLUG}#(?:0[1-9]|[1-9][0-9])"),
        {"move_type": TEXT},
        _RECORDED | {"targets", "context"},
    ),
    EntitySpec(
        "ref",
        re.compile(r"ref#[PRTEC][0-9]{4}#[a-z]+#[PRTEC][0-9]{4}"),
        {"source_type": TEXT, "target_type": TEXT, "ref_type": TEXT},
        _RECORDED,
    ),
    EntitySpec(
        "event",
        re.compile(r"event#[a-z]+#[PRTEC][0-9]{4}#[0-9TZ]+#(?:0[1-9]|[1-9][0-9])"),
        {"event_type": TEXT, "event_round": _OPTIONAL_NUMBER},
        frozenset({"actors", "reason", "reference", "result_id", "as_written"}),
    ),
)

DIALOGUE = KindSpec(KIND, _ENTITIES, _HEAD)
"""The kind that dialogues are stored as."""
