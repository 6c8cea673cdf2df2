"""THE TABLE: every element that a dialogue may hold, with all that is said of it anywhere.

Import, export, the layout and its schema, entity specs, sort keys, statuses and the graph derive from it. A new kind of
item is one `_item(...)` in `ITEMS`, and nothing else (CONTRIBUTING.md, "Where things go").
"""

from collections.abc import Mapping, Sequence

from dialogues import forms
from dialogues.declarations import (
    Declared,
    ElementKey,
    ElementSpec,
    Field,
    Kept,
    Lifecycle,
    clear,
    in_head,
    in_key,
    sealed,
)

DIALOGUE_STATUS = forms.one_of("open", "converging", "converged", "abandoned")
DIALOGUE = Declared(
    "dialogue",
    "A whole dialogue.",
    (
        sealed("id", forms.DIALOGUE_ID, stored="source_id", required=True),
        sealed("title", required=True),
        sealed("question"),
        sealed("date"),
        sealed("created_at", forms.TIME, stored="source_created_at"),
        in_head("status", DIALOGUE_STATUS, required=True),
        in_head("converged_at", forms.TIME),
        in_head("total_rounds", forms.COUNT),
        in_head("total_alignment", forms.NUMBER),
        in_head("calibrated", forms.FLAG),
        clear("domain_id", forms.REFERENCE),
        clear("ethos_id", forms.REFERENCE),
        sealed("output_dir"),
    ),
)

# -- items: what has a display id, a status, and a history of events ---------------------------------------------------

ORIGIN = Declared(
    "origin",
    "Where an item came from.",
    (sealed("round", forms.ROUND, stored="origin_round"), sealed("contributors", forms.TEXTS)),
)
EVENT = Declared(
    "event",
    "One entry of an item's recorded history.",
    (
        clear("type", forms.EVENT_TYPE, stored="event_type", required=True),
        clear("round", forms.ROUND, stored="event_round"),
        sealed("by", forms.TEXTS, stored="actors"),
        sealed("reason"),
        sealed("reference"),
        sealed("result_id"),
    ),
)
EVENTS = "events"


def _item(
    name: str, entity: str, *, letter: str, about: str, own: Sequence[Field], lifecycle: Lifecycle, listed: bool = False
) -> ElementSpec:
    return ElementSpec(
        entity,
        about,
        (
            sealed("label", required=True),
            Field("origin", forms.PARTS, Kept.SEALED, "", parts=ORIGIN),
            sealed("references", forms.JSON),
            Field(EVENTS, forms.PARTS, Kept.RECORDS, "", parts=EVENT),
            in_key("id", forms.display_id(letter)),
            *own,
            clear("status", forms.one_of(*lifecycle.statuses), required=True),
        ),
        name=name,
        key=("id",),
        model=entity.capitalize(),
        lifecycle=lifecycle,
        listed=listed,
    )


ITEMS = (
    _item(
        "perspectives",
        "perspective",
        letter="P",
        about="A view that the experts put forward.",
        own=(sealed("content"),),
        lifecycle=Lifecycle(("open", "refined", "conceded", "merged")),
    ),
    _item(
        "tensions",
        "tension",
        letter="T",
        about="Something that stands between perspectives.",
        own=(sealed("description"),),
        lifecycle=Lifecycle(("open", "addressed", "resolved", "reopened"), also={"reopened": "open"}),
        listed=True,
    ),
    _item(
        "recommendations",
        "recommendation",
        letter="R",
        about="Something that is proposed to be done.",
        own=(
            sealed("content"),
            sealed("parameters", forms.JSON),
            clear("adopted_in_verdict", forms.VERDICT_ID),
        ),
        lifecycle=Lifecycle(("proposed", "amended", "adopted", "rejected")),
    ),
    _item(
        "evidence",
        "evidence",
        letter="E",
        about="Something that is shown.",
        own=(sealed("content"),),
        lifecycle=Lifecycle(("cited", "challenged", "confirmed", "refuted")),
    ),
    _item(
        "claims",
        "claim",
        letter="C",
        about="Something that is held to be true.",
        own=(sealed("content"),),
        lifecycle=Lifecycle(("asserted", "supported", "opposed", "adopted", "withdrawn")),
    ),
)
LETTERS: Mapping[str, ElementSpec] = {item.letter: item for item in ITEMS}
"""The items by the letter that their display ids begin with."""

