"""Writes docs/dialogue.schema.json from the layout's types (functions/dialogues/layout.py)."""

import json
from pathlib import Path

from dialogues.layout import Dialogue

FILE = Path(__file__).parent.parent / "docs" / "dialogue.schema.json"


def schema() -> str:
    """The JSON Schema of a dialogue file, as text."""
    made = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:twinvault:schema:dialogue",
        **Dialogue.model_json_schema(),
        "title": "A Twinvault dialogue",
    }
    return json.dumps(made, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    FILE.write_text(schema(), encoding="utf-8")
