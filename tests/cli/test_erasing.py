"""`twinvault erase` and `receipt get`: ids are whole, and what to type next can be typed as it stands."""

import json
import re
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.cli.calling import Call
from twinvault_cli import dialogues, erase, holds, receipt
from twinvault_cli.client import refusal

ID = "01a22e77-06b1-7210-8ed2-466f95ae54fe"
BY = {"principal": "auth0|5f7c8ec7c33c6c004bbafe82", "at": "2026-11-30T21:58:02.161697Z"}
ASKED: dict[str, Any] = {
    "id": ID,
    "state": "requested",
    "kind": "dialogue",
    "partition": "lmm2ilmsnhqyajvpy4i2bjplny",
    "dialogue": "a-dialogue-of-a-rather-long-name-2026",
    "requested": BY,
    "not_before": "2026-11-30T21:58:02.161697Z",
    "cancelled": None,
    "final": None,
    "erased": None,
    "finalized_at": None,
}
ERASED = {
    **ASKED,
    "state": "final",
    "dialogue": None,
    "final": BY,
    "erased": {"erased_at": BY["at"], "kind": "dialogue"},
    "sweep": {"id": ID, "state": "done", "counts": {"partitions": 1, "rows": 1, "failed": 0}, "driven_until": None},
}
HOLD = {"dialogue": ASKED["dialogue"], "partition": ASKED["partition"], "since": BY["at"], **BY, "reason": "case 17"}


@dataclass
class Answering:
    """A service that answers everything with this."""

    answer: dict[str, Any]
    status: int = 200
    asked: list[str] = field(default_factory=list)

    def get(self, path: str) -> bytes:
        return self.post(path, b"")

    def post(self, path: str, _: bytes, *, query: object = None) -> bytes:
        self.asked.append(path if query is None else f"{path}?")
        if self.status != 200:
            raise refusal(self.status, json.dumps(self.answer).encode())
        return json.dumps(self.answer).encode()


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Any:
    def of(answer: dict[str, Any], status: int = 200) -> None:
        for module in (dialogues, erase, holds, receipt):
            monkeypatch.setattr(module, "connect", lambda *_: Answering(answer, status))

    return of


def test_lists_have_whole_ids_in_a_narrow_terminal(call: Call, serve: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    serve({"erasures": [ASKED], "refused": []})
    said = call("erase", "list", "--tenant", "acme").out
    assert all(one in said for one in (ID, ASKED["dialogue"], BY["principal"]))
    serve({"holds": [HOLD]})
    said = call("erase", "holds", "--tenant", "acme").out
    assert all(one in said for one in (ASKED["dialogue"], BY["principal"], "case 17"))


@pytest.mark.parametrize(
    ("answer", "steps"),
    [
        pytest.param(ASKED, [f"erase final --tenant acme {ID}", f"erase cancel --tenant acme {ID}"], id="asked for"),
        pytest.param({**ASKED, "state": "final", "final": BY}, [f"erase final --tenant acme {ID}"], id="decided"),
        pytest.param(ERASED, ["erase finalize --tenant acme", f"receipt get --tenant acme {ID}"], id="erased"),
        pytest.param(
            {**ERASED, "erased": {"erased_at": BY["at"], "kind": None}},
            [f"receipt get --tenant acme {ID}"],
            id="a tenant was erased",
        ),
        pytest.param({**ERASED, "finalized_at": BY["at"]}, [f"receipt get --tenant acme {ID}"], id="finalized"),
    ],
)
def test_the_next_step_names_the_tenant(call: Call, serve: Any, answer: dict[str, Any], steps: list[str]) -> None:
    serve(answer)
    said = call("erase", "final", ID, "--tenant", "acme").err if "sweep" in answer else ""
    said = said or call("erase", "dialogue", "x", "--tenant", "acme").err
    assert re.findall(r"twinvault (.+)", said) == steps
    assert "rows" not in said


def test_what_was_erased_is_imported_again_only_if_that_is_said(call: Call, serve: Any, tmp_path: Any) -> None:
    serve({"detail": "this was erased, and cannot be brought back"}, 410)
    (tmp_path / "one.json").write_text("{}")
    said = call("import", str(tmp_path / "one.json"))
    assert (said.code, "--after-erasure" in said.err) == (2, True)
    serve({"detail": "of another kind"}, 409)
    assert "--after-erasure" not in call("import", str(tmp_path / "one.json")).err


def test_a_receipt_that_was_written_is_named_as_a_shell_takes_it(call: Call, serve: Any, tmp_path: Any) -> None:
    serve({"receipt": {}, "signature": ""})
    file = tmp_path / "the receipt [1].json"
    said = call("receipt", "get", ID, "--tenant", "acme", "--output", str(file)).err
    assert f"verify --tenant acme '{file}' --key audit.pub" in said
    assert "twinvault receipt key > audit.pub" in said


@pytest.mark.parametrize("named", ["alias/root", "arn:aws:kms:eu-central-1:000000000000:key/1"])
def test_a_root_key_is_said_to_be_unused_by_its_id_alone(call: Call, named: str) -> None:
    assert call("keys", "roots", "--unused", named).code == 2
