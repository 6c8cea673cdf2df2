"""Which route a request takes. Pure.

Paths are decoded before anything else, as an HTTP API does it. Captures from a live HTTP API (github.com/hotsock/voker,
``vokerhttp/testdata/ingress-paths.json``, 2026) show what no page of AWS says: the path is percent-decoded, cut at a
``?`` that appeared, and percent-decoded *again*; a ``%`` that is then not followed by two hexadecimal digits is
answered with 400. So ``%3F`` and all after it vanishes, ``%252F`` arrives as ``/``, ``%2523`` as ``#``, and a lone
``%25`` is refused. The query string is untouched.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from urllib.parse import unquote

from twinvault_lambda.config import DEFAULT_ROUTE, RouteConfig

_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")


class BadPathError(Exception):
    """The path does not decode; an HTTP API answers 400."""


class _Rank(IntEnum):
    """The precedence of "Create routes for HTTP APIs": full match, greedy path variable, $default.

    The page does not rank a plain path variable; it is a match of the whole route, weaker than a literal one.
    """

    LITERAL = 0
    VARIABLE = 1
    GREEDY = 2
    DEFAULT = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteMatch:
    """The chosen route and what its path variables took, decoded."""

    route: RouteConfig
    parameters: Mapping[str, str] = field(default_factory=dict, repr=False)


def decode_path(raw_path: str) -> str:
    """The path as an HTTP API routes and delivers it.

    Raises:
        BadPathError: a percent sign without two hexadecimal digits, on the wire or after the first decoding.
    """
    return _decode(_decode(raw_path).partition("?")[0])


def _decode(text: str) -> str:
    if _BROKEN_ESCAPE.search(text):
        raise BadPathError
    return unquote(text, errors="replace")


class RouteTable:
    """All routes of one API."""

    def __init__(self, routes: Iterable[RouteConfig]) -> None:
        self._routes = tuple(routes)

    def match(self, method: str, path: str) -> RouteMatch | None:
        """The route with the best match for a decoded path; None where the API says 404.

        Literal segments win over variables from the left; then a route's own method wins over ``ANY``.
        """
        found = [
            (ranks, route.method == "ANY", RouteMatch(route=route, parameters=parameters))
            for route in self._routes
            if route.method in {method, "ANY"}
            for ranks, parameters in [_fit(route.path, path)]
            if ranks
        ]
        return min(found, key=lambda one: one[:2])[2] if found else None


def _fit(template: str, path: str) -> tuple[tuple[int, ...], dict[str, str]]:
    """One rank for each segment and what the variables took; no ranks where the template does not fit."""
    if template == DEFAULT_ROUTE:
        return (_Rank.DEFAULT,), {}
    segments, given = template.split("/")[1:], path.split("/")[1:]
    ranks: list[int] = []
    parameters: dict[str, str] = {}
    for index, segment in enumerate(segments):
        rest = "/".join(given[index:])
        if segment.endswith("+}") and rest:
            parameters[segment[1:-2]] = rest
            return (*ranks, _Rank.GREEDY), parameters
        if index >= len(given):
            return (), {}
        if segment.startswith("{") and given[index]:
            parameters[segment[1:-1]] = given[index]
            ranks.append(_Rank.VARIABLE)
        elif segment == given[index]:
            ranks.append(_Rank.LITERAL)
        else:
            return (), {}
    return (tuple(ranks), parameters) if len(given) == len(segments) else ((), {})
