"""docs/audit.md: its example is a vector, and what it says in names and figures is what the code does."""

import json
import re
from pathlib import Path

import pytest

from twinvault.audit import form
from twinvault.audit.elements import MEMBERS, canonical_json
from twinvault.audit.entry import ENTRY_VERSION, MAX_CLOSED, MAX_ENTRY_BYTES, MAX_TEXT
from twinvault.errors import ChainStep

ROOT = Path(__file__).parent.parent.parent
DOCUMENT = (ROOT / "docs" / "audit.md").read_text()
FORMAT = (ROOT / "docs" / "format.md").read_text()
VECTORS = json.loads((ROOT / "tests" / "vectors" / "audit.json").read_text())
EXAMPLE = VECTORS["chains"][0]["entries"][0]
BLOCKS = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", DOCUMENT, re.DOTALL)]


def section(title: str) -> str:
    return DOCUMENT[DOCUMENT.index(f"\n## {title}\n") :].split("\n## ")[1]


def names_of(table: str) -> list[str]:
    return [name for row in re.findall(r"^\| (`[^|]+) \|", table, re.MULTILINE) for name in re.findall("`(.+?)`", row)]


def test_the_example_is_on_the_first_screen_and_is_the_vector():
    row, entry = BLOCKS
    assert DOCUMENT.index("```json") < DOCUMENT.index("\n## ")
    assert entry == EXAMPLE["content"]
    assert {**row, "entry": {"S": canonical_json(entry).decode()}} == EXAMPLE["item"]


def test_the_members_are_those_of_the_code():
    listed = names_of(next(part for part in section("Entry").split("\n\n") if part.startswith("| member")))
    content = EXAMPLE["content"]
    optional = {"problem", "step", "row", "part", "of", "continues"}
    assert set(listed) == content.keys() | optional
    assert set(MEMBERS) <= set(listed)


@pytest.mark.parametrize("name", ["problem", "step", "row", "part", "of", "continues"])
def test_optional_members_are_optional_to_the_code(name):
    assert name not in EXAMPLE["content"]
    every = [entry["content"] for chain in VECTORS["chains"] for entry in chain["entries"]]
    assert any(name in content for content in every)
    assert all(form.parse_entry(canonical_json(content)) for content in every)


def test_the_steps_are_those_of_the_code_and_each_has_a_vector():
    written = [
        f"{number} {name}" for number, name in re.findall(r"^(\d+)\. \*\*([a-z]+)\.\*\*", DOCUMENT, re.MULTILINE)
    ]
    assert written == [step.value for step in ChainStep]
    refused = [*VECTORS["refused"], *VECTORS["sizes"], *VECTORS["continuations"]]
    assert {vector["step"] for vector in refused} - {None} == set(written)


def test_the_figures():
    assert f"at most {MAX_ENTRY_BYTES:,} bytes" in DOCUMENT
    assert f"at most {MAX_TEXT} characters" in DOCUMENT
    assert f"1 to {MAX_CLOSED} chains" in DOCUMENT
    assert f"| `v` | {ENTRY_VERSION} |" in DOCUMENT


def test_the_labels_are_those_of_the_vectors():
    for label, name in (("twinvault/v1/audit", "digest_input"), ("twinvault/v1/audit-signature", "signature_input")):
        assert f'"{label}" || 0x00' in DOCUMENT
        assert bytes.fromhex(EXAMPLE[name]).startswith(label.encode() + b"\0")


def test_every_member_of_the_vectors_is_listed():
    assert set(names_of(section("Test vectors"))) == VECTORS.keys() - {"format"}


def test_every_link_of_the_page_leads_somewhere():
    for page, text in {"": DOCUMENT, "format.md": FORMAT}.items():
        anchors = {title.lower().replace(" ", "-") for title in re.findall(r"^#+ (.+)$", text, re.MULTILINE)}
        assert set(re.findall(rf"\]\({page}#([a-z-]+)\)", DOCUMENT)) <= anchors
    for page in re.findall(r"\]\(([a-z-]+\.md)", DOCUMENT):
        assert (ROOT / "docs" / page).exists()
