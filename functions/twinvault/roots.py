"""The root keys that wrap something of any tenant's: `python -m twinvault.roots`, by whoever may read the keys table.

Prints one JSON object. Ends with 4 if the table cannot be read.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict

import boto3

from twinvault.dynamodb.table import Table
from twinvault.errors import DependencyError
from twinvault.keys.roots import roots_in_use

OK, UNAVAILABLE = 0, 4


def main(arguments: Sequence[str]) -> int:
    """Reads the table; returns how the process is to end."""
    parser = argparse.ArgumentParser(prog="twinvault.roots")
    parser.add_argument("--keys", required=True, help="the table of keys")
    asked = parser.parse_args(arguments)
    table = Table(boto3.client("dynamodb"), asked.keys, sleep=time.sleep)
    try:
        found = roots_in_use(table)
    except DependencyError as error:
        sys.stderr.write(f"{error.message} ({error.cause.code if error.cause else type(error).__name__})\n")
        return UNAVAILABLE
    sys.stdout.write(json.dumps(asdict(found)) + "\n")
    return OK


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
