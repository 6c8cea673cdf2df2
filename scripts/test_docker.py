"""`make test-docker`: the tests that need a Docker engine; without one it says so and nothing is tested."""

import subprocess
import sys

from twinvault_local.engines import docker
from twinvault_local.errors import ToolMissingError


def main() -> int:
    """Runs tests/docker, or pytest with the arguments of the command line, and returns the exit code."""
    try:
        docker.find()
    except ToolMissingError as error:
        print(f"{error.message} So the Docker route and SAM were not tested.")
        return 0
    return subprocess.call([sys.executable, "-m", "pytest", *(sys.argv[1:] or ["tests/docker"])])


if __name__ == "__main__":
    sys.exit(main())
