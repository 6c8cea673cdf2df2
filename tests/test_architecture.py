"""The shape of the house: arrows, pure rooms, sizes. Read from the source, so that nothing has to be imported."""

import ast
import graphlib
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import twinvault

ROOT = Path(__file__).parent.parent
FUNCTIONS = ROOT / "functions"
CONSTRUCTS = ROOT / "constructs" / "twinvault_cdk"
LOCAL = tuple(sorted(ROOT.glob("local/*/twinvault_*")))
PACKAGES = (FUNCTIONS, *LOCAL, ROOT / "cli" / "twinvault_cli", CONSTRUCTS, ROOT / "stacks")
MOST_LINES, MOST_FUNCTION_LINES = 250, 40
MOST_LINES_AROUND, MOST_FUNCTION_LINES_AROUND = 260, 45  # what surrounds the functions
MOST_POSITIONAL = 2

OURS = {"twinvault", "twinvault_http", "dialogues", "service"}
ARROWS = {
    # Each room and the rooms that it may import; itself, twinvault.errors and what those carry are always allowed.
    "twinvault.errors": {"twinvault.causes", "twinvault.steps"},
    "twinvault.steps": set(),
    "twinvault.causes": set(),
    "twinvault.observe": set(),
    "twinvault.deadlines": set(),
    "twinvault.request_ids": set(),
    "twinvault.envelope": set(),
    "twinvault.scope": {"twinvault.envelope"},
    "twinvault.dynamodb": {"twinvault.deadlines", "twinvault.envelope", "twinvault.request_ids"},
    "twinvault.keys": {
        "twinvault.deadlines",
        "twinvault.dynamodb",
        "twinvault.envelope",
        "twinvault.observe",
        "twinvault.request_ids",
        "twinvault.scope",
    },
    "twinvault.audit": {
        "twinvault.deadlines",
        "twinvault.dynamodb",
        "twinvault.envelope",
        "twinvault.observe",
        "twinvault.scope",
    },
    "twinvault.records": {
        "twinvault.audit",
        "twinvault.dynamodb",
        "twinvault.envelope",
        "twinvault.keys",
        "twinvault.observe",
        "twinvault.scope",
    },
    "twinvault.maintenance": {
        "twinvault.audit",
        "twinvault.dynamodb",
        "twinvault.envelope",
        "twinvault.keys",
        "twinvault.records",
        "twinvault.scope",
        "twinvault.acting",
        "twinvault.vault",
    },
    "twinvault.erasure": {
        "twinvault.audit",
        "twinvault.dynamodb",
        "twinvault.envelope",
        "twinvault.keys",
        "twinvault.maintenance",
        "twinvault.observe",
        "twinvault.records",
        "twinvault.request_ids",
        "twinvault.scope",
        "twinvault.acting",
        "twinvault.vault",
    },
    "dialogues": {"twinvault"},
    "twinvault_http": {"twinvault"},
    "service": {"dialogues", "twinvault", "twinvault_http"},
}
PURE = (
    "twinvault/envelope",
    "twinvault/scope.py",
    *(
        f"twinvault/keys/{name}.py"
        for name in (
            "document",
            "holding",
            "planning",
            "last_register",
            "register",
            "rows",
            "sealed",
            "tenant",
            "tombstone",
            "wrapped",
        )
    ),
    *(f"twinvault/audit/{name}.py" for name in ("checks", "elements", "entry", "form", "parts", "signing", "verify")),
    *(f"twinvault/erasure/{name}.py" for name in ("facts", "horizon", "receipt", "receipt_form", "remains", "request")),
    "twinvault/maintenance/report.py",
    "twinvault/steps.py",
    "twinvault/maintenance/rows.py",
    "twinvault/maintenance/work.py",
    *(
        f"twinvault/records/{name}.py"
        for name in (
            "blind",
            "declaring",
            "entity",
            "fields",
            "head",
            "history",
            "mending",
            "partition",
            "record",
            "spec",
            "surveying",
        )
    ),
    *(
        f"twinvault/records/typed/{name}.py"
        for name in ("annotations", "conversion", "declaration", "record", "sortkey")
    ),
)
"""Rooms and modules that neither draw nor ask the time nor reach a network."""
RECKONS_WITH_TIMES = {"remains.py", "horizon.py", "request.py"}
"""Of these, what compares times that it is given, or adds days to one: a calendar is no clock, unless asked for now."""
LAPTOP = {
    # Each package of local/ and those that it may import. The twin starts the KMS, and imports nothing of it.
    "twinvault_durable": set(),
    "twinvault_gate": {"twinvault_iam", "twinvault_serving"},
    "twinvault_grants": {"twinvault_iam", "twinvault_lambda", "twinvault_serving"},
    "twinvault_iam": set(),
    "twinvault_serving": set(),
    "twinvault_kms": {"twinvault_durable", "twinvault_iam", "twinvault_serving"},
    "twinvault_lambda": {"twinvault_iam", "twinvault_serving"},
    "twinvault_local": {"twinvault_durable", "twinvault_lambda", "twinvault_serving"},
    "twinvault_migration": {"twinvault_durable"},
    "twinvault_testing": {"twinvault_gate", "twinvault_kms", "twinvault_local", "twinvault_serving"},
    "twinvault_verdict": {"twinvault_durable"},
}
MEETS_THE_LIBRARY = {"twinvault_migration", "twinvault_testing"}
"""Of these, what imports the library too: its public names, as any program does, and none below (docs/adr/0031)."""
TWIN = {
    # Each room of the twin, or module beside the rooms, and those that it may import.
    "errors": set(),
    "issuer": set(),
    "machine": {"errors"},
    "artifact": {"errors", "machine"},
    "provision": {"errors", "machine"},
    "state": {"errors", "machine"},
    "engines": {"errors", "machine", "state"},
    "lambda_server": {"errors", "state"},
    "status": {"engines", "errors", "machine", "state"},
    "tokens": {"errors", "issuer", "state", "status"},
    "calling": {"lambda_server", "machine", "state", "status"},
    "inner_loop": {"artifact", "errors", "lambda_server", "machine", "state", "status"},
    "doctor": {"engines", "errors", "machine", "state"},
    "sam": {"engines", "errors", "lambda_server", "machine", "state", "status", "tokens"},
    "readiness": {"artifact", "engines", "errors", "machine", "provision", "state"},
    "twin": {
        *("artifact", "engines", "errors", "inner_loop"),
        *("lambda_server", "machine", "provision", "readiness", "state", "status"),
    },
}
SHARED_NAMES = {
    # Names that two classes or types bear, and why. Whoever meets any other name may look for one thing.
    "Element": "of a dialogue and of an audit entry, as the two formats call it; the rooms do not see each other",
    "Opened": "one sealed thing, opened, and the opened records of one partition on a page of a listing",
    "Scope": "tenant, kind and partition; in serving/ what ASGI itself calls the scope of a connection",
    "Written": "when and how often a key row was written, and what a write of records did",
}
# Where what is imported has another name than what is installed.
DISTRIBUTIONS = {"elftools": "pyelftools", "jwt": "pyjwt"}
IMPURE = {"boto3", "botocore", "aws_lambda_powertools", "time", "datetime", "threading", "random", "secrets"}
ONLY_IN_ENVELOPE = {"cryptography", "twinvault"}


