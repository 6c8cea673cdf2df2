"""An evidence file: what is written is read, and what was changed since is not evidence."""

import json

import pytest
from samples_of_verdict import ABOUT, NOW

from twinvault_verdict import evidence
from twinvault_verdict.errors import EvidenceError


def written(**details) -> bytes:
    return evidence.to_bytes("suite", about=ABOUT, at=NOW, passed=True, details=details)


def test_what_was_written_is_read(tmp_path):
    path = evidence.write(tmp_path / "evidence", "suite", about=ABOUT, at=NOW, passed=False, details={"failed": ["é"]})
    assert path == tmp_path / "evidence" / "suite.json"
    found = evidence.read("suite", path.read_bytes())
    assert (found.about, found.at, found.passed, found.details) == (ABOUT, NOW, False, {"failed": ["é"]})


def edited(change):
    content = json.loads(written(failed=["a test"]))
    change(content)
    return json.dumps(content).encode()


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"[]", id="not an object"),
        pytest.param(b"{}", id="no seal"),
        pytest.param(written()[:-20], id="cut short"),
        pytest.param(
            edited(lambda content: content.update(passed=True, artifact_sha256="f" * 64)), id="another artifact"
        ),
        pytest.param(edited(lambda content: content["details"].update(failed=[])), id="a failed test taken out"),
        pytest.param(edited(lambda content: content.update(more=1)), id="something added"),
        pytest.param(edited(lambda content: content.pop("at")), id="something taken away"),
        pytest.param(evidence.to_bytes("iam", about=ABOUT, at=NOW, passed=True, details={}), id="of another name"),
        pytest.param(
            evidence.to_bytes("suite", about=ABOUT, at=NOW.replace(tzinfo=None), passed=True, details={}),
            id="no offset",
        ),
        pytest.param(
            evidence.to_bytes("suite", about=ABOUT, at=NOW, passed="yes", details={}), id="passed is no boolean"
        ),
    ],
)
def test_what_was_edited_or_is_of_another_form_is_no_evidence(content):
    with pytest.raises(EvidenceError, match=r"^suite\.json (was changed|is not evidence|is evidence of another name)"):
        evidence.read("suite", content)


def test_every_byte_of_it_counts():
    content = written(failed=[])
    for position in range(0, len(content) - 1, 7):
        flipped = bytes([*content[:position], content[position] ^ 1, *content[position + 1 :]])
        try:
            found = evidence.read("suite", flipped)
        except EvidenceError:
            continue
        # Nothing but white space may be another and leave what it says as it was.
        assert json.loads(flipped) == json.loads(content), position
        assert found.details == {"failed": []}
