"""The table of elements: what derives from it, and that a new kind of item is one entry in it and nothing else."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialogues import elements, forms
from dialogues.elements import ELEMENTS, EVENT_KEY, ITEMS, LETTERS
from dialogues.entities import DIALOGUE
from dialogues.layout import Dialogue
from twinvault import InvalidInput

ROOT = Path(__file__).parents[2]
LIFECYCLES = {item.name: item.lifecycle for item in ITEMS if item.lifecycle}


# -- a made-up kind of item --------------------------------------------------------------------------------------------

ENTRY = """
    _item(
        "hunches",
        "hunch",
        letter="H",
        about="Something that somebody feels.",
        own=(sealed("feeling"), clear("strength", forms.NUMBER)),
        lifecycle=Lifecycle(("felt", "shared", "dropped")),
        listed=True,
    ),
"""
HUNCH = {
    "id": "H0301",
    "label": "Too quiet",
    "feeling": "Kumquat",
    "strength": 2.0,
    "status": "shared",
    "origin": {"round": 3, "contributors": ["ada"]},
    "events": [{"type": "created", "round": 3}, {"type": "shared", "by": ["ada"]}],
}
USE = """
import json, sys
import boto3
from dialogues.layout import Dialogue
from dialogues.canonical_json import canonical
from tests.dialogues.samples import dialogues
from tests.fakes import FakeKms
from tests.stores import make_client, make_world
from twinvault import Conflict, Unprocessable

endpoint, aws, document = json.loads(sys.argv[1])
world = make_world(make_client(endpoint, aws), FakeKms())
here = dialogues(world)
imported = here.import_document(document)
exported, read = here.export(document["id"]), here.read(document["id"])
refused = []
for changed in ({"status": "felt"}, {"status": "adopted"}, {"id": "H0300"}, {"strength": "much"}):
    try:
        here.import_document({**document, "id": "x", "hunches": [{**document["hunches"][0], **changed}]})
    except Unprocessable as error:
        refused.append(error.field)
