"""docs/runbooks/key-compromise.md, walked: each step that the page names is one here, in the page's order."""

import json
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from service.handlers.maintain import handler as maintaining
from service.handlers.manage_keys import handler
from tests.dialogues.samples import SMALL, small
from tests.service.conftest import Answered, Service
from twinvault_http import wiring

PAGE = (Path(__file__).parents[2] / "docs" / "runbooks" / "key-compromise.md").read_text(encoding="utf-8")
OPERATING = ["keys:read", "keys:rotate", "keys:revoke"]
WAIT_SECONDS = 300 + 30 + 60

type Steps = dict[str, Callable[[], None]]


def steps_of(section: str) -> list[str]:
    """The steps that a section of the page names."""
    found = re.search(rf"^## {section}$(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None
    return re.findall(r"^\d+\. \*\*(.+?)\.\*\*", found[1], re.MULTILINE)


def walk(section: str, steps: Steps) -> None:
    assert list(steps) == steps_of(section), "the page and this test name the same steps"
    for step in steps.values():
        step()


def ask(service: Service, route: str, body: Any = None, **more: Any) -> Answered:
    sent = None if body is None else json.dumps(body)
    return service.call(route, body=sent, function=handler, token=service.issuer.token(permissions=OPERATING), **more)


def maintain(service: Service, route: str, body: Any = None, **more: Any) -> Answered:
    sent, token = None if body is None else json.dumps(body), service.issuer.token(permissions=["maintain:*"])
    return service.call(route, body=sent, function=maintaining, token=token, **more)


def done(answer: Answered) -> Any:
    assert answer.status in {200, 201, 202}, answer.body
    return answer.body


def states(service: Service) -> list[tuple[int, str, int]]:
    found = done(ask(service, "GET /keys/status"))
    return [(one["epoch"], one["state"], one["deks"]) for one in found["epochs"]]


def rewrap(service: Service) -> dict[str, Any]:
    work = done(ask(service, "POST /keys/rewrap"))
    return dict(done(ask(service, "POST /keys/rewrap/{id}", id=work["id"])))


def deks_destroyed(service: Service, name: str) -> list[int]:
    return list(done(ask(service, "POST /keys/destroy", {"dialogue": name}))["destroyed"])


def read(service: Service, name: str) -> int:
    return service.call("GET /dialogues/{id}", id=name).status


def anew() -> None:
    """The key TTL is over: no environment has anything in memory."""
    wiring.service.cache_clear()


def at(seconds: float) -> None:
    """This much later, for the function that destroys."""
    moment = datetime.now(UTC) + timedelta(seconds=seconds)
    wiring.service().vault.changes.now = lambda: moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@pytest.fixture
def loaded(service: Service) -> Service:
    for name in ("first", "second"):
        assert service.load(small(id=name)).status == 201
    return service


def test_a_kek_leaked(loaded: Service) -> None:
    def look() -> None:
        assert states(loaded) == [(1, "active", 2)]

    def stop() -> None:
        done(ask(loaded, "POST /keys/revoke", {"epoch": "all"}))
        assert read(loaded, "first") == 503
        done(ask(loaded, "POST /keys/reinstate", {"epoch": 1}))
        assert read(loaded, "first") == 200

    def rotate() -> None:
        assert done(ask(loaded, "POST /keys/rotate")) == {"epoch": 2}

    def retire() -> None:
        done(ask(loaded, "POST /keys/retire", {"epoch": 1}))

    def rewrapping() -> None:
        counts = rewrap(loaded)["counts"]
        assert counts == {"keys": 2, "rewrapped": 2, "already": 0, "refused": 0}

    def revoke() -> None:
        done(ask(loaded, "POST /keys/revoke", {"epoch": 1}))
        assert states(loaded) == [(1, "revoked", 0), (2, "active", 2)]
        anew()
        assert [read(loaded, name) for name in ("first", "second")] == [200, 200]

    def seal_anew() -> None:
        work = done(maintain(loaded, "POST /maintenance", {"work": "reencrypt", "kind": "dialogue"}))
        ended = done(maintain(loaded, "POST /maintenance/{id}", id=work["id"]))
        assert (ended["state"], ended["counts"]["partitions"]) == ("done", 2)
        uses = done(ask(loaded, "GET /keys/status", query={"dialogue": "first"}))["deks"]
        assert [(one["version"], one["state"], one["records"] > 0) for one in uses] == [
            (1, "retired", False),
            (2, "current", True),
        ]

    def destroy() -> None:
        refused = ask(loaded, "POST /keys/destroy", {"epoch": 1})
        assert (refused.status, "not before" in refused.body["detail"]) == (409, True), refused.body
        at(WAIT_SECONDS + 1)
        assert [one["epoch"] for one in done(ask(loaded, "POST /keys/destroy", {"epoch": 1}))["epochs"]] == [2]
        assert [deks_destroyed(loaded, "first"), deks_destroyed(loaded, "second")] == [[1], [1]]

    def close() -> None:
        anew()
        assert [read(loaded, name) for name in ("first", "second")] == [200, 200]
        names = {item["sk"]["S"] for item in loaded.client.scan(TableName=loaded.tables.keys)["Items"]}
        assert "kek#000001" not in names
        assert {name.rpartition("#")[2] for name in names if name.startswith("dek#")} == {"000002"}

    steps: Steps = {
        "Look": look,
        "Stop, if you must": stop,
        "Rotate": rotate,
        "Retire": retire,
        "Rewrap": rewrapping,
        "Revoke": revoke,
        "Seal the records anew": seal_anew,
        "Destroy": destroy,
        "Close the copies": close,
    }
    walk("A KEK leaked", steps)


def test_a_permission_on_the_root_key_leaked(loaded: Service) -> None:
    kms, root = loaded.kms, loaded.root
    before = kms.get_key_policy(KeyId=root)["Policy"]

    def policy(*more: dict[str, Any]) -> None:
        document = json.loads(before)
        kms.put_key_policy(KeyId=root, Policy=json.dumps({**document, "Statement": [*document["Statement"], *more]}))

    def take_away() -> None:
        policy()
        assert kms.list_grants(KeyId=root)["Grants"] == []

    def deny() -> None:
        context = {
            f"kms:EncryptionContext:twinvault:{name}": value for name, value in (("tenant", "acme"), ("epoch", "1"))
        }
        condition = {"StringEquals": context}
        statement = {"Effect": "Deny", "Principal": {"AWS": "*"}, "Action": "kms:Decrypt", "Resource": "*"}
        policy({**statement, "Condition": condition})
        anew()
        assert read(loaded, "first") == 503
        other = loaded.issuer.token(tenant="others")
        assert loaded.load(SMALL, token=other).status == 201, "whose tenant it is not is not stopped"

    def see() -> None:
        ours = {request for entry in loaded.entries() for request in entry["kms"]}
        assert ours, "what CloudTrail has and no entry names was not ours"

    def treat() -> None:
        policy()
        anew()
        assert done(ask(loaded, "POST /keys/rotate")) == {"epoch": 2}
        done(ask(loaded, "POST /keys/retire", {"epoch": 1}))
        assert rewrap(loaded)["state"] == "done"
        done(ask(loaded, "POST /keys/revoke", {"epoch": 1}))
        assert states(loaded) == [(1, "revoked", 0), (2, "active", 2)]

    def mind() -> None:
        assert done(ask(loaded, "POST /keys/rewrap-root", {"again": True}))["rewrapped"] == 3
        anew()
        assert [read(loaded, name) for name in ("first", "second")] == [200, 200]

    steps: Steps = {
        "Take it away": take_away,
        "Deny what you are not sure of": deny,
        "See what was opened": see,
        "Treat what was opened as leaked": treat,
        "Mind the register key": mind,
    }
    walk("A permission on the root key leaked", steps)


def test_a_token_was_stolen(loaded: Service) -> None:
    stolen = {"sub": "thief", "permissions": [*OPERATING, "dialogues:read"]}
    good = loaded.issuer.token(**stolen)

    def end() -> None:
        assert loaded.call("GET /dialogues/{id}", id="first", token=good).status == 200
        over = loaded.issuer.token(**stolen, exp=int(time.time()) - 1)
        assert loaded.call("GET /dialogues/{id}", id="first", token=over).status == 401

    def see() -> None:
        mine = [one for one in loaded.entries() if one["principal"] == "thief"]
        assert [one["action"] for one in mine] == ["dialogue.read"]
        assert mine[0]["partitions"]

    def undo() -> None:
        revoked = loaded.call("POST /keys/revoke", body='{"epoch": 1}', token=good, function=handler)
        assert (revoked.status, read(loaded, "first")) == (200, 503)
        done(ask(loaded, "POST /keys/reinstate", {"epoch": 1}))
        assert read(loaded, "first") == 200
        at(WAIT_SECONDS + 1)
        destroyed = loaded.call("POST /keys/destroy", body='{"epoch": 1}', token=good, function=handler)
        assert destroyed.status == 409, "what is under it keeps it"

    steps: Steps = {"End it at the issuer": end, "See what was done": see, "Undo what can be undone": undo}
    walk("A token was stolen", steps)
