"""The library's public surface: flat, complete, and changed on purpose alone."""

import ast
from pathlib import Path

import pytest

import twinvault
import twinvault_http

ROOT = Path(__file__).parents[2]
ERRORS = {
    node.name
    for module in ("errors.py", "steps.py")
    for node in ast.parse((ROOT / "functions" / "twinvault" / module).read_text(encoding="utf-8")).body
    if isinstance(node, ast.ClassDef)
}
CONSTANTS = {
    "ABSENT",
    "Clear",
    "FLAG",
    "FORMAT",
    "HEAD",
    "ID",
    "JOBS",
    "NULLABLE",
    "NUMBER",
    "SEALED",
    "Searchable",
    "TEXT",
}
DECLARING = {"Blind", "EntitySpec", "KindSpec", "casefold_nfc", "head_spec", "item_size"}
STORING = {
    "Absent",
    "Changes",
    "Draft",
    "Idempotency",
    "Look",
    "PartitionStore",
    "Rewritten",
    "StoredRecord",
    "Scope",
    "Snapshot",
    "Written",
}
ASKING = {"FoundPage", "FoundRecord", "Hits", "Listing", "Opened", "OpenedPage", "RecordPage", "Refused"}
TYPED = {
    "Kind",
    "Moved",
    "Page",
    "Record",
    "Records",
    "TypedPartition",
    "Was",
    "Writes",
    "from_stored",
    "retired",
    "sort_key",
    "to_draft",
}
OPENING = {"Acting", "KeyRow", "TableNames", "TenantKeys", "Vault", "now", "open_vault"}
RECOVERING = {"RefusedPartition", "Recovery", "RecoveryReport", "recovery_jobs"}
KEYS = {
    *("EpochUse", "KeyEpoch", "KeyStatus", "Rekeying", "Rerooted", "RootKeyUse"),
    *("ErasureProcedure", "ErasureRequest", "ErasureRules", "ErasureState", "Hold", "Said", "Sweeping", "TenantHolds"),
    *("CopiesKept", "ErasureFacts", "Finalizing", "FinalizingWork", "KeyWorks", "Receipts", "signing_receipts"),
    *("DekUse", "DekVersionUse", "DeksDestroyed", "Reencrypt"),
}
MAINTAINING = {"Carried", "Counts", "Driver", "Job", "JobStep", "Lease", "Maintenance", "Work", "WorkState", "carry_on"}
USERS = ("functions/dialogues", "functions/service", "functions/twinvault_http", "examples")
HTTP = {
    *("ERASE_FINAL", "ERASE_HOLD", "ERASE_REQUEST", "MAINTAIN", "READ_KEYS", "REVOKE_KEYS", "ROTATE_KEYS"),
    *("About", "Answer", "AnyKind", "Api", "HttpEvent", "LONGEST_SECONDS", "Problem", "Request", "RouteFunction"),
    *("Scheduled", "ServedKind", "Service", "Settings"),
    *("asked_in", "erasure_handler", "id_from_path", "keys_handler", "maintenance_handler"),
    *("problem_of", "problems", "require_empty", "service"),
}


def test_these_names_are_public_and_no_others():
    assert (
        set(twinvault.__all__)
        == ERRORS | CONSTANTS | DECLARING | STORING | ASKING | TYPED | OPENING | KEYS | MAINTAINING | RECOVERING
    )


def test_these_names_of_http_are_public_and_no_others():
    assert set(twinvault_http.__all__) == HTTP
    for name in HTTP:
        assert name.isupper() or getattr(twinvault_http, name).__doc__, name


def test_the_service_uses_public_names_of_http_alone():
    for path in sorted((ROOT / "functions" / "service").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "twinvault_http":
                assert node.module == "twinvault_http", path
                assert {alias.name for alias in node.names} <= HTTP, path


def test_every_public_name_is_there_and_says_what_it_promises():
    for name in twinvault.__all__:
        assert hasattr(twinvault, name)
        if name not in CONSTANTS:
            assert getattr(twinvault, name).__doc__, name


@pytest.mark.parametrize("folder", USERS)
def test_whoever_builds_on_the_library_uses_public_names_alone(folder):
    """Our own service first of all: what it cannot do by these names, nobody can."""
    paths = sorted((ROOT / folder).rglob("*.py"))
    assert paths
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                assert not [alias.name for alias in node.names if alias.name.partition(".")[0] == "twinvault"], path
            elif isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "twinvault":
                assert node.module == "twinvault", path
                assert {alias.name for alias in node.names} <= set(twinvault.__all__), path
