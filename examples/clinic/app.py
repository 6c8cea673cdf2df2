"""The CDK app: what is deployed. ``npx cdk synth -c stage=prod``, or ``python app.py`` for dev."""

import sys
from pathlib import Path

from twinvault_cdk import (
    Application,
    erasure_function,
    keys_function,
    maintenance_function,
    reading_function,
    synthesize,
    writing_function,
)

VISITS = "/patients/{id}/visits"

APPLICATION = Application(
    name="clinic",
    root=Path(__file__).resolve().parent,
    functions=(
        writing_function(
            "write",
            "clinic.handlers.write.handler",
            [
                ("POST", "/patients"),
                ("PATCH", "/patients/{id}"),
                ("POST", VISITS),
                ("PATCH", f"{VISITS}/{{number}}"),
                ("POST", f"{VISITS}/{{number}}/notes"),
                ("DELETE", f"{VISITS}/{{number}}/notes/{{note}}"),
            ],
            finds=False,
        ),
        reading_function(
            "read",
            "clinic.handlers.read.handler",
            [("GET", "/patients"), ("GET", "/patients/{id}")],
        ),
        keys_function("clinic.handlers.keys.handler"),
        maintenance_function("clinic.handlers.maintain.handler"),
        erasure_function("clinic.handlers.erase.handler"),
    ),
)

if __name__ == "__main__":
    sys.exit(synthesize(APPLICATION))
