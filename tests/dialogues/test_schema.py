"""docs/dialogue.schema.json says of a file what the service says of it."""

import json
from pathlib import Path

import jsonschema
import pytest

from scripts.schema import FILE, schema

EXAMPLE = Path(__file__).parents[2] / "examples" / "dialogues" / "incident-notes.json"


def test_the_schema_is_what_the_types_say() -> None:
    assert FILE.read_text(encoding="utf-8") == schema(), "run: make schema"


@pytest.mark.parametrize("change", [{}, {"status": "done"}, {"surprise": 1}, {"perspectives": [{"id": "P0100"}]}])
def test_the_schema_accepts_the_example_and_refuses_what_the_service_refuses(change: dict) -> None:
    validator = jsonschema.Draft202012Validator(json.loads(schema()))
    document = json.loads(EXAMPLE.read_text(encoding="utf-8")) | change
    assert validator.is_valid(document) is not bool(change)