ANY_ITEM = forms.any_display_id("".join(LETTERS))
"""The display id of any item: an end of a ref."""

EVENT_KEY = ElementKey(
    "event", (("kind", forms.WORD), ("item", ANY_ITEM), ("time", forms.DIGITS), ("number", forms.SEQUENCE))
)
"""The sort keys of events: their item's entity and id, the dialogue's time, and their place among the item's own."""

# -- what else there is ------------------------------------------------------------------------------------------------

ANY_TARGET, SAME_KIND = "any", "same"
REF_TYPES: Mapping[str, str] = {
    **dict.fromkeys(("support", "oppose", "question", "depend"), ANY_TARGET),
    **dict.fromkeys(("resolve", "reopen", "address"), "tension"),
    "refine": SAME_KIND,
}
"""What a ref of each type may have as its target: any item, items of one entity, or of its source's own."""

EXPERTS = ElementSpec(
    "expert",
    "A voice of the panel.",
    (
        clear("slug", forms.SLUG, stored="expert_slug", required=True),
        sealed("role", required=True),
        clear("tier", forms.NAME, required=True),
        clear("source", forms.NAME, required=True),
        sealed("description"),
        sealed("focus"),
        sealed("creation_reason"),
        sealed("color"),
        clear("relevance", forms.NUMBER),
        clear("first_round", forms.ROUND),
        clear("total", forms.NUMBER, stored="total_score"),
        sealed("scores", forms.SCORES),
        sealed("raw_content", forms.RAW_CONTENT),
    ),
    name="experts",
    key=("slug",),
    model="Expert",
)
ROUNDS = ElementSpec(
    "round",
    "One round of the dialogue.",
    (
        in_key("round", forms.ROUND),
        sealed("title"),
        clear("score", forms.NUMBER),
        sealed("summary"),
        clear("status", forms.NAME),
        clear("completed_at", forms.TIME),
    ),
    name="rounds",
    key=("round",),
    model="RoundEntry",
)
MOVES = ElementSpec(
    "move",
    "What an expert did in a round.",
    (
        in_key("round", forms.ROUND),
        in_key("expert", forms.SLUG),
        in_key("seq", forms.SEQUENCE),
        clear("type", forms.NAME, stored="move_type", required=True),
        sealed("targets", forms.TEXTS),
        sealed("context"),
    ),
    name="moves",
    key=("round", "expert", "seq"),
    model="Move",
)
REFS = ElementSpec(
    "ref",
    "A link from one item to another.",
    (
        in_key("source", ANY_ITEM),
        clear("type", forms.one_of(*REF_TYPES), stored="ref_type", required=True),
        in_key("target", ANY_ITEM),
    ),
    name="refs",
    key=("source", "type", "target"),
    model="Ref",
    derived={"source_type": lambda ref: ref["source"][:1], "target_type": lambda ref: ref["target"][:1]},
)
VERDICTS = ElementSpec(
    "verdict",
    "What the dialogue came to. Immutable once written.",
    (
        in_key("id", forms.VERDICT_ID),
        clear("type", forms.one_of("interim", "final", "minority", "dissent"), stored="verdict_type", required=True),
        clear("round", forms.ROUND),
        sealed("author", stored="author_expert"),
        sealed("recommendation"),
        sealed("description"),
        sealed("conditions", forms.TEXTS),
        sealed("vote"),
        clear("confidence", forms.CONFIDENCE),
        sealed("supporting_experts", forms.TEXTS),
        sealed("tensions_accepted", forms.TEXTS),
        sealed("tensions_resolved", forms.TEXTS),
        sealed("ethos_compliance", forms.JSON),
    ),
    name="verdicts",
    key=("id",),
    model="Verdict",
)

ELEMENTS: Mapping[str, ElementSpec] = {one.name: one for one in (EXPERTS, ROUNDS, *ITEMS, MOVES, REFS, VERDICTS)}
"""The lists of the layout by name, in the order in which it has them."""
