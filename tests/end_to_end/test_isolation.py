"""What the workers run, and what they see of the machine."""

import hashlib
import zipfile
from pathlib import Path

import pytest
from vaults import ROOT, Vault

pytestmark = pytest.mark.xdist_group("end_to_end")

LAMBDAS_OWN = {
    "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_DEFAULT_REGION",
    "AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_LAMBDA_RUNTIME_API", "AWS_EXECUTION_ENV", "AWS_XRAY_CONTEXT_MISSING", "AWS_XRAY_DAEMON_ADDRESS",
    "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR", "LANG", "LD_LIBRARY_PATH", "PATH", "PYTHONPATH", "TZ", "_HANDLER",
    "_AWS_XRAY_DAEMON_ADDRESS", "_AWS_XRAY_DAEMON_PORT",
}  # fmt: skip
TWINS_OWN = {
    "AWS_ENDPOINT_URL", "AWS_EC2_METADATA_DISABLED", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE",
    "HOME", "PYTHONPYCACHEPREFIX", "PYTHONNOUSERSITE", "PYTHONUNBUFFERED",
}  # fmt: skip


def environment(pid: int) -> dict[str, str]:
    content = Path(f"/proc/{pid}/environ").read_bytes().decode()
    return dict(line.split("=", 1) for line in content.split("\0") if line)


@pytest.mark.parametrize("function", ["import", "read"])
def test_a_worker_sees_what_the_template_declares_and_nothing_of_the_machine(vault: Vault, function: str) -> None:
    pids = vault.workers(function)
    assert len(pids) >= 2
    for pid in pids:
        seen = environment(pid)
        declared = {name for name in seen if name.startswith(("TWINVAULT_", "AWS_ENDPOINT_URL_"))}
        assert seen.keys() - declared <= LAMBDAS_OWN | TWINS_OWN
        assert "realsecret" not in str(seen)
        assert "AKIAREAL" not in str(seen)
        assert seen["AWS_ENDPOINT_URL"].startswith("http://127.0.0.1:"), "anything unplanned meets a dead port"
        assert str(ROOT / "functions") not in str(seen)


def test_the_workers_run_the_very_bytes_of_the_artifact(vault: Vault) -> None:
    archive = vault.made.artifact
    assert vault.facts.artifact == hashlib.sha256(archive.read_bytes()).hexdigest()
    for pid in vault.workers("read"):
        root = Path(f"/proc/{pid}/cwd").resolve()
        assert root == (vault.twin.state.artifact / vault.facts.artifact).resolve()
    with zipfile.ZipFile(archive) as zipped:
        names = [name for name in zipped.namelist() if not name.endswith("/")]
        assert all((root / name).read_bytes() == zipped.read(name) for name in names)
        unpacked = {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}
    assert unpacked == set(names), "nothing was added either"