def modules(*folders: Path) -> list[Path]:
    return sorted(path for folder in folders for path in folder.rglob("*.py") if "__pycache__" not in path.parts)


def functions_in(tree: ast.AST) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(FUNCTIONS).with_suffix("").parts).removesuffix(".__init__")


def imported(path: Path) -> Iterator[str]:
    """The dotted names that a module imports, type-checking blocks included; `from a import b` counts as a and a.b."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            assert node.module
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def within(name: str, room: str) -> bool:
    return name == room or name.startswith(f"{room}.")


def room_of(name: str) -> str:
    rooms = [room for room in ARROWS if within(name, room)]
    return max(rooms, key=len, default="twinvault")


def by_path(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", modules(FUNCTIONS), ids=by_path)
def test_a_room_imports_only_what_its_arrows_allow(path: Path) -> None:
    room = room_of(name_of(path))
    allowed = {*ARROWS.get(room, set()), room, "twinvault.errors", "twinvault.causes"}
    for name in imported(path):
        if name.partition(".")[0] in OURS and name not in OURS:
            assert any(within(name, one) for one in allowed), f"{room} may not import {name}"


def test_adapters_are_known_to_the_composition_root_alone() -> None:
    adapters = {
        "twinvault.keys.kms.AwsKms",
        "twinvault.keys.signer.AwsSigner",
        "twinvault.dynamodb.transaction.Transactor",
    }
    for path in modules(FUNCTIONS):
        # The adapters of the room share its transactor.
        if path.parent.name != "dynamodb" and path.name != "compose.py":
            assert not adapters & set(imported(path)), path


@pytest.mark.parametrize(
    "path", [p for p in modules(FUNCTIONS) if any(str(p).find(one) > 0 for one in PURE)], ids=by_path
)
def test_a_pure_room_has_no_clock_no_network_and_no_environment(path: Path) -> None:
    reckons = path.name in RECKONS_WITH_TIMES
    for name in imported(path):
        assert name.partition(".")[0] not in IMPURE - ({"datetime"} if reckons else set()), name
    assert not reckons or not re.search(r"\b(?:now|utcnow|today)\(", path.read_text(encoding="utf-8"))
    assert not re.search(r"\benviron\b", path.read_text(encoding="utf-8"))


def test_envelope_stands_on_the_standard_library_and_cryptography_alone() -> None:
    for path in modules(FUNCTIONS / "twinvault" / "envelope"):
        for name in imported(path):
            top = name.partition(".")[0]
            assert top in ONLY_IN_ENVELOPE or top in sys.stdlib_module_names, name


def test_cryptography_is_used_in_the_envelope_and_for_chains_signatures_alone() -> None:
    """Tokens are PyJWT's business; everything else that is sealed or opened goes through the one primitive."""
    for path in modules(FUNCTIONS):
        if "envelope" not in path.parts and path != FUNCTIONS / "twinvault" / "audit" / "signing.py":
            assert not any(within(name, "cryptography") for name in imported(path)), path


