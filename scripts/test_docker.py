"""`make test-docker`: the tests that need a Docker engine. Without one it fails, unless told that there may be none."""

import os
import subprocess
import sys

from twinvault_local.engines import docker
from twinvault_local.errors import ToolMissingError

ALLOWED = "ALLOW_NO_DOCKER"  # 1 where it is known that there is no engine


def main() -> int:
    """Runs tests/docker, or pytest with the arguments of the command line, and returns the exit code."""
    try:
        docker.find()
    except ToolMissingError as error:
        print(f"{error.message} So the engines in Docker and SAM were not tested.")
        if os.environ.get(ALLOWED) == "1":
            return 0
        print(f"Where that is as it should be: {ALLOWED}=1 make test-docker")
        return 1
    return subprocess.call([sys.executable, "-m", "pytest", *(sys.argv[1:] or ["tests/docker"])])


if __name__ == "__main__":
    sys.exit(main())
