"""Vectors that open: a record of each entity, the head, the key rows, numbers and padding."""

import json
from typing import Any

from tests.vectors.material import (
    DEK,
    DEK_ID,
    NEXT_DEK,
    NEXT_DEK_ID,
    PK,
    TENANT,
    UPDATED,
    Json,
    clear_of_record,
    fixed,
    sealed_vector,
)
from twinvault.envelope import Context, Label, Number, canonical_number, encode_aad, pad, padded_size
from twinvault.envelope.aad import ClearValue
from twinvault.records.head import STORE, HeadState, Row, empty_head

ENTITIES: dict[str, tuple[str, dict[str, ClearValue], Json]] = {
    "dialogue": ("meta", {"domain_id": "platform", "ethos_id": None}, {"title": "Vault cadence", "output_dir": None}),
    "expert": (
        "expert#ops-lead",
        {"expert_slug": "ops-lead", "tier": "core", "source": "pool", "relevance": Number("0.95")},
        {"role": "Operations", "scores": {"wisdom": 4}, "color": "#224466"},
    ),
    "round": ("round#01", {"score": Number("40"), "status": "complete"}, {"title": "Opening", "summary": "…"}),
    "verdict": (
        "verdict#final",
        {"verdict_type": "final", "round": Number("2"), "confidence": "high"},
        {"recommendation": "Rotate every ninety days", "conditions": ["audited"]},
    ),
    "perspective": (
        "perspective#01#02",
        {"status": "open"},
        {"label": "Too slow", "content": "Two weeks is too long for a leaked key."},
    ),
    "tension": (
        "tension#01#01",
        {"status": "open", "list_kind": "tension", "list_status": "open", "list_at": UPDATED},
        {"label": "Speed or safety", "contributors": ["ops-lead"]},
    ),
    "recommendation": (
        "recommendation#02#01",
        {"status": "adopted", "adopted_in_verdict": "final"},
        {"label": "Rotate", "parameters": {"days": 90}},
    ),
    "evidence": ("evidence#01#01", {"status": "cited"}, {"label": "Incident 7", "content": "Ключ жил 400 дней. 🔑"}),
    "claim": ("claim#01#01", {"status": "asserted"}, {"label": "Short keys of life", "content": ""}),
    "move": ("move#01#ops-lead#01", {"move_type": "challenge"}, {"targets": ["C0101"], "context": None}),
    "ref": (
        "ref#E0101#support#C0101",
        {"source_type": "evidence", "target_type": "claim", "ref_type": "support"},
        {"position": 0},
    ),
    "event": (
        "event#status#T0101#20261123T090000Z#01",
        {"event_type": "status", "event_round": Number("1")},
        {"actors": ["ops-lead"], "reason": "raised"},
    ),
}


def records() -> list[Json]:
    """A record of each entity of a dialogue, and its head."""
    made = [
        sealed_vector(
            entity,
            _compact(fields),
            context=Context("records", TENANT, PK, sk, DEK_ID, clear_of_record(entity, **clear)),
            key=DEK,
            plaintext_text=_compact(fields).decode(),
        )
        for entity, (sk, clear, fields) in ENTITIES.items()
    ]
    return [*made, head_row(made)]


def head_row(rows: list[Json]) -> Json:
    """The head of the partition that holds exactly `rows`."""
    present = [Row(row["sk"], bytes.fromhex(row["digest"])) for row in rows]
    fields = {STORE: head_state(present).to_fields()}
    clear = clear_of_record("head", state="complete", status="open", total_rounds=Number("2"), calibrated=False)
    return sealed_vector(
        "head",
        _compact(fields),
        context=Context("records", TENANT, PK, "head", DEK_ID, clear),
        key=DEK,
        label=Label.HEAD,
        plaintext_text=_compact(fields).decode(),
    )


def head_state(rows: list[Row]) -> HeadState:
    """The state of a head over `rows`."""
    empty = empty_head(fixed("head: hash key"), dek_version=1)
    return empty.after(added=rows, removed=[], dek_version=1, event_id="0193587d-2a00-7000-8000-000000000001")