def test_the_library_knows_neither_powertools_nor_pydantic_nor_tokens() -> None:
    for path in modules(FUNCTIONS / "twinvault"):
        tops = {name.partition(".")[0] for name in imported(path)}
        assert not tops & {"aws_lambda_powertools", "pydantic", "jwt", "dialogues", "service", "twinvault_http"}, path


def test_neither_the_library_nor_http_has_a_word_of_their_first_user() -> None:
    for path in modules(FUNCTIONS / "twinvault", FUNCTIONS / "twinvault_http"):
        assert "dialogue" not in path.read_text(encoding="utf-8").lower(), path


def test_the_environment_is_read_in_settings_alone() -> None:
    for path in modules(FUNCTIONS):
        if path != FUNCTIONS / "twinvault_http" / "settings.py":
            text = path.read_text(encoding="utf-8")
            assert not re.search(r"\benviron\b|\bgetenv\b|\bputenv\b", text), path


def test_functions_name_no_endpoint_no_stage_and_no_place() -> None:
    forbidden = re.compile(
        r"endpoint_url|localhost|127\.0\.0\.1|amazonaws\.com|[\"']https?://|AWS_ENDPOINT|\bis_local\b|"
        r"[\"'](?:dev|prod|local|production|staging)[\"']"
    )
    for path in modules(FUNCTIONS):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            assert not forbidden.search(line), f"{path}:{number}"


def test_one_module_issues_transactions() -> None:
    for path in modules(FUNCTIONS):
        text = path.read_text(encoding="utf-8")
        if path != FUNCTIONS / "twinvault" / "dynamodb" / "transaction.py":
            assert not re.search(r"execute_transaction|transact_write|execute_statement|batch_write", text), path


def test_nothing_in_functions_writes_items_by_another_way() -> None:
    """PutItem overwrites and DeleteItem erases; a PartiQL INSERT can do neither."""
    for path in modules(FUNCTIONS):
        assert not re.search(r"\b(?:put|delete|update)_item\b", path.read_text(encoding="utf-8")), path


