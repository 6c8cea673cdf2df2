"""`up --watch`: what is saved is served a moment later, and what is broken does no harm."""

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from houses import House

from twinvault_cli import inner_loop
from twinvault_local import status
from twinvault_local.machine import waiting


@pytest.fixture
def handlers(house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The handlers of a checkout with the small app alone, whose twin is up and watched."""
    root, ended = tmp_path / "checkout", threading.Event()
    (root / "requirements").mkdir(parents=True)
    (root / "requirements" / "runtime.txt").touch()
    facts = house.up()
    shutil.copytree(house.state.artifact / facts.artifact / "small", root / "functions" / "small")
    (root / "cdk.json").write_text(
        '{"app": "false", "context": {"stage": "dev", "stages": {"dev": {"architecture": "x86_64"}}}}'
    )
    monkeypatch.chdir(root)
    thread = threading.Thread(target=inner_loop.watch, args=[house.state], kwargs={"ended": ended})
    thread.start()
    yield root / "functions" / "small" / "handlers.py"
    ended.set()
    thread.join(30)
    assert not thread.is_alive()


def test_what_is_saved_is_served_and_what_is_broken_is_said(
    handlers: Path, house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    url, good = status.facts(house.state).url, handlers.read_text(encoding="utf-8")
    said: list[str] = []

    def serves(code: int) -> bool:
        return httpx.post(f"{url}/things", trust_env=False).status_code == code

    def says(words: str) -> bool:
        said.append(capsys.readouterr().err)
        return words in "".join(said)

    def save(text: str, *, until: int) -> bool:
        handlers.write_text(text, encoding="utf-8")  # again and again: the watch may only be about to begin
        return waiting.until(lambda: serves(until), seconds=3)

    assert waiting.until(lambda: save(good.replace("201", "202"), until=202), seconds=60)
    handlers.write_text("import no_such_module\n", encoding="utf-8")
    assert waiting.until(lambda: says("No module named 'no_such_module'"), seconds=30)
    assert waiting.until(lambda: says("Mend it and save it"), seconds=10)
    assert "twinvault reload" not in "".join(said), "whoever watches need not type it"
    assert serves(202)
    assert waiting.until(lambda: save(good.replace("201", "203"), until=203), seconds=60)
    assert says("reloaded in")
