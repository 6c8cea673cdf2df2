"""Errors as RFC 9457 problem+json, mapped in one table. docs/errors.md has a line for each type."""

from dataclasses import dataclass
from typing import Any

from twinvault import (
    CallerError,
    Conflict,
    Contention,
    DependencyError,
    Forbidden,
    Incomplete,
    IntegrityError,
    InvalidInput,
    KeyRefused,
    NotFound,
    OutcomeUnknown,
    TooLarge,
    Unauthenticated,
    Undeclared,
    Unprocessable,
)

PREFIX = "urn:twinvault:problem:"


@dataclass(frozen=True, slots=True)
class Problem:
    """What callers see of one kind of error."""

    slug: str
    status: int
    title: str


# From the special to the general: the first class that an error is an instance of decides.
_TABLE: tuple[tuple[type[Exception], Problem], ...] = (
    (InvalidInput, Problem("invalid-input", 400, "The request is malformed")),
    (Unauthenticated, Problem("unauthenticated", 401, "A valid bearer token is needed")),
    (Forbidden, Problem("forbidden", 403, "The token does not allow this")),
    (NotFound, Problem("not-found", 404, "Not found")),
    (Incomplete, Problem("incomplete", 409, "An import has not been completed")),
    (Conflict, Problem("conflict", 409, "What exists says otherwise")),
    (TooLarge, Problem("too-large", 413, "Over a limit")),
    (Unprocessable, Problem("unprocessable", 422, "A rule of the layout is broken")),
    (IntegrityError, Problem("integrity", 500, "The stored data failed an integrity check")),
    (Undeclared, Problem("undeclared", 500, "The stored data is of a newer release")),
    (OutcomeUnknown, Problem("outcome-unknown", 503, "The outcome of the write is unknown")),
    (Contention, Problem("contention", 503, "The data keeps changing")),
    (KeyRefused, Problem("key-refused", 503, "The key service refuses a key")),
    (DependencyError, Problem("unavailable", 503, "Something this service needs is unavailable")),
    (Exception, Problem("internal", 500, "Something went wrong here")),
)


def problems() -> tuple[Problem, ...]:
    """All of them, in the order of the table."""
    return tuple(problem for _, problem in _TABLE)


def problem_of(error: Exception) -> Problem:
    """The problem that an error is."""
    return next(problem for kind, problem in _TABLE if isinstance(error, kind))


def describe(error: Exception, *, correlation_id: str) -> tuple[Problem, dict[str, Any], dict[str, str]]:
    """Returns the problem of an error, its body and its headers.

    Tampering and bugs say nothing but that they are, with an id under which the audit log and the logs say more.
    """
    problem = problem_of(error)
    body: dict[str, Any] = {
        "type": PREFIX + problem.slug,
        "title": problem.title,
        "status": problem.status,
        "correlation_id": correlation_id,
    }
    headers: dict[str, str] = {}
    match error:
        case CallerError():
            body["detail"] = error.message
            if error.field:
                body["field"] = error.field
            if error.others:
                body["others"] = [{"field": field, "detail": message} for field, message in error.others]
        case DependencyError():
            body["detail"] = error.message
            headers["Retry-After"] = str(error.retry_after)
        case _:
            body["detail"] = "see the audit log under this correlation id"
    if isinstance(error, Unauthenticated):
        headers["WWW-Authenticate"] = 'Bearer realm="twinvault"'
    return problem, body, headers
