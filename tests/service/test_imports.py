"""What importing each handler pulls in: a cold start pays for it all, and a reader has no use for what imports need."""

import json
import os
import subprocess
import sys

import pytest

WRITING = {"pydantic", "pydantic_core", "dialogues.layout", "dialogues.importing", "dialogues.writing"}
RESOLVER = "aws_lambda_powertools.event_handler"
HANDLERS = ("read_dialogues", "manage_keys", "import_dialogue", "maintain")


def modules(handler: str) -> set[str]:
    """The modules that a fresh process has once it has imported a handler, which needs no environment for it."""
    code = f"import json, sys, service.handlers.{handler}; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], env={"PATH": os.defpath}, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return set(json.loads(done.stdout))


@pytest.mark.parametrize("handler", ["read_dialogues", "manage_keys", "maintain"])
def test_a_reader_carries_nothing_of_what_an_import_needs(handler: str) -> None:
    assert not WRITING & modules(handler)


def test_an_import_carries_the_layouts_types() -> None:
    """Or the test above looks for names that nobody has any more."""
    assert modules("import_dialogue") >= WRITING


@pytest.mark.parametrize("handler", HANDLERS)
def test_powertools_is_a_logger_and_metrics_and_nothing_else(handler: str) -> None:
    loaded = modules(handler)
    assert {"aws_lambda_powertools.logging", "aws_lambda_powertools.metrics"} <= loaded
    assert not {name for name in loaded if name == RESOLVER or name.startswith(f"{RESOLVER}.")}
    assert "aws_xray_sdk" not in loaded