def edges() -> list[Json]:
    """Sealed items at the edges of the format."""
    plain = clear_of_record("claim")
    long_id = "a" + "b" * 62
    cases: list[tuple[str, bytes, Context, bytes]] = [
        ("empty plaintext", b"", Context("records", TENANT, PK, "claim#01#02", DEK_ID, plain), DEK),
        ("252 bytes: the last of the smallest size", b"x" * 252, _at("claim#01#03"), DEK),
        ("253 bytes: the first of the next size", b"x" * 253, _at("claim#01#04"), DEK),
        ("5,000 bytes", bytes(range(250)) * 20, _at("claim#01#05"), DEK),
        ("the second version of the DEK", b"{}", _at("claim#01#06", key_id=NEXT_DEK_ID), NEXT_DEK),
        (
            "ids of the greatest length",
            b"{}",
            Context(
                "records",
                long_id,
                f"tenant#{long_id}#{long_id}#{long_id}",
                "meta",
                f"dek#{long_id}#{long_id}#999999",
                plain | {"tenant_id": long_id},
            ),
            DEK,
        ),
        (
            "every clear type",
            b"{}",
            _at(
                "claim#01#07",
                a="",
                a0="ä",
                a_="\U0001f511",
                aa=None,
                b=True,
                c=False,
                d=Number("-1.50"),
                e=Number("0"),
                f=Number("1e125"),
            ),
            DEK,
        ),
    ]
    made = [sealed_vector(name, text, context=context, key=key) for name, text, context, key in cases]
    return [*made, _other_number_forms(), _state_outside_the_seal()]


def _at(sk: str, *, key_id: str = DEK_ID, **clear: ClearValue) -> Context:
    return Context("records", TENANT, PK, sk, key_id, clear_of_record("claim", **clear))


def _other_number_forms() -> Json:
    made = sealed_vector(
        "numbers written another way than when sealed", b"{}", context=_at("claim#01#08", round=Number("100")), key=DEK
    )
    forms = {"round": {"N": "1.00E+2"}, "version": {"N": "1.0"}, "format": {"N": "10e-1"}}
    return {**made, "item": {**made["item"], **forms}}


def _state_outside_the_seal() -> Json:
    made = sealed_vector("an attribute declared outside the seal", b"{}", context=_at("claim#01#09"), key=DEK)
    return {**made, "unauthenticated": ["state"], "item": {**made["item"], "state": {"S": "anything"}}}


def encodings() -> Json:
    """Numbers, padding and AADs by themselves."""
    numbers = ["0", "-0.0", "1", "1.0", "1e0", "100", "1E+2", "-12.50", "0.05", "9" * 38 + "e88", "1E-130", "0" * 200]
    numbers += ["1.5E-130", "15e-131", "-9.9e-130", "0.1e-129", "9.9e125", "1e0125", "1e-0130", "0e9999", "0E-9999"]
    numbers += ["1" * 38 + ".0", "1" + "0" * 125, "0." + "0" * 129 + "1", "1" + "0" * 37 + ".000", "007", "-1e+00"]
    refused = ["", "+1", ".5", "5.", " 1", "1_0", "NaN", "0x1", "1e126", "1e-131", "1" * 39, "0" * 201, "\u0663"]
    refused += ["9.9e-131", "99e-132", "0.9e-130", "12e125", "99e125", "1" + "0" * 126, "0." + "0" * 130 + "1"]
    refused += [
        "1e00001",
        "0e00000",
        "0e10000",
        "1e-00130",
        "1e",
        "1e+",
        "1e+-1",
        "1e1.0",
        "1e\u0661",
        "e1",
        "-",
        "--1",
    ]
    refused += ["1.", "1.e1", "1,0", "1\n", "\n1", "1 ", "\uff11", "Infinity", "1" * 20 + "." + "1" * 19, "-.5"]
    lengths = [0, 1, 252, 253, 268, 269, 1020, 1021, 10_000, 200_000, 401_404]
    good = pad(b"ab")
    frames = [b"", good[:-1], good + bytes(1), good + bytes(16), good[:-1] + b"\1", b"\xff" * 4 + good[4:]]
    smallest = Context("t", "é", "p", "s", "k", {"b": False, "a": "x", "d": None, "c": Number("12.50")})
    return {
        "numbers": {"canonical": {text: canonical_number(text) for text in numbers}, "refused": refused},
        "padding": {
            "sizes": {str(length): padded_size(length) for length in lengths},
            "frames": {b"ab".hex(): good.hex(), b"".hex(): pad(b"").hex()},
            "refused": [frame.hex() for frame in frames],
        },
        "aad": {"context": _context_json(smallest), "aad": encode_aad(smallest).hex()},
    }


def _context_json(context: Context) -> Json:
    clear = {"a": {"S": "x"}, "b": {"BOOL": False}, "c": {"N": "12.50"}, "d": {"NULL": True}}
    fields = {name: getattr(context, name) for name in ("table", "tenant", "pk", "sk", "key_id")}
    return {**fields, "clear": clear}


def _compact(fields: Any) -> bytes:
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()
