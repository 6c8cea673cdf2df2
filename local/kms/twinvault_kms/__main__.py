"""`python -m twinvault_kms`: the local KMS in the foreground."""

import argparse
import logging
import sys
from pathlib import Path

from twinvault_kms.errors import LocalKmsError
from twinvault_kms.process import Options, serve
from twinvault_serving.callers import DEFAULT_ACCOUNT


def options(arguments: list[str]) -> Options:
    """Return the options that the command line gives."""
    parser = argparse.ArgumentParser(
        prog="python -m twinvault_kms", description="A local KMS that refuses what AWS KMS refuses."
    )
    parser.add_argument("--port", type=int, required=True, help="port of the API")
    parser.add_argument("--data", type=Path, required=True, help="folder of the store, made if missing")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--seed-file", type=Path, help="64 hex digits, mode 0600 (default: DATA/seed, made if missing)")
    parser.add_argument("--callers", type=Path, help="JSON map of access key ids to principals' ARNs and secrets")
    parser.add_argument("--account", default=DEFAULT_ACCOUNT, help="everyone's account where no --callers are given")
    parser.add_argument("--admin-port", type=int, help="port for clock and faults, on 127.0.0.1 (default: none)")
    parser.add_argument("--policies", type=Path, help="JSON with everyone's identity policies (default: none is known)")
    parser.add_argument("--keys", type=Path, help="JSON with keys that are there from the start (default: none)")
    parser.add_argument("--ledger", type=Path, help="file for each new thing that is asked and said (default: none)")
    parser.add_argument("--tls-cert", type=Path, help="PEM file with a certificate and its chain: TLS is spoken")
    parser.add_argument("--tls-key", type=Path, help="PEM file with the certificate's key")
    parser.add_argument(
        "--tls-self-signed", type=Path, help="speak TLS with a made-up certificate; clients trust what is in this file"
    )
    return Options(**vars(parser.parse_args(arguments)))


def main() -> int:
    """Serve; 1 if the store cannot be used."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s")
    try:
        serve(options(sys.argv[1:]))
    except LocalKmsError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