item = next(item for item in world.items() if item["sk"]["S"] == "hunch#03#01")
print(json.dumps({
    "equal": canonical(exported) == canonical(document) and here.import_document(document).result == "unchanged",
    "keys": sorted(one["sk"]["S"] for one in world.items()),
    "clear": {name: value for name, value in item.items() if name in {"status", "strength", "list_status"}},
    "graph": read["graph"],
    "refused": refused,
    "schema": sorted(Dialogue.model_json_schema()["$defs"]["Hunch"]["properties"]),
    "leak": "Kumquat" in repr(world.items()),
}))
"""


def test_a_new_kind_of_item_is_one_entry_in_the_table(
    tmp_path: Path, dynamodb_endpoint: str, aws: dict[str, Any]
) -> None:
    """Added to a copy of the source by this entry alone, it is checked, stored, listed, linked, exported and read."""
    shutil.copytree(ROOT / "functions" / "dialogues", tmp_path / "dialogues")
    table = tmp_path / "dialogues" / "elements.py"
    source = table.read_text(encoding="utf-8")
    assert source.count("\nITEMS = (") == 1
    table.write_text(source.replace("\nITEMS = (", f"\nITEMS = ({ENTRY}", 1), encoding="utf-8")
    refs = [{"source": "H0301", "type": "support", "target": "P0001"}]
    perspective = {"id": "P0001", "label": "Loud", "status": "open"}
    document = {"id": "h", "title": "t", "status": "open", "perspectives": [perspective], "hunches": [HUNCH]}
    document |= {"refs": [*refs, {"source": "H0301", "type": "refine", "target": "H0301"}]}
    path = os.pathsep.join(map(str, (tmp_path, ROOT, ROOT / "functions", ROOT / "local")))
    done = subprocess.run(
        [sys.executable, "-c", USE, json.dumps([dynamodb_endpoint, aws, document])],
        env={"PYTHONPATH": path, "PATH": os.defpath},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["equal"]
    assert {"hunch#03#01", "event#hunch#H0301#0#01", "event#hunch#H0301#0#02"} <= set(told["keys"])
    assert told["clear"] == {"status": {"S": "shared"}, "strength": {"N": "2"}, "list_status": {"S": "shared"}}
    assert told["graph"]["items"]["hunches"] == 1
    assert told["graph"]["edges"]["P0001"] == {"from": [{"type": "support", "id": "H0301"}]}
    assert told["refused"] == ["hunches[0].status", "hunches[0].status", "hunches[0].id", "hunches[0].strength"]
    assert set(told["schema"]) == HUNCH.keys() | {"references"}
    assert not told["leak"]


def test_no_other_module_names_an_item() -> None:
    """What a verdict rests on is about certain items, and says which."""
    names = re.compile("|".join(rf"['\"](?:{item.name}|{item.entity}|{item.letter})['\"]" for item in ITEMS))
    for path in sorted((ROOT / "functions" / "dialogues").glob("*.py")):
        if path.name not in {"elements.py", "graph.py"}:
            assert not names.search(path.read_text(encoding="utf-8")), path


# -- what derives ------------------------------------------------------------------------------------------------------


def test_every_list_has_an_entity_and_a_place_in_the_layout() -> None:
    assert [name for name in Dialogue.model_fields if name in ELEMENTS] == list(ELEMENTS)
    assert {spec.entity for spec in ELEMENTS.values()} | {"dialogue", "event"} == {e.name for e in DIALOGUE.entities}


def test_letters_lists_entities_and_the_names_of_attributes_are_unique() -> None:
    assert len(LETTERS) == len(ITEMS)
    assert len({spec.entity for spec in ELEMENTS.values()}) == len(ELEMENTS)
    for spec in ELEMENTS.values():
        assert not spec.clear.keys() & spec.sealed


# -- sort keys ---------------------------------------------------------------------------------------------------------


@given(st.sampled_from(sorted(LETTERS)), st.integers(0, 99), st.integers(1, 99))
def test_a_display_id_and_its_sort_key_are_one_to_one(letter: str, number: int, sequence: int) -> None:
    spec, text = LETTERS[letter], f"{letter}{number:02d}{sequence:02d}"
    sk = spec.sort_key.write({"id": text})
    assert sk == f"{spec.entity}#{number:02d}#{sequence:02d}"
    assert spec.sort_key.read(sk) == {"id": text}


@pytest.mark.parametrize(
    ("name", "element", "sk"),
    [
        ("experts", {"slug": "ada"}, "expert#ada"),
        ("rounds", {"round": 7}, "round#07"),
        ("moves", {"round": 0, "expert": "a.b-c", "seq": 3}, "move#00#a.b-c#03"),
        ("refs", {"source": "R0101", "type": "address", "target": "T0001"}, "ref#R0101#address#T0001"),
        ("verdicts", {"id": "Final-1"}, "verdict#Final-1"),
    ],
)
def test_every_other_element_and_its_sort_key_are_one_to_one(name: str, element: dict[str, Any], sk: str) -> None:
    assert ELEMENTS[name].sort_key.write(element) == sk
    assert ELEMENTS[name].sort_key.read(sk) == element


@pytest.mark.parametrize(
    "sk",
    [
        pytest.param("", id="nothing"),
        pytest.param("perspective", id="no id"),
        pytest.param("perspective#00#001", id="three digits"),
        pytest.param("perspective#01#00", id="sequence 00"),
        pytest.param("tension#01#01", id="another kind's"),
        pytest.param(" perspective#01#01", id="a blank before"),
        pytest.param("perspective#01#01\n", id="a line feed after"),
        pytest.param("perspective#\u0661\u0661#\u0661\u0661", id="digits of another script"),
    ],
)
def test_what_is_no_sort_key_of_an_entity_is_refused(sk: str) -> None:
    with pytest.raises(InvalidInput):
        LETTERS["P"].sort_key.read(sk)


def test_an_events_sort_key_says_whose_it_is() -> None:
    place = {"kind": "tension", "item": "T0102", "time": "20260102T030405Z", "number": 9}
    sk = EVENT_KEY.write(place)
    assert sk == "event#tension#T0102#20260102T030405Z#09"
    assert EVENT_KEY.read(sk) == place


def test_what_is_part_of_a_sort_key_has_a_pattern() -> None:
    for spec in ELEMENTS.values():
        assert spec.key
        assert all(form.pattern for _, form in spec.sort_key.parts)
    assert elements.ANY_ITEM.pattern == "[PTREC][0-9]{4}"
    assert not forms.TEXT.pattern


# -- statuses ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", LIFECYCLES)
def test_a_status_without_events_is_taken_as_it_is(kind: str) -> None:
    assert all(LIFECYCLES[kind].fits(status, []) for status in LIFECYCLES[kind].statuses)


@pytest.mark.parametrize(
    ("kind", "status", "events", "fit"),
    [
        pytest.param("perspectives", "open", ["created"], True, id="created and open"),
        pytest.param("perspectives", "refined", ["created"], False, id="refined by nothing"),
        pytest.param("perspectives", "open", ["created", "refined"], False, id="open after it was refined"),
        pytest.param("perspectives", "merged", ["refined", "merged"], True, id="merged last"),
        pytest.param("perspectives", "open", ["noted"], True, id="events that are no change of status"),
        pytest.param("perspectives", "refined", ["refined", "noted"], True, id="a note after the last change"),
        pytest.param("perspectives", "open", ["resolved"], True, id="another kind's status is no change"),
        pytest.param("tensions", "reopened", ["created", "resolved", "reopened"], True, id="reopened"),
        pytest.param("tensions", "open", ["resolved", "reopened"], True, id="reopened, said as open"),
        pytest.param("tensions", "resolved", ["resolved", "reopened"], False, id="resolved before it was reopened"),
        pytest.param("claims", "asserted", ["created"], True, id="a claim that is only asserted"),
    ],
)
def test_a_status_must_be_what_its_events_leave(kind: str, status: str, events: list[str], *, fit: bool) -> None:
    assert LIFECYCLES[kind].fits(status, [{"type": name} for name in events]) is fit


def test_every_item_has_a_lifecycle_that_its_status_is_of() -> None:
    for item in ITEMS:
        status = item.named("status")
        assert item.lifecycle
        assert status
        assert status.form.words == item.lifecycle.statuses
