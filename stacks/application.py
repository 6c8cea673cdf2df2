"""The application: the functions that keep dialogues, and those that every store needs."""

from pathlib import Path

from twinvault_cdk import (
    Application,
    erasure_function,
    keys_function,
    maintenance_function,
    reading_function,
    writing_function,
)

APPLICATION = Application(
    name="twinvault",
    root=Path(__file__).resolve().parents[1],
    functions=(
        writing_function(
            "import", "service.handlers.import_dialogue.handler", [("POST", "/dialogues/import")], finds=False
        ),
        reading_function(
            "read",
            "service.handlers.read_dialogues.handler",
            [("GET", "/dialogues"), ("GET", "/dialogues/{id}"), ("GET", "/dialogues/{id}/export")],
        ),
        keys_function("service.handlers.manage_keys.handler"),
        maintenance_function("service.handlers.maintain.handler"),
        erasure_function("service.handlers.erase.handler"),
    ),
)
