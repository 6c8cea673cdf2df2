"""The twin as a target. The one module of the suite that knows the twin, and it is imported for that target alone."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from vaults import bring_up, make_sources

from tests.parity.target import TABLES, TWIN, Target
from twinvault_local import lambda_server
from twinvault_local.artifact import archive
from twinvault_local.engines import dynamodb
from twinvault_local.provision import callers

TENANTS = {"own": "parity", "foreign": "parity-foreign"}
PERMISSIONS = ("dialogues:read", "dialogues:write")


@contextmanager
def running_twin(folder: Path) -> Iterator[Target]:
    """A twin of the checkout, brought up in a folder of its own and stopped at the end."""
    vault = bring_up(folder / "state", make_sources(folder))
    try:
        yield _target(vault)
    finally:
        vault.twin.down()


def _target(vault: Any) -> Target:
    facts, state = vault.facts, vault.twin.state
    made = json.loads(state.provisioned.read_bytes())
    keys = {
        path.rpartition("/")[2]: f"arn:aws:kms:{facts.region}:000000000000:key/{name}" for path, name in made.items()
    }
    stage = next(iter(made)).split("-")[1]
    templates = {
        stack: json.loads((vault.made.assembly / f"Twinvault-{stage}-{stack}.template.json").read_bytes())
        for stack in ("Store", "Api")
    }

    def credentials(access_key_id: str) -> dict[str, str]:
        key = callers.read(state.callers, access_key_id)
        return {"aws_access_key_id": key.access_key_id, "aws_secret_access_key": key.secret}

    return Target(
        kind=TWIN,
        stage=stage,
        region=facts.region,
        outputs={
            "ApiUrl": facts.url,
            "ArtifactSha256": archive.sha256(vault.made.artifact),
            **{f"{logical}Table": facts.tables[logical.lower()] for logical in TABLES},
            **{f"{logical}KeyArn": keys[f"{logical}Key"] for logical in ("Root", "Table")},
        },
        templates=templates,
        engines={
            "dynamodb": f"DynamoDB Local {dynamodb.VERSION}",
            "kms": f"twinvault_kms {metadata.version('twinvault-kms')}",
            "launcher": facts.launcher,
        },
        # All functions run from one folder, which is named after the zip that it was unpacked from and compared with.
        served={one.name: lambda_server.read(state).task_root.name for one in lambda_server.read(state).functions},
        endpoints={
            "dynamodb": facts.endpoints["dynamodb"],
            "dynamodbstreams": facts.endpoints["dynamodb"],
            "kms": facts.endpoints["kms"],
        },
        # The account's root, and the one that may make tables: the suite makes one of its own.
        caller=credentials(callers.PROVISIONER),
        tokens=lambda tenant: vault.token(TENANTS[tenant], permissions=PERMISSIONS),
        function_credentials=cache(lambda name: _environment(state.folder, name)),
    )


def _environment(folder: Path, function: str) -> dict[str, str]:
    """A function's credentials, as `twinvault env --as` gives them to a shell."""
    command = [Path(sys.executable).with_name("twinvault"), "env", "--as", function, "--json", "--state", folder]
    told = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return {name.lower(): told[name] for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
