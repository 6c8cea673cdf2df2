"""``python -m twinvault_lambda --config server.json``: the Lambda server, in the foreground.

Prints ``ready http://127.0.0.1:PORT`` when requests are answered, how the functions stand (standing.py) and what the
schedules did (schedules.py). At SIGHUP it reads the file again and exchanges the functions for those that stand there;
at SIGUSR1 the schedules call at once. SIGTERM and SIGINT end it and all workers with exit status 0; where it cannot
start it says why and exits with 1.
"""

import argparse
import sys
from pathlib import Path

import uvloop

from twinvault_lambda.config import ServerConfig
from twinvault_lambda.errors import LambdaServerError
from twinvault_lambda.server import serve


def main() -> int:
    """Read the configuration and serve."""
    parser = argparse.ArgumentParser(prog="python -m twinvault_lambda", description=__doc__)
    parser.add_argument("--config", type=Path, required=True, help="the server's configuration, a JSON file")
    file: Path = parser.parse_args().config

    def read() -> ServerConfig:
        return ServerConfig.from_json(file.read_text(encoding="utf-8"))

    try:
        uvloop.run(serve(read(), reread=read, say=lambda text: print(text, flush=True)))  # noqa: T201  # the contract
    except (LambdaServerError, OSError) as error:
        print(error, file=sys.stderr)  # noqa: T201  # read by whoever started this process
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
