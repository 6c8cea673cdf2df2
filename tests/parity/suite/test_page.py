"""The pages say what the suite does: each difference that it names is there, each call is allowed, nothing more is."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from tests.parity.attempts import NOT_APPENDING
from tests.parity.evidence import HERE, ROOT
from tests.parity.stages import SESSION, TOKENS
from tests.parity.target import Expectations

pytestmark = pytest.mark.xdist_group("parity")

PAGE = (ROOT / "docs" / "parity.md").read_text(encoding="utf-8")
DIFFERENCES = (ROOT / "docs" / "differences.md").read_text(encoding="utf-8")
SERVICES = ("dynamodb", "dynamodbstreams", "kms")
AT_FIRST = {"stages.py": ("cloudformation", "lambda", "sts")}  # what tells of a stage
# What IAM calls the operations that are no actions of their own, as far as the suite uses them.
MEANT = {
    "dynamodb:ExecuteStatement": {"dynamodb:PartiQLInsert"},
    "dynamodb:ExecuteTransaction": {f"dynamodb:PartiQL{verb}" for verb in ("Delete", "Insert", "Select", "Update")},
    "dynamodb:TransactWriteItems": {"dynamodb:PutItem", "dynamodb:ConditionCheckItem"},
    "kms:CreateKey": {"kms:CreateKey", "kms:TagResource"},
}
# Their calls are the functions', with the functions' own credentials; what they ask as the caller, others ask too.
BY_FUNCTIONS = {"attempts.py", "test_denied.py"}
ALSO_IN_DENIED = {"kms:Encrypt", "kms:GetKeyPolicy", *(f"dynamodb:{name}" for name in NOT_APPENDING)}


def modules() -> Iterator[tuple[Path, ast.Module]]:
    for path in sorted(HERE.glob("*.py")):
        yield path, ast.parse(path.read_text(encoding="utf-8"))


def lines() -> set[str]:
    """Every line of docs/differences.md that a check may name: the constants that are a test's name."""
    texts = {
        node.value
        for _, tree in modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    whole = {text for text in texts if text.startswith("tests/differences/") and text.rpartition("::")[2]}
    ends = {text for text in texts if re.fullmatch(r"test_\w+", text)}
    prefixes = {text for text in texts if text.startswith("tests/differences/") and text.endswith("::")}
    return whole | {f"{prefix}{end}" for prefix in prefixes for end in ends}


def test_every_difference_that_a_check_names_is_a_line_of_the_page() -> None:
    found = lines()
    assert len(found) >= 5
    assert sorted(line for line in found if f"`{line}`" not in DIFFERENCES) == []


def test_a_difference_is_expected_on_the_target_that_has_it() -> None:
    twin, aws = Expectations("twin"), Expectations("aws")
    assert twin.either(aws=1, twin=2, line="a line") == 2
    assert aws.either(aws=1, twin=2, line="a line") == 1
    assert twin.lines == aws.lines == ["a line"]


def called() -> set[str]:
    """The actions of IAM that the suite's caller needs, read from its source."""
    found = set(ALSO_IN_DENIED)
    for path, tree in modules():
        if path.name not in BY_FUNCTIONS:
            calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
            named = {call.func.attr: call for call in calls if isinstance(call.func, ast.Attribute)}
            names = {
                *named,
                *(ast.literal_eval(call.args[0]) for name, call in named.items() if name == "get_paginator"),
            }
            for service in AT_FIRST.get(path.name, SERVICES):
                found |= _actions(service, names)
    return found


def _actions(service: str, names: set[str]) -> set[str]:
    mapping = boto3.client(service, region_name="eu-central-1").meta.method_to_api_mapping
    prefix = "dynamodb" if service == "dynamodbstreams" else service
    operations = {f"{prefix}:{mapping[name]}" for name in names if name in mapping}
    return set().union(*(MEANT.get(operation, {operation}) for operation in operations))


def test_the_policy_of_the_page_allows_what_the_suite_calls_and_nothing_else() -> None:
    (block,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    allowed = set()
    for statement in json.loads(block)["Statement"]:
        actions = statement["Action"]
        allowed |= {actions} if isinstance(actions, str) else set(actions)
    assert allowed == called()


def test_the_page_names_each_file_of_checks_the_tokens_and_the_session() -> None:
    assert {path.name for path in HERE.glob("test_*.py")} == set(
        re.findall(r"^\| `(test_\w+\.py)` \|", PAGE, re.MULTILINE)
    )
    assert all(name in PAGE for name in (*TOKENS.values(), SESSION))


@pytest.mark.parametrize("name", [path.name for path in sorted(HERE.glob("*.py")) if path.name != "twins.py"])
def test_nothing_but_one_module_knows_the_twin_and_that_is_imported_where_it_is_used(name: str) -> None:
    tree = ast.parse((HERE / name).read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        imported = [node.module] if isinstance(node, ast.ImportFrom) else []
        imported += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        assert not any(
            str(one).startswith(("twinvault", "dialogues", "service", "vaults", "stacks")) for one in imported
        )
    top = {node.module for node in tree.body if isinstance(node, ast.ImportFrom)}
    assert "tests.parity.twins" not in top
