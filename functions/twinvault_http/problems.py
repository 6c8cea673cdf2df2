"""Errors as RFC 9457 problem+json, mapped in one table. docs/errors.md has a line for each type."""

from dataclasses import dataclass
from typing import Any

from twinvault import (
    CallerError,
    Conflict,
    Contention,
    DependencyError,
    Forbidden,
    Gone,
    Held,
    Incomplete,
    IntegrityError,
    InvalidInput,
    KeyRefused,
    Misconfigured,
    NotFound,
    OutcomeUnknown,
    TooLarge,
    TwinvaultError,
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
    (InvalidInput, Problem(InvalidInput.problem, 400, "The request is malformed")),
    (Unauthenticated, Problem(Unauthenticated.problem, 401, "A valid bearer token is needed")),
    (Forbidden, Problem(Forbidden.problem, 403, "The token does not allow this")),
    (NotFound, Problem(NotFound.problem, 404, "Not found")),
    (Gone, Problem(Gone.problem, 410, "This was erased")),
    (Incomplete, Problem(Incomplete.problem, 409, "An import has not been completed")),
    (Held, Problem(Held.problem, 409, "A legal hold forbids it")),
    (Conflict, Problem(Conflict.problem, 409, "What exists says otherwise")),
    (TooLarge, Problem(TooLarge.problem, 413, "Over a limit")),
    (Unprocessable, Problem(Unprocessable.problem, 422, "A rule of the layout is broken")),
    (IntegrityError, Problem(IntegrityError.problem, 500, "The stored data failed an integrity check")),
    (Undeclared, Problem(Undeclared.problem, 500, "The stored data is of a newer release")),
    (OutcomeUnknown, Problem(OutcomeUnknown.problem, 503, "The outcome of the write is unknown")),
    (Contention, Problem(Contention.problem, 503, "The data keeps changing")),
    (Misconfigured, Problem(Misconfigured.problem, 503, "This service is not set up as it must be")),
    (KeyRefused, Problem(KeyRefused.problem, 503, "The key service refuses a key")),
    (DependencyError, Problem(DependencyError.problem, 503, "Something this service needs is unavailable")),
    (Exception, Problem(TwinvaultError.problem, 500, "Something went wrong here")),
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
            if isinstance(error, Gone):
                body["erased_at"] = error.erased_at
        case DependencyError():
            # Which of its settings is wrong is for whoever runs it: the log has the cause.
            wrong = isinstance(error, Misconfigured)
            body["detail"] = "ask whoever runs this service, with the correlation id" if wrong else error.message
            headers["Retry-After"] = str(error.retry_after)
        case _:
            body["detail"] = "see the audit log under this correlation id"
    if isinstance(error, Unauthenticated):
        headers["WWW-Authenticate"] = 'Bearer realm="twinvault"'
    return problem, body, headers