def test_statements_are_never_formatted_with_values() -> None:
    """A statement is made in two functions, from table and attribute names; values are bound."""
    for path in modules(FUNCTIONS):
        found = re.findall(r"(?:INSERT INTO|UPDATE|DELETE FROM|SELECT) \"", path.read_text(encoding="utf-8"))
        assert not found or path.name == "transaction.py", path


def test_a_step_is_spelled_out_in_one_module_alone() -> None:
    """Everything else names the member: what reads a text breaks when the text is said better."""
    errors = FUNCTIONS / "twinvault" / "steps.py"
    step = next(node for node in ast.parse(errors.read_text()).body if getattr(node, "name", "") == "Step")
    texts = {node.value for node in ast.walk(step) if isinstance(node, ast.Constant)} - {ast.get_docstring(step)}
    assert len(texts) > 10
    for path in modules(FUNCTIONS):
        if path != errors:
            assert not [
                node.value
                for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
                if isinstance(node, ast.Constant) and node.value in texts
            ], path


def test_nothing_is_printed_or_pickled() -> None:
    for path in modules(FUNCTIONS):
        calls = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
        assert not [call for call in calls if isinstance(call.func, ast.Name) and call.func.id in {"print", "eval"}], (
            path
        )
        assert not any(within(name, "pickle") for name in imported(path)), path


@pytest.mark.parametrize("folder", PACKAGES[1:], ids=by_path)
def test_what_surrounds_the_functions_never_imports_them(folder: Path) -> None:
    public = {"twinvault", *(f"twinvault.{name}" for name in twinvault.__all__)}
    for path in modules(folder):
        ours = {name for name in imported(path) if name.partition(".")[0] in OURS}
        assert not ours - (public if folder.name in MEETS_THE_LIBRARY else set()), path


def test_only_the_command_knows_the_twin() -> None:
    for path in modules(FUNCTIONS, CONSTRUCTS, ROOT / "stacks"):
        assert not {name.partition(".")[0] for name in imported(path)} & {"twinvault_cli", "twinvault_local"}, path
    for path in modules(*LOCAL):
        assert not any(within(name, "twinvault_cli") for name in imported(path)), path


@pytest.mark.parametrize("path", modules(*LOCAL), ids=by_path)
def test_a_package_of_the_laptop_imports_only_what_its_arrows_allow(path: Path) -> None:
    package = path.relative_to(ROOT).parts[2]
    for name in imported(path):
        top = name.partition(".")[0]
        if top.startswith("twinvault_"):
            assert top in {*LAPTOP[package], package}, f"{package} may not import {name}"


@pytest.mark.parametrize("path", modules(ROOT / "local" / "twin"), ids=by_path)
def test_a_room_of_the_twin_imports_only_what_its_arrows_allow(path: Path) -> None:
    room = Path(*path.relative_to(ROOT).parts[3:]).with_suffix("").parts[0]
    for name in imported(path):
        match name.split("."):
            case ["twinvault_local", other, *_]:
                assert other in {*TWIN[room], room}, f"{room} may not import {name}"


@pytest.mark.parametrize("arrows", [pytest.param(LAPTOP, id="packages"), pytest.param(TWIN, id="rooms of the twin")])
def test_no_arrow_leads_back(arrows: dict[str, set[str]]) -> None:
    assert set(graphlib.TopologicalSorter(arrows).static_order()) == set(arrows)


