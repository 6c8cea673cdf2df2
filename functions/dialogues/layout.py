"""The layout of a dialogue file, as types. docs/dialogue.schema.json is made from it (`make schema`).

Strict: nothing is converted, unknown fields are refused. These models check a document; what is stored is mapped from
the document itself, so that what was absent stays absent and what was null stays null.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints, ValidationError

from dialogues.document import first_of, join
from twinvault import ID, Unprocessable

Slug = Annotated[str, StringConstraints(pattern=f"^{ID.pattern}$")]
VerdictId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")]
Name = Annotated[str, StringConstraints(min_length=1, max_length=64)]
"""A short word that is stored in the clear: a tier, a source, a round's status."""
Time = Annotated[str, StringConstraints(max_length=64)]
Reference = Annotated[str, StringConstraints(max_length=256)]
Round = Annotated[int, Field(ge=0, le=99)]
Sequence = Annotated[int, Field(ge=1, le=99)]
Number = float
"""Strict floats admit integers and refuse truth values and text."""


def _display(letter: str) -> Any:  # noqa: ANN401  # an annotation, made at import
    return Annotated[str, StringConstraints(pattern=rf"^{letter}[0-9]{{2}}(0[1-9]|[1-9][0-9])$")]


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Origin(_Strict):
    """Where an item came from."""

    round: Round | None = None
    contributors: list[str] | None = None


class Event(_Strict):
    """One entry of an item's recorded history."""

    type: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z_-]{0,62}$")]
    round: Round | None = None
    by: list[str] | None = None
    reason: str | None = None
    reference: str | None = None
    result_id: str | None = None


class _Item(_Strict):
    label: str
    origin: Origin | None = None
    references: JsonValue = None
    events: Annotated[list[Event], Field(max_length=99)] = []


class Perspective(_Item):
    """A view that the experts put forward."""

    id: _display("P")  # type: ignore[valid-type]  # a pattern made by a function
    content: str | None = None
    status: Literal["open", "refined", "conceded", "merged"]


class Tension(_Item):
    """Something that stands between perspectives."""

    id: _display("T")  # type: ignore[valid-type]  # as above
    description: str | None = None
    status: Literal["open", "addressed", "resolved", "reopened"]


class Recommendation(_Item):
    """Something that is proposed to be done."""

    id: _display("R")  # type: ignore[valid-type]  # as above
    content: str | None = None
    parameters: JsonValue = None
    adopted_in_verdict: VerdictId | None = None
    status: Literal["proposed", "amended", "adopted", "rejected"]


class Evidence(_Item):
    """Something that is shown."""

    id: _display("E")  # type: ignore[valid-type]  # as above
    content: str | None = None
    status: Literal["cited", "challenged", "confirmed", "refuted"]


class Claim(_Item):
    """Something that is held to be true."""

    id: _display("C")  # type: ignore[valid-type]  # as above
    content: str | None = None
    status: Literal["asserted", "supported", "opposed", "adopted", "withdrawn"]


class Expert(_Strict):
    """A voice of the panel."""

    slug: Slug
    role: str
    tier: Name
    source: Name
    description: str | None = None
    focus: str | None = None
    creation_reason: str | None = None
    color: str | None = None
    relevance: Number | None = None
    first_round: Round | None = None
    total: Number | None = None
    scores: dict[str, Number | None] | None = None
    raw_content: dict[str, str | None] | str | None = None


class RoundEntry(_Strict):
    """One round of the dialogue."""

    round: Round
    title: str | None = None
    score: Number | None = None
    summary: str | None = None
    status: Name | None = None
    completed_at: Time | None = None


class Move(_Strict):
    """What an expert did in a round."""

    round: Round
    expert: Slug
    seq: Sequence
    type: Name
    targets: list[str] | None = None
    context: str | None = None


class Ref(_Strict):
    """A link from one item to another."""

    source: str
    type: Literal["support", "oppose", "question", "depend", "resolve", "reopen", "address", "refine"]
    target: str


class Verdict(_Strict):
    """What the dialogue came to. Immutable once written."""

    id: VerdictId
    type: Literal["interim", "final", "minority", "dissent"]
    round: Round | None = None
    author: str | None = None
    recommendation: str | None = None
    description: str | None = None
    conditions: list[str] | None = None
    vote: str | None = None
    confidence: Annotated[str, StringConstraints(max_length=64)] | Number | None = None
    supporting_experts: list[str] | None = None
    tensions_accepted: list[str] | None = None
    tensions_resolved: list[str] | None = None
    ethos_compliance: JsonValue = None


class Dialogue(_Strict):
    """A whole dialogue."""

    id: Annotated[str, StringConstraints(min_length=1, max_length=256)]
    title: str
    question: str | None = None
    date: str | None = None
    created_at: Time | None = None
    status: Literal["open", "converging", "converged", "abandoned"]
    converged_at: Time | None = None
    total_rounds: Annotated[int, Field(ge=0, le=100)] | None = None
    total_alignment: Number | None = None
    calibrated: bool | None = None
    domain_id: Reference | None = None
    ethos_id: Reference | None = None
    output_dir: str | None = None
    experts: list[Expert] = []
    rounds: list[RoundEntry] = []
    perspectives: list[Perspective] = []
    tensions: list[Tension] = []
    recommendations: list[Recommendation] = []
    evidence: list[Evidence] = []
    claims: list[Claim] = []
    moves: list[Move] = []
    refs: list[Ref] = []
    verdicts: list[Verdict] = []


def check_layout(document: dict[str, Any]) -> None:
    """Checks a parsed document against the layout.

    Raises:
        Unprocessable: names the first field that breaks it, the rule, and up to 19 further findings.
    """
    try:
        Dialogue.model_validate(document)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        findings: dict[str, str] = {}
        for one in found:
            path = _path(one["loc"])
            # A union's arms each have their say about one field; the first is enough.
            findings.setdefault(path, f"{path}: {_rule(one['type'], one['msg'], path)}")
        field, message, others = first_of(findings.items())
        raise Unprocessable(message, field=field, others=others) from None


def _path(location: tuple[str | int, ...]) -> str:
    """The field's path, without the marks that pydantic adds for the arms of a union."""
    path = ""
    for step in location:
        if step not in {"float", "str", "constrained-str"} and "[" not in str(step):
            path = join(path, step)
    return path


_RULES = {
    "extra_forbidden": "is not a field of the layout",
    "missing": "is required",
}


def _rule(kind: str, text: str, path: str) -> str:
    """The rule that was broken. pydantic's own texts name types and limits, never the value."""
    if kind == "string_pattern_mismatch" and path.endswith(".id") and not path.startswith("verdicts"):
        return "must be its kind's letter, two digits of round (00 to 99) and two of sequence (01 to 99)"
    return _RULES.get(kind) or text[:1].lower() + text[1:]
