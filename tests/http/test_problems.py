"""Errors as problems: each class once, nothing said that must not be, and a line in docs/errors.md for each type."""

import inspect
import json
import re
from pathlib import Path

import pytest

from twinvault import errors
from twinvault_http.problems import PREFIX, describe, problem_of, problems
from twinvault_http.telemetry import Telemetry

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
CLASSES = [one for _, one in inspect.getmembers(errors, inspect.isclass) if issubclass(one, errors.TwinvaultError)]


def make(kind: type[Exception]) -> Exception:
    if kind is errors.BrokenReceipt:
        return kind(next(iter(errors.ReceiptStep)))
    return kind(errors.ChainStep.LINK, seq=2) if kind is errors.BrokenChain else kind("the detail")


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_every_error_is_a_problem_of_its_family(kind: type[Exception]) -> None:
    status = problem_of(make(kind)).status
    if issubclass(kind, errors.DependencyError):
        assert status == 503
    elif issubclass(kind, errors.CallerError) and kind is not errors.CallerError:
        assert 400 <= status < 500
    else:
        assert status == 500


def test_every_problem_is_some_errors_and_no_two_share_a_slug() -> None:
    slugs = [problem.slug for problem in problems()]
    assert len(set(slugs)) == len(slugs)
    reached = {problem_of(make(kind)).slug for kind in [*CLASSES, ZeroDivisionError]}
    assert reached == set(slugs)


def test_every_leaf_of_the_tree_has_a_problem_of_its_own() -> None:
    # These two are an operator's and an auditor's: a caller learns of neither.
    internal = {errors.ConfigurationError, errors.BrokenChain, errors.BrokenReceipt}
    leaves = [one for one in CLASSES if not one.__subclasses__() and one not in internal]
    assert len({problem_of(make(one)).slug for one in leaves}) == len(leaves)


def test_the_page_has_a_line_for_each_type_and_no_other() -> None:
    lines = dict(re.findall(r"^\| `([a-z-]+)` \| ([0-9]{3}) \|", PAGE, re.MULTILINE))
    assert lines == {problem.slug: str(problem.status) for problem in problems()}


def test_the_trees_drawing_names_every_error() -> None:
    assert all(one.__name__ in (errors.__doc__ or "") for one in CLASSES)


def test_what_is_not_declared_is_named_in_the_log_and_to_no_caller(caplog: pytest.LogCaptureFixture) -> None:
    error = errors.Undeclared(["priority"], where=errors.Place("records", "tenant#acme#x"))
    problem, body, _ = describe(error, correlation_id="c-1")
    assert "priority" not in json.dumps(body)
    Telemetry(log_level="INFO").problem(error, slug=problem.slug, status=problem.status)
    (line,) = (vars(record) for record in caplog.records)
    assert (line["problem"], line["status"], line["names"]) == ("undeclared", 500, ["priority"])
    assert "acme" not in str(line)


def test_tampering_and_bugs_say_nothing_but_that_they_are() -> None:
    for error in (
        errors.IntegrityError(errors.Step.COMMITMENT, where=errors.Place("records", "tenant#acme#x")),
        ZeroDivisionError("secret"),
        KeyError("secret"),
    ):
        _, body, headers = describe(error, correlation_id="c-1")
        assert set(body) == {"type", "title", "status", "correlation_id", "detail"}
        assert not re.search("commitment|acme|secret", json.dumps(body))
        assert body["correlation_id"] == "c-1"
        assert headers == {}


def test_a_callers_fault_names_field_rule_and_others() -> None:
    error = errors.Unprocessable("a: is required", field="a", others=[("b", "b: is not")])
    _, body, _ = describe(error, correlation_id="c")
    assert body["type"] == f"{PREFIX}unprocessable"
    assert (body["field"], body["detail"]) == ("a", "a: is required")
    assert body["others"] == [{"field": "b", "detail": "b: is not"}]


def test_a_dependency_says_when_to_come_again() -> None:
    _, body, headers = describe(errors.KeyRefused("refused", retry_after=30), correlation_id="c")
    assert headers == {"Retry-After": "30"}
    assert body["detail"] == "refused"


def test_whoever_is_not_known_is_told_how() -> None:
    _, _, headers = describe(errors.Unauthenticated("no"), correlation_id="c")
    assert headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    ("error", "counted"),
    [
        pytest.param(ZeroDivisionError(), 1, id="a bug"),
        pytest.param(errors.Undeclared(["priority"], where=errors.Place("records", "p")), 1, id="older than the data"),
        pytest.param(errors.DependencyError("the store cannot be read now"), 1, id="denied or unreachable"),
        pytest.param(errors.KeyRefused("KMS refuses the key"), 1, id="a permission that is missing"),
        pytest.param(errors.IntegrityError(errors.Step.COMMITMENT, where=errors.Place("records", "p")), 0, id="data"),
        pytest.param(errors.Contention("what is to be read is being changed"), 0, id="a crowd"),
        pytest.param(errors.NotFound("there is none"), 0, id="the caller's"),
    ],
)
def test_what_the_code_answers_for_is_counted_by_its_version(
    error: Exception, counted: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """A gate takes a release back for it; neither a changed row nor a crowd may."""
    telemetry, problem = Telemetry(log_level="ERROR"), problem_of(error)
    telemetry.problem(error, slug=problem.slug, status=problem.status)
    for _ in range(2):  # and once
        telemetry.finish(
            route="GET /x",
            status=problem.status,
            milliseconds=1,
            function="twinvault-dev-read",
            version="7",
            request_id="r",
        )
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    found = [line for line in lines if "FailedAnswers" in line]
    assert len(found) == counted
    for line in found:
        assert (line["service"], line["version"], line["FailedAnswers"]) == ("twinvault-dev-read", "7", [1.0])
        assert line["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["service", "version"]]
