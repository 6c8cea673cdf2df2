"""docs/format.md: its example is a vector, and what it says in figures is what the code does."""

import json
import re
from pathlib import Path

import pytest

from tests.vectors.generate import FOLDER
from tests.vectors.material import item_of
from twinvault.envelope import MAX_PLAINTEXT_BYTES, Label, canonical_number, padded_size
from twinvault.envelope.item import from_item, open_found
from twinvault.envelope.suite import DerivationKey
from twinvault.errors import Step

DOCUMENT = (Path(__file__).parent.parent.parent / "docs" / "format.md").read_text()
BLOCKS = re.findall(r"```json\n(.*?)```", DOCUMENT, re.DOTALL)
VECTOR = next(
    vector for vector in json.loads((FOLDER / "records.json").read_text())["vectors"] if vector["name"] == "perspective"
)


def test_the_example_is_on_the_first_screen_and_is_the_vector():
    assert DOCUMENT.index("```json") < DOCUMENT.index("\n## ")
    assert json.loads(BLOCKS[0]) == VECTOR["item"]
    assert BLOCKS[1].strip() == VECTOR["plaintext_text"]


def test_the_example_opens_as_the_text_beside_it_says():
    key = bytes.fromhex(re.search(r"`([0-9a-f]{64})`", DOCUMENT)[1])
    item = item_of(json.loads(BLOCKS[0]))
    found = from_item(item, table="records", tenant="acme", pk=item["pk"]["S"])
    assert open_found(found, key=DerivationKey(key), label=Label.RECORD).plaintext.decode() == BLOCKS[1].strip()


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (r"SHA-256\(AAD\)", "aad_sha256"),
        ("record key", "record_key"),
        ("commitment", "commitment"),
        ("digest", "digest"),
    ],
)
def test_the_values_in_between(words, name):
    assert re.search(rf"^    {words} +([0-9a-f]{{64}})$", DOCUMENT, re.MULTILINE)[1] == VECTOR[name]


def test_the_labels_are_those_of_the_code():
    assert set(re.findall(r"^\| `(twinvault/v1/[a-z]+)` \|", DOCUMENT, re.MULTILINE)) == {
        label.value for label in Label
    }


def test_the_steps_are_those_of_the_code():
    written = re.findall(r"^(\d+)\. \*\*([a-z ]+)\.\*\*", DOCUMENT, re.MULTILINE)
    assert [int(number) for number, _ in written] == list(range(11))
    section = DOCUMENT[DOCUMENT.index("### Beyond one record") : DOCUMENT.index("### Payload")]
    beyond = re.findall(r"^- \*\*([a-z ]+)\.\*\*", section, re.MULTILINE)
    assert [step.value for step in Step] == [*(f"{number} {name}" for number, name in written), *beyond]


@pytest.mark.parametrize("file", ["negative", "limits", "payloads"])
def test_the_steps_of_the_vectors_are_those_of_the_page(file):
    document = json.loads((FOLDER / f"{file}.json").read_text())
    assert {vector["step"] for vector in document["refused" if "refused" in document else "vectors"]} <= set(Step)


def test_the_table_of_numbers():
    table = DOCUMENT[DOCUMENT.index("| written | canonical |") :].split("\n\n")[0]
    for row in table.splitlines()[2:]:
        written, canonical = row.strip("|").split("|")
        for text in re.findall("`([^`]+)`", written):
            assert f"`{canonical_number(text)}`" == canonical.strip()


def test_the_figures():
    assert f"{MAX_PLAINTEXT_BYTES:,} bytes" in DOCUMENT
    smallest, largest = padded_size(0) + 16, padded_size(MAX_PLAINTEXT_BYTES) + 16
    assert f"{smallest} to {largest:,} bytes" in DOCUMENT


def test_every_file_of_vectors_is_listed_and_every_listed_one_exists():
    listed = set(re.findall(r"^\| `([a-z]+\.json)` \|", DOCUMENT, re.MULTILINE))
    # docs/audit.md lists the one of audit chains, docs/receipt.md that of receipts.
    assert listed == {path.name for path in FOLDER.glob("*.json")} - {"audit.json", "receipts.json"}


def test_every_link_within_the_page_leads_somewhere():
    anchors = {title.lower().replace(" ", "-") for title in re.findall(r"^#+ (.+)$", DOCUMENT, re.MULTILINE)}
    assert set(re.findall(r"\]\(#([a-z-]+)\)", DOCUMENT)) <= anchors


def test_a_blind_index_is_shown_with_all_values_in_between():
    made = json.loads((FOLDER / "subkeys.json").read_text())
    names = ("text normalized by casefold_nfc", "20 bits")
    shown, cut = (next(v for v in made["blind_indexes"] if v["name"] == name) for name in names)
    for name, value in {
        "idx key": made["index_key"],
        "sub-key": shown["sub_key"],
        "type || value": shown["hmac_input"],
        "blind index": shown["blind_index"],
        "of 20 bits": cut["blind_index"],
    }.items():
        assert f"    {name.ljust(13)} {value}\n" in DOCUMENT