@pytest.mark.parametrize("package", [*LOCAL, ROOT / "cli" / "twinvault_cli"], ids=by_path)
def test_a_package_declares_what_it_imports_and_bounds_none_of_it_from_above(package: Path) -> None:
    project = tomllib.loads((package.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = {re.split(r"[<>=!~ \[;]", one)[0].lower().replace("_", "-") for one in project["dependencies"]}
    tops = {name.partition(".")[0] for path in modules(package) for name in imported(path)}
    others = {top for top in tops - sys.stdlib_module_names - {package.name} if not top.startswith("mypy_boto3_")}
    assert {DISTRIBUTIONS.get(top, top).replace("_", "-") for top in others} <= declared
    assert not any(bound in one for one in project["dependencies"] for bound in "<=~")


def test_the_map_names_every_package_and_every_room() -> None:
    page = (ROOT / "docs" / "design.md").read_text(encoding="utf-8")
    places = [f"| `{package.parent.name}/{package.name}` |" for package in LOCAL]
    twin = ROOT / "local" / "twin" / "twinvault_local"
    places += [f"| `{room.parent.name}/` |" for room in twin.glob("*/__init__.py")]
    assert not [place for place in places if place not in page]
    assert {package.name for package in LOCAL} == set(LAPTOP)


def test_policies_are_evaluated_without_a_clock_a_network_or_anything_else() -> None:
    for path in modules(ROOT / "local" / "iam"):
        tops = {name.partition(".")[0] for name in imported(path)} - {"twinvault_iam"}
        assert tops <= sys.stdlib_module_names - IMPURE - {"os", "pathlib", "socket", "subprocess"}, path


def test_a_verdict_is_judged_without_a_clock_a_network_or_a_file() -> None:
    package = ROOT / "local" / "verdict" / "twinvault_verdict"
    pure = [*package.glob("checks/*.py"), *(package / f"{name}.py" for name in ("committed", "judging", "stages"))]
    assert len(pure) > 8
    for path in pure:
        tops = {name.partition(".")[0] for name in imported(path)} - {"twinvault_verdict", "datetime"}
        assert tops <= sys.stdlib_module_names - IMPURE - {"os", "pathlib", "socket", "subprocess"}, path
        assert not re.search(r"\.now\(|\bopen\(", path.read_text(encoding="utf-8")), path


def test_routes_are_routes_of_http() -> None:
    assert [path.parts[-2:] for path in modules(*PACKAGES) if path.stem in {"route", "routes"}] == [
        ("twinvault_lambda", "routes.py")
    ]


def test_a_name_means_one_thing() -> None:
    found: dict[str, list[str]] = {}
    for path in modules(FUNCTIONS, *LOCAL, ROOT / "cli"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            name = node.name if isinstance(node, ast.ClassDef) else getattr(getattr(node, "name", None), "id", "")
            if isinstance(node, ast.ClassDef | ast.TypeAlias):
                found.setdefault(name, []).append(by_path(path))
    shared = {name: paths for name, paths in found.items() if len(paths) > 1}
    assert {name: paths for name, paths in shared.items() if name not in SHARED_NAMES} == {}
    assert not SHARED_NAMES.keys() - shared.keys(), "no longer shared, so no longer to be excused"


def test_handlers_are_thin() -> None:
    for path in modules(FUNCTIONS / "service" / "handlers"):
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 60, path


@pytest.mark.parametrize("path", modules(*PACKAGES, ROOT / "benchmarks"), ids=by_path)
def test_modules_and_functions_are_short_and_say_what_they_are(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    assert ast.get_docstring(tree), "a module without a docstring"
    inside = path.is_relative_to(FUNCTIONS)
    assert len(text.splitlines()) <= (MOST_LINES if inside else MOST_LINES_AROUND)
    for function in functions_in(tree):
        assert function.end_lineno is not None
        lines = function.end_lineno - function.lineno + 1
        assert lines <= (MOST_FUNCTION_LINES if inside else MOST_FUNCTION_LINES_AROUND), f"{function.name} is long"


@pytest.mark.parametrize("path", modules(FUNCTIONS), ids=by_path)
def test_what_a_function_takes_beyond_two_things_is_named(path: Path) -> None:
    for function in functions_in(ast.parse(path.read_text(encoding="utf-8"))):
        taken = [one.arg for one in (*function.args.posonlyargs, *function.args.args)]
        assert len([name for name in taken if name not in {"self", "cls"}]) <= MOST_POSITIONAL, function.name


def test_every_folder_of_code_is_a_package_with_a_docstring() -> None:
    for root in PACKAGES:
        for folder in {path.parent for path in modules(root)} - {FUNCTIONS}:
            package = folder / "__init__.py"
            assert package.exists(), folder
            assert ast.get_docstring(ast.parse(package.read_text(encoding="utf-8"))), package


def test_no_module_is_named_for_nothing() -> None:
    names = {"utils", "util", "helpers", "helper", "common", "misc"}
    assert not [path for path in modules(*PACKAGES) if path.stem in names]
