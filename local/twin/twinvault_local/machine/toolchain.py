"""The programs that the twin finds on this machine, and what to type where one is missing."""

import hashlib
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from twinvault_local.errors import FetchError, ToolMissingError
from twinvault_local.machine import locks

JAVA_AT_LEAST = (
    17  # DynamoDB Local 3.x, https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/DynamoDBLocal.html
)
RUNTIME_PYTHON = "3.13"  # the Lambda runtime that cdk.json pins
NODE_AT_LEAST = 20
LAMBDA_LOCK = Path(__file__).with_name("lambda.txt")
_INSTALL_JAVA = "Install a Java runtime of version 17 or later (Debian: apt-get install openjdk-17-jre-headless)."
_INSTALL_MAVEN = "Install Maven (Debian: apt-get install maven): it fetches DynamoDB Local."


def find_java() -> Path:
    """The `java` on PATH.

    Raises:
        ToolMissingError: there is none, or it is older than 17.
    """
    java = shutil.which("java")
    if java is None:
        raise ToolMissingError("There is no `java` on PATH.", next_step=_INSTALL_JAVA)
    answer = subprocess.run([java, "-version"], capture_output=True, text=True, check=False)
    found = re.search(r'version "(\d+)', answer.stderr)
    if found is None or int(found[1]) < JAVA_AT_LEAST:
        what = f"is version {found[1]}" if found else "does not say its version"
        raise ToolMissingError(f"{java} {what}; DynamoDB Local needs {JAVA_AT_LEAST}.", next_step=_INSTALL_JAVA)
    return Path(java)


def find_maven() -> Path:
    """The `mvn` on PATH.

    Raises:
        ToolMissingError: there is none.
    """
    maven = shutil.which("mvn")
    if maven is None:
        raise ToolMissingError("There is no `mvn` on PATH.", next_step=_INSTALL_MAVEN)
    return Path(maven)


def find_node() -> Path:
    """The `node` on PATH: the CDK runs on it.

    Raises:
        ToolMissingError: there is none, or it is older than 20.
    """
    install = "Install Node.js 20 or later: the CDK runs on it (https://nodejs.org/)."
    node = shutil.which("node")
    if node is None:
        raise ToolMissingError("There is no `node` on PATH.", next_step=install)
    answer = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout.strip()
    found = re.match(r"v(\d+)", answer)
    if found is None or int(found[1]) < NODE_AT_LEAST:
        raise ToolMissingError(f"{node} is {answer or 'of no known version'}; 20 is needed.", next_step=install)
    return Path(node)


def base_python() -> Path:
    """The interpreter beneath this virtual environment: the workers run on it, with none of the environment's packages.

    Raises:
        ToolMissingError: this is not Linux on x86_64 with exactly the Python of the Lambda runtime.
    """
    system, machine = platform.system(), platform.machine()
    if (system, machine) != ("Linux", "x86_64"):
        raise ToolMissingError(
            f"This is {system} on {machine}; the artifact runs on Linux on x86_64, as in Lambda.",
            next_step="Run twinvault in a Linux machine or container on x86_64.",
        )
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    python = Path(sys.base_prefix, "bin", f"python{RUNTIME_PYTHON}")
    if version != RUNTIME_PYTHON or not python.exists():
        raise ToolMissingError(
            f"This is Python {version}; the Lambda runtime is Python {RUNTIME_PYTHON}.",
            next_step="Make the environment anew: rm -r .venv && make setup",
        )
    return python


def ensure_lambda_runtime(cache: Path, python: Path) -> Path:
    """The folder under `cache` with what Lambda's own image provides (lambda.txt beside this module), for `python`.

    Whoever sees the folder sees all of it.

    Raises:
        FetchError: it could not be installed.
    """
    lock = LAMBDA_LOCK.read_bytes()
    target = cache / "lambda-runtime" / f"{hashlib.sha256(lock).hexdigest()[:12]}-compiled"
    with locks.held(cache / "lambda-runtime.lock", wait=True):
        if target.exists():
            return target
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix="installing-") as folder:
            partial = Path(folder, "packages")
            # --system-certs: behind a company's proxy no others will do. Compiled, for workers compile nothing to keep.
            options = ("--quiet", "--system-certs", "--require-hashes", "--no-deps", "--only-binary", ":all:")
            where = ("--python", str(python), "--target", str(partial), "--requirements", str(LAMBDA_LOCK))
            command = [
                sys.executable,
                "-m",
                "uv",
                "pip",
                "install",
                "--link-mode",
                "copy",
                "--compile-bytecode",
                *options,
                *where,
            ]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                raise FetchError(
                    f"The Lambda runtime client could not be installed:\n{done.stderr.strip()}",
                    next_step="Check the network and the package index, then type the command again.",
                )
            partial.rename(target)
    return target
