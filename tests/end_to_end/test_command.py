"""`twinvault` as people and scripts use it: over HTTP, with clean JSON and exit codes that tell faults apart."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from samples import canonical, dialogue
from vaults import Vault

pytestmark = pytest.mark.xdist_group("end_to_end")

COMMAND = [str(Path(sys.executable).parent / "twinvault")]


def run(
    vault: Vault | None, *arguments: str, stdin: bytes = b"", **environment: str
) -> "subprocess.CompletedProcess[bytes]":
    known = {"PATH": os.environ["PATH"], "HOME": os.devnull, "LANG": "C.UTF-8", **environment}
    if vault is not None:
        known |= {"TWINVAULT_STATE": str(vault.twin.state.folder)}
    return subprocess.run([*COMMAND, *arguments], input=stdin, env=known, capture_output=True, timeout=120, check=False)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("files") / "by-command.json"
    path.write_bytes(canonical(dialogue("by-command", perspectives=3, words=5)))
    return path


def test_a_dialogue_goes_in_and_comes_out_through_the_command(vault: Vault, file: Path, tmp_path: Path) -> None:
    done = run(vault, "import", str(file), "--json")
    assert done.returncode == 0, done.stderr
    assert [(one["result"], one["records"]) for one in json.loads(done.stdout)] == [("created", 14)]
    from_stdin = run(vault, "import", "-", "--json", stdin=file.read_bytes())
    assert json.loads(from_stdin.stdout)[0]["result"] == "unchanged"
    assert canonical(json.loads(run(vault, "export", "by-command").stdout)) == file.read_bytes()
    assert run(vault, "export", "by-command", "--output", str(tmp_path / "out.json")).stdout == b""
    assert canonical(json.loads((tmp_path / "out.json").read_bytes())) == file.read_bytes()
    shown = json.loads(run(vault, "show", "by-command", "--json").stdout)
    assert shown["dialogue"]["id"] == "by-command"
    assert b"maple" in run(vault, "show", "by-command").stdout
    listed = json.loads(run(vault, "list", "--status", "converged", "--json").stdout)
    assert "by-command" in [item["id"] for item in listed["dialogues"]]
    assert b"by-command" in run(vault, "list").stdout
    assert json.loads(run(vault, "list", "--tenant", "stranger", "--json").stdout)["dialogues"] == []


def test_raw_shows_the_items_as_the_table_holds_them(vault: Vault, file: Path) -> None:
    run(vault, "import", str(file))
    items = json.loads(run(vault, "raw", "by-command").stdout)
    assert {item["entity_type"]["S"] for item in items} >= {"head", "dialogue", "expert", "perspective", "verdict"}
    assert all(item["pk"]["S"].startswith("tenant#demo#dialogue#") for item in items)
    assert "by-command" not in json.dumps(items)
    one = json.loads(run(vault, "raw", items[0]["pk"]["S"], "--sk", "verdict").stdout)
    assert [item["sk"]["S"] for item in one] == ["verdict#final"]


def test_it_speaks_to_any_url_with_a_token(vault: Vault, file: Path) -> None:
    elsewhere = {"TWINVAULT_URL": vault.facts.url, "TWINVAULT_TOKEN": vault.token("elsewhere")}
    assert run(None, "import", str(file), **elsewhere).returncode == 0
    assert json.loads(run(None, "list", "--json", **elsewhere).stdout)["dialogues"][0]["id"] == "by-command"


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        pytest.param(["export", "nothing-of-this-name"], 2, b"no such dialogue", id="not found"),
        pytest.param(["import", "no-such-file.json"], 2, b"cannot be read", id="no file"),
        pytest.param(["import", "/dev/null"], 2, b"must be JSON", id="not JSON"),
        pytest.param(["list", "--status", "nonsense"], 2, b"status", id="an unknown status"),
        pytest.param(["list", "--url", "https://vault.example"], 2, b"--token", id="no token for another service"),
        pytest.param(["list", "--url", "http://127.0.0.1:9", "--token", "x"], 4, b"does not answer", id="nobody there"),
        pytest.param(["nonsense"], 2, b"No such command", id="no command"),
    ],
)
def test_exit_codes_tell_whose_fault_it_is(vault: Vault, arguments: list[str], code: int, said: bytes) -> None:
    done = run(vault, *arguments)
    assert (done.returncode, said in done.stderr) == (code, True), done.stderr
    assert b"Traceback" not in done.stderr


def test_tampering_has_an_exit_code_of_its_own(vault: Vault, file: Path) -> None:
    damaged = file.with_name("damaged.json")
    damaged.write_bytes(canonical(dialogue("damaged-by-hand", perspectives=2, words=3)))
    assert run(vault, "import", str(damaged)).returncode == 0
    (item,) = json.loads(run(vault, "raw", "damaged-by-hand", "--sk", "verdict").stdout)
    key = {"pk": item["pk"], "sk": item["sk"]}
    vault.dynamodb().delete_item(TableName=vault.facts.tables["records"], Key=key)
    done = run(vault, "export", "damaged-by-hand")
    assert done.returncode == 3
    assert b"integrity" in done.stderr
    assert done.stdout == b""


def test_a_damaged_dialogue_is_listed_as_such_beside_the_others(vault: Vault, file: Path) -> None:
    mine = ("--tenant", "listed")
    broken = file.with_name("broken.json")
    broken.write_bytes(canonical(dialogue("broken-by-hand", perspectives=2, words=3)))
    assert run(vault, "import", str(broken), str(file), *mine).returncode == 0
    place = vault.call("GET", "/dialogues/broken-by-hand", tenant="listed").json()["stored"]["partition_key"]
    key = {"pk": {"S": place}, "sk": {"S": "meta"}}
    vault.dynamodb().delete_item(TableName=vault.facts.tables["records"], Key=key)
    for options in ((), ("--json",)):
        done = run(vault, "list", *mine, *options)
        assert done.returncode == 3
        assert place.rpartition("#")[2].encode() in done.stdout
        assert b"by-command" in done.stdout
        assert b"correlation id: 1-" in done.stderr


def test_one_bad_file_does_not_keep_the_others_out(vault: Vault, file: Path) -> None:
    done = run(vault, "import", "/dev/null", str(file), "--json", "--tenant", "mixed")
    assert done.returncode == 2
    first, second = json.loads(done.stdout)
    assert "error" in first
    assert second["result"] == "created"


def test_without_a_twin_it_says_what_to_type(tmp_path: Path) -> None:
    done = run(None, "list", TWINVAULT_STATE=str(tmp_path / "nowhere"))
    assert done.returncode == 4
    assert b"twinvault up" in done.stderr


def test_keys_are_listed_and_rotated_while_what_is_old_still_opens(vault: Vault, file: Path) -> None:
    mine = ("--tenant", "rotating")
    assert run(vault, "import", str(file), *mine).returncode == 0
    assert json.loads(run(vault, "keys", "rotate", *mine, "--json").stdout) == {"epoch": 2}
    rotated = json.loads(run(vault, "keys", "rotate", *mine, "--dialogue", "by-command", "--json").stdout)
    assert rotated == {"dialogue": "by-command", "version": 2}
    keys = json.loads(run(vault, "keys", "list", *mine, "--json").stdout)
    names = [key["name"] for key in keys if not key["name"].startswith("dek#")]
    assert names == ["idx", "kek#000001", "kek#000002", "register", "register-key"]
    assert [key["state"] for key in keys if key["name"].startswith("kek#")] == ["active", "active"]
    assert [key["wrapped_under"] for key in keys if key["name"].startswith("dek")] == ["kek#000001", "kek#000002"]
    assert b"opens what is old" in run(vault, "keys", "list", *mine).stdout
    assert canonical(json.loads(run(vault, "export", "by-command", *mine).stdout)) == file.read_bytes()
    assert run(vault, "keys", "rotate", "--tenant", "nobody-yet").returncode == 2
    reader = vault.token("rotating", permissions=["dialogues:read", "keys:read"])
    assert run(vault, "keys", "rotate", *mine, "--token", reader).returncode == 2


def test_an_epoch_lives_by_the_command(vault: Vault, file: Path) -> None:
    mine = ("--tenant", "living")
    assert run(vault, "import", str(file), *mine).returncode == 0
    assert run(vault, "keys", "rotate", *mine).returncode == 0

    def states(*command: str) -> list[str]:
        done = run(vault, "keys", *command, *mine, "--json")
        assert done.returncode == 0, done.stderr
        return [one["state"] for one in json.loads(done.stdout)["epochs"]]

    assert states("retire", "--epoch", "1") == ["retired", "active"]
    assert states("revoke", "--epoch", "1") == ["revoked", "active"]
    assert run(vault, "export", "by-command", *mine).returncode != 0
    assert states("reinstate", "--epoch", "1") == ["retired", "active"]
    assert states("revoke") == ["revoked", "revoked"]
    said = run(vault, "keys", "revoke", *mine).stderr
    assert b"No epoch seals" in said
    assert run(vault, "keys", "retire", "--epoch", "2", *mine).returncode == 2
    assert b"revoked" in run(vault, "keys", "status", *mine).stdout
    found = json.loads(run(vault, "keys", "status", *mine, "--json").stdout)
    assert [(one["deks"], one["index"]) for one in found["epochs"]] == [(1, False), (0, True)]
    planned = json.loads(run(vault, "keys", "rewrap", "--root", "--again", "--dry-run", *mine, "--json").stdout)
    done = json.loads(run(vault, "keys", "rewrap", "--root", "--again", *mine, "--json").stdout)
    assert planned == done == {"root_key_id": found["root_keys"][0]["root_key_id"], "rewrapped": 3, "unused": []}
    assert b"0 keys wrapped" in run(vault, "keys", "rewrap", "--root", *mine).stderr
    assert (
        run(vault, "keys", "rewrap", "--root", *mine, "--token", vault.token("living", permissions=[])).returncode == 2
    )
