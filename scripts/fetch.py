"""Fetches once what the twin and the tests take from the network, so that what follows needs none."""

import sys
from pathlib import Path

from twinvault_local.engines import dynamodb
from twinvault_local.errors import TwinError
from twinvault_local.machine import toolchain
from twinvault_local.machine.system import LINUX, Machine

CACHE = Path(__file__).resolve().parents[1] / ".cache"


def main() -> int:
    """Fetches the database engine and Lambda's runtime client into .cache and returns the exit code."""
    try:
        toolchain.find_java()
        toolchain.find_node()
        dynamodb.ensure(CACHE, progress=print)
        if Machine.here().system == LINUX:  # elsewhere functions run in Lambda's own image, which has it
            toolchain.ensure_lambda_runtime(CACHE, toolchain.base_python())
    except TwinError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
