"""`sam local` on the twin's engines: the values that its containers need, and sample events that carry a token.

A container reaches the engines by their names on the Docker network; all else is what the twin's own workers are given.
`python -m twinvault_local.sam` is what `make sam-env` calls. Source: AWS SAM Developer Guide, "sam local invoke",
environment variable file.
"""

import argparse
import json
import shlex
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import twinvault_durable as durable
from twinvault_lambda.config import FunctionConfig
from twinvault_local import lambda_server, status, tokens
from twinvault_local.engines import choice
from twinvault_local.errors import StateError, TwinError
from twinvault_local.machine import files
from twinvault_local.machine.checkout import ROOT
from twinvault_local.state import StateFolder

TENANT = "demo"
TOKEN_SECONDS = 12 * 3600
# As docker-compose.yml names the services and their ports.
INSIDE = {
    "AWS_ENDPOINT_URL_DYNAMODB": "http://gate:8000",
    "AWS_ENDPOINT_URL_KMS": "http://kms:8789",
    "TWINVAULT_JWKS_URL": "http://issuer:8788/.well-known/jwks.json",
}


def environment(functions: Iterable[FunctionConfig]) -> dict[str, dict[str, str]]:
    """Function by function, the variables that the template declares, with the engines' names inside the network."""
    return {
        function.name: {name: INSIDE.get(name, value) for name, value in function.environment.items()}
        for function in functions
    }


def exports(function: FunctionConfig) -> str:
    """The function's own credentials, as a shell reads them: SAM hands a container those of whoever starts it."""
    own = function.credentials
    values = {
        "AWS_ACCESS_KEY_ID": own.access_key_id,
        "AWS_SECRET_ACCESS_KEY": own.secret_access_key,
        "AWS_SESSION_TOKEN": own.session_token,
    }
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in values.items())


def with_token(event: dict[str, Any], token: str) -> dict[str, Any]:
    """The event as its sender would have sent it with this token."""
    return {**event, "headers": {**event["headers"], "authorization": f"Bearer {token}"}}


def write(state: StateFolder, events: Path, into: Path) -> list[Path]:
    """Write `env.json`, `network`, `callers/*` and `events/*.json` for the twin that runs here; what was written.

    Raises:
        NotRunningError: no twin runs.
        StateError: its engines are plain processes, which no container reaches.
    """
    status.facts(state)
    network = choice.network(state)
    if network is None:
        raise StateError(
            "The twin's engines run as plain processes, and SAM's containers reach engines in Docker alone.",
            next_step="A state folder with engines in Docker: twinvault up --launcher docker --state .twinvault-docker",
        )
    into.mkdir(parents=True, exist_ok=True)
    for folder in ("events", "callers"):
        (into / folder).mkdir(exist_ok=True)
    config = lambda_server.read(state)
    files.write_json(into / "env.json", environment(config.functions))
    durable.write(into / "network", f"{network}\n".encode())
    for function in config.functions:
        durable.write(into / "callers" / function.name, exports(function).encode())
    token = tokens.mint_token(state, tenant=TENANT, expires_in=TOKEN_SECONDS)
    written = [into / "env.json", into / "network", *(into / "callers" / one.name for one in config.functions)]
    for sample in sorted(events.glob("*.json")):
        written.append(into / "events" / sample.name)
        files.write_json(written[-1], with_token(json.loads(sample.read_text(encoding="utf-8")), token))
    return written


def main(arguments: list[str] | None = None) -> int:
    """Write what `sam local` needs below build/sam and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m twinvault_local.sam", description=__doc__)
    parser.add_argument("--state", type=Path, default=ROOT / ".twinvault", help="state folder of the twin")
    parser.add_argument("--events", type=Path, default=ROOT / "examples" / "events", help="folder of sample events")
    parser.add_argument("--into", type=Path, default=ROOT / "build" / "sam", help="folder to write to")
    asked = parser.parse_args(arguments)
    try:
        written = write(StateFolder(asked.state.absolute()), asked.events, asked.into)
    except TwinError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write("".join(f"{path}\n" for path in written))
    return 0


if __name__ == "__main__":
    sys.exit(main())
