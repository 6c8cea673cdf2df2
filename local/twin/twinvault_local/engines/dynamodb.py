"""DynamoDB Local as a plain process: fetched by Maven, verified file by file, asked by a real call.

It binds to every interface and offers no choice (docs/differences.md). Source of the flags:
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/DynamoDBLocal.UsageNotes.html
"""

import hashlib
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import httpx

from twinvault_local.errors import FetchError, ToolMissingError
from twinvault_local.machine import locks, toolchain
from twinvault_local.machine.progress import Progress
from twinvault_local.machine.system import Machine

VERSION = "3.3.1"
NAMESPACE = "TWINVAULT"
"""The access key id whose database holds a twin's tables: without -sharedDb each has one of its own, in each region."""
MAIN_CLASS = "software.amazon.dynamodb.services.local.main.ServerRunner"
_HERE = Path(__file__).parent
_POM = _HERE / "pom.xml"
MANIFEST = _HERE / "jars.sha256"
_NATIVE = re.compile(r"(?P<name>(lib)?sqlite4java-\w+(-\w+)?)-[\d.]+\.(?P<ending>so|dylib|dll)")
_FETCH_SECONDS = 600
_TAIL_LINES = 5


def ensure(cache: Path, *, progress: Progress) -> Path:
    """The folder under `cache` that holds the complete engine, fetched by Maven where it is missing or damaged.

    Whoever sees the folder sees all of it: it is fetched beside its place and renamed. Each file's digest is compared
    with the committed list every time, so that a cache damaged later is noticed too.

    Raises:
        ToolMissingError: there is no Maven and the engine must be fetched.
        FetchError: Maven failed, or what came is not what the list names.
    """
    engine = _place(cache)
    with locks.held(cache / "dynamodb-local.lock", wait=True):
        if not _complete(engine):
            shutil.rmtree(engine, ignore_errors=True)
            progress(f"fetching DynamoDB Local {VERSION} (50 MB, once)")
            _fetch(engine)
    return engine


def refuse_other_processors(machine: Machine) -> None:
    """Raise ToolMissingError where the engine's native library, SQLite's, has no code for this machine's processor."""
    if machine.architecture != "x86_64":
        raise ToolMissingError(
            f"DynamoDB Local {VERSION} runs as a plain process on x86_64 alone, and this is {machine}.",
            next_step="Let it run in Docker, whose image has what it needs: twinvault up --launcher docker",
        )


def is_fetched(cache: Path) -> bool:
    """Whether the complete engine lies under `cache`."""
    return _complete(_place(cache))


def _place(cache: Path) -> Path:
    digest = hashlib.sha256(_POM.read_bytes() + MANIFEST.read_bytes()).hexdigest()[:12]
    return cache / f"dynamodb-local-{VERSION}-{digest}"


def command(java: Path, engine: Path, *, port: int, data: Path | None) -> list[str]:
    """The command line that serves on `port`, in memory or, durably, in the folder `data`, which must exist."""
    return [
        str(java),
        "-Xmx512m",
        "-XX:+UseSerialGC",  # a small heap on a laptop's few cores: the parallel collectors only cost start-up time
        "-XX:TieredStopAtLevel=1",  # the quick compiler alone: half the CPU until the first answer, a third less time
        f"-Djava.library.path={engine}",
        *("-cp", f"{engine}/*", MAIN_CLASS),
        *("-port", str(port)),
        "-disableTelemetry",
        *(("-inMemory",) if data is None else ("-dbPath", str(data))),
    ]


def answers(endpoint: str) -> bool:
    """Whether DynamoDB answers at `endpoint`: one ListTables (the engine checks no signature)."""
    headers = {
        "X-Amz-Target": "DynamoDB_20120810.ListTables",
        "Content-Type": "application/x-amz-json-1.0",
        "Authorization": "AWS4-HMAC-SHA256 Credential=health/20200101/local/dynamodb/aws4_request, "
        "SignedHeaders=host, Signature=0",
    }
    try:
        answer = httpx.post(endpoint, headers=headers, content=b"{}", timeout=5, trust_env=False)
        return answer.status_code == httpx.codes.OK and "TableNames" in answer.json()
    except (httpx.HTTPError, ValueError):
        return False


def _complete(folder: Path) -> bool:
    """Whether `folder` holds every listed file, each with its listed digest, and the native library's plain name."""
    listed = (line.split() for line in MANIFEST.read_text(encoding="utf-8").splitlines())
    return (folder / "libsqlite4java-linux-amd64.so").is_file() and all(
        (folder / name).is_file() and hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
        for digest, name in listed
    )


def _fetch(engine: Path) -> None:
    with tempfile.TemporaryDirectory(dir=engine.parent, prefix="fetching-") as folder:
        partial = Path(folder) / "engine"
        # --strict-checksums: Maven's default lets a damaged download pass with a warning.
        maven = [str(toolchain.find_maven()), "--batch-mode", "--quiet", "--strict-checksums", "--file", str(_POM)]
        goal = ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={partial}"]
        again = "Check the network and Maven's settings, then type the command again."
        try:
            done = subprocess.run(
                maven + goal, capture_output=True, text=True, timeout=_FETCH_SECONDS, check=False, cwd=folder
            )
        except subprocess.TimeoutExpired:
            raise FetchError(f"Maven did not end within {_FETCH_SECONDS} s.", next_step=again) from None
        if done.returncode != 0:
            tail = "\n".join((done.stdout + done.stderr).strip().splitlines()[:_TAIL_LINES])
            raise FetchError(f"Maven could not fetch DynamoDB Local {VERSION}:\n{tail}", next_step=again)
        partial.mkdir(exist_ok=True)
        for file in partial.iterdir():
            if native := _NATIVE.fullmatch(file.name):
                # The loader looks for the name without the version.
                shutil.copyfile(file, partial / f"{native['name']}.{native['ending']}")
        if not _complete(partial):
            raise FetchError(f"What Maven fetched is not what {MANIFEST.name} lists.", next_step=again)
        partial.rename(engine)
