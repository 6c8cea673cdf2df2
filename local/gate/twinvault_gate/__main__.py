"""`python -m twinvault_gate`: the gate in the foreground."""

import argparse
import logging
import sys
from pathlib import Path

from twinvault_gate.errors import SetupError
from twinvault_gate.process import GateOptions, serve


def options(arguments: list[str]) -> GateOptions:
    """Return the options that the command line gives."""
    parser = argparse.ArgumentParser(
        prog="python -m twinvault_gate", description="Stands before DynamoDB Local and lets through what IAM would."
    )
    parser.add_argument("--port", type=int, required=True, help="port of the API")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--engine-port", type=int, required=True, help="port of DynamoDB Local")
    parser.add_argument("--engine-host", default="127.0.0.1", help="address of DynamoDB Local")
    parser.add_argument("--namespace", default="TWINVAULT", help="access key id of the engine's database")
    parser.add_argument("--callers", type=Path, help="JSON map of access key ids to principals' ARNs and secrets")
    parser.add_argument("--policies", type=Path, help="JSON of identity and resource policies (default: none)")
    parser.add_argument("--provisioner", help="access key id that alone may make tables (default: the account's root)")
    parser.add_argument("--admin-port", type=int, help="port for faults and reloading (default: none)")
    parser.add_argument("--admin-host", default="127.0.0.1", help="address of the admin port")
    parser.add_argument("--ledger", type=Path, help="file for each new thing that is asked and said (default: none)")
    return GateOptions(**vars(parser.parse_args(arguments)))


def main() -> int:
    """Serve; 1 if a file or a port cannot be used."""
    # What no line shows need not be found out for each ("Logging HOWTO", "Optimization").
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s")
    try:
        serve(options(sys.argv[1:]))
    except SetupError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
