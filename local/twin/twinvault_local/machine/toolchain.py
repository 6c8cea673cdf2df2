"""The programs that the twin finds on this machine, and what to type where one is missing."""

import hashlib
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from twinvault_local.errors import FetchError, ToolMissingError
from twinvault_local.machine import locks
from twinvault_local.machine.system import LINUX, MAC, Machine

JAVA_AT_LEAST = (
    17  # DynamoDB Local 3.x, https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/DynamoDBLocal.html
)
RUNTIME_PYTHON = "3.13"  # the Lambda runtime that cdk.json pins
NODE_AT_LEAST = 20
LAMBDA_LOCK = Path(__file__).with_name("lambda.txt")
_JAVA, _MAVEN, _NODE = "a Java runtime of version 17 or later", "Maven", "Node.js 20 or later"
# Where a Mac gets them is its owner's choice; this is what each project itself offers.
_SOURCES = {
    (LINUX, _JAVA): "Debian: apt-get install openjdk-17-jre-headless",
    (LINUX, _MAVEN): "Debian: apt-get install maven",
    (MAC, _JAVA): "https://adoptium.net/; the /usr/bin/java of macOS only says that there is none",
    (MAC, _MAVEN): "unpack https://maven.apache.org/download.cgi and put its bin on PATH",
}
_NODES_OWN = "https://nodejs.org/"


def _install(what: str, machine: Machine | None, *, why: str = "") -> str:
    source = _SOURCES.get(((machine or Machine.here()).system, what), _NODES_OWN if what == _NODE else "")
    return f"Install {what}{f' ({source})' if source else ''}{why and f': {why}'}."


def find_java(machine: Machine | None = None) -> Path:
    """The `java` on PATH.

    Raises:
        ToolMissingError: there is none, or it is older than 17.
    """
    java = shutil.which("java")
    if java is None:
        raise ToolMissingError("There is no `java` on PATH.", next_step=_install(_JAVA, machine))
    answer = subprocess.run([java, "-version"], capture_output=True, text=True, check=False)
    found = re.search(r'version "(\d+)', answer.stderr)
    if found is None or int(found[1]) < JAVA_AT_LEAST:
        what = f"is version {found[1]}" if found else "does not say its version"
        raise ToolMissingError(
            f"{java} {what}; DynamoDB Local needs {JAVA_AT_LEAST}.", next_step=_install(_JAVA, machine)
        )
    return Path(java)


def find_maven(machine: Machine | None = None) -> Path:
    """The `mvn` on PATH.

    Raises:
        ToolMissingError: there is none.
    """
    maven = shutil.which("mvn")
    if maven is None:
        raise ToolMissingError(
            "There is no `mvn` on PATH.", next_step=_install(_MAVEN, machine, why="it fetches DynamoDB Local")
        )
    return Path(maven)


def find_node(machine: Machine | None = None) -> Path:
    """The `node` on PATH: the CDK runs on it.

    Raises:
        ToolMissingError: there is none, or it is older than 20.
    """
    install = _install(_NODE, machine, why="the CDK runs on it")
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
        ToolMissingError: this is not exactly the Python of the Lambda runtime.
    """
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
