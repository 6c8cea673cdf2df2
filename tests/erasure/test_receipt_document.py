"""docs/receipt.md: its example is a vector, and what it says in names and figures is what the code does."""

import json
import re
from pathlib import Path

from twinvault.erasure.receipt import ERASED, MAX_RECEIPT_BYTES, REFUSED, ErasureStanding
from twinvault.erasure.receipt_form import MAX_TEXT
from twinvault.errors import ReceiptStep

ROOT = Path(__file__).parent.parent.parent
DOCUMENT = (ROOT / "docs" / "receipt.md").read_text()
VECTORS = json.loads((ROOT / "tests" / "vectors" / "receipts.json").read_text())
(EXAMPLE,) = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", DOCUMENT, re.DOTALL)]
VECTOR = next(one for one in VECTORS["receipts"] if one["name"] == "a partition, once no epoch lives")


def section(title: str) -> str:
    return DOCUMENT[DOCUMENT.index(f"\n## {title}\n") :].split("\n## ")[1]


def names_of(table: str) -> set[str]:
    cells = re.findall(r"^\| (`[^|]+) \|", table, re.MULTILINE)
    return {name for cell in cells for name in re.findall("`(.+?)`", cell)}


def test_the_example_is_on_the_first_screen_and_is_the_vector() -> None:
    assert DOCUMENT.index("```json") < DOCUMENT.index("\n## ")
    assert json.loads(VECTOR["file"]) == EXAMPLE


def test_the_members_are_those_of_the_code() -> None:
    assert names_of(section("Receipt")) == EXAMPLE["receipt"].keys()
    assert names_of(section("File")) == EXAMPLE.keys()
    assert names_of(section("Test vectors")) == VECTORS.keys() - {"format"}


def test_the_steps_and_standings_are_those_of_the_code() -> None:
    written = re.findall(r"^(\d+)\. \*\*([a-z]+)\.\*\*", section("Verify"), re.MULTILINE)
    assert [f"{number} {name}" for number, name in written] == [step.value for step in ReceiptStep]
    assert names_of(section("Verify")) == {one.value for one in ErasureStanding}
    for status in (REFUSED, ERASED):
        assert f"`{status}`" in section("Receipt")


def test_the_figures_and_labels() -> None:
    assert DOCUMENT.count(f"at most {MAX_RECEIPT_BYTES:,} bytes") == 2
    assert f"at most {MAX_TEXT} characters" in DOCUMENT
    for label, name in (("twinvault/v1/receipt-signature", "signature_input"),):
        assert f'"{label}" || 0x00' in section("Signature")
        assert bytes.fromhex(VECTOR[name]).startswith(label.encode() + b"\0")


def test_every_link_within_the_page_leads_somewhere() -> None:
    for page, anchor in re.findall(r"\]\(([a-z/0-9-]*\.md)?(#[a-z0-9-]+)?\)", DOCUMENT):
        text = (ROOT / "docs" / page).read_text() if page else DOCUMENT
        titles = re.findall(r"^#+ (.*)", text, re.MULTILINE)
        anchors = {re.sub(r"[^a-z0-9 -]", "", one.lower()).replace(" ", "-") for one in titles}
        assert not anchor or anchor[1:] in anchors, (page, anchor)
