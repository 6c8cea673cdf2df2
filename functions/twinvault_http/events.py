"""What a function is sent: an HTTP API's event, read whole before anything is done with it.

API Gateway sends payload format 2.0 and nothing else. Whoever may invoke a function can send it anything: that is a
caller's fault like any other, and no crash.
https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
"""

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from twinvault import InvalidInput

_VERSION = "2.0"
_IN_BRACES = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True, slots=True)
class HttpEvent:
    """One request as API Gateway tells of it.

    Attributes:
        route_key: the route as the template writes it, such as `GET /visits/{id}`.
        headers: by name, in whatever case.
        parameters: those of the path, decoded.
        query: those after the `?`, decoded.
    """

    route_key: str
    headers: Mapping[str, str] = field(repr=False)
    parameters: Mapping[str, str] = field(repr=False)
    query: Mapping[str, str] = field(repr=False)
    _body: str = field(repr=False)
    _is_base64: bool

    @classmethod
    def read(cls, sent: object) -> Self:
        """The event that a function was invoked with.

        Raises:
            InvalidInput: it is none of payload format 2.0; names the member that is missing or of another type.
        """
        if not isinstance(sent, Mapping):
            raise InvalidInput("event: must be an object, as an HTTP API sends it", field="event")
        if sent.get("version") != _VERSION:
            raise InvalidInput(f"version: must be {_VERSION}, the payload format of an HTTP API", field="version")
        if not isinstance(sent.get("requestContext"), Mapping):
            raise InvalidInput("requestContext: must be an object", field="requestContext")
        key, body, is_base64 = sent.get("routeKey"), sent.get("body"), sent.get("isBase64Encoded", False)
        if not isinstance(key, str):
            raise InvalidInput("routeKey: must be a text", field="routeKey")
        if not isinstance(body, str | None):
            raise InvalidInput("body: must be a text", field="body")
        if not isinstance(is_base64, bool):
            raise InvalidInput("isBase64Encoded: must be true or false", field="isBase64Encoded")
        return cls(
            key,
            headers=_texts(sent, "headers"),
            parameters=_texts(sent, "pathParameters"),
            query=_texts(sent, "queryStringParameters"),
            _body=body or "",
            _is_base64=is_base64,
        )

    def require_parameters(self) -> None:
        """Refuses an event without the parameters that its route's key names.

        Raises:
            InvalidInput: names the first that is missing.
        """
        if missing := sorted(set(_IN_BRACES.findall(self.route_key)) - self.parameters.keys()):
            raise InvalidInput(f"pathParameters: must hold {missing[0]}", field="pathParameters")

    def require_query(self, known: Sequence[str]) -> None:
        """Refuses a parameter that the route does not take: whoever sent it would believe that it was heeded.

        Raises:
            InvalidInput: says which it takes.
        """
        if self.query.keys() - {*known}:
            *others, last = known or ("nothing",)
            listed = f"{', '.join(others)} and {last}" if others else last
            raise InvalidInput(f"query: may hold {listed} alone", field="query")

    def header(self, name: str) -> str | None:
        """A header by its name, whatever its case (RFC 9110, section 5.1): HTTP APIs lower it, `sam local` does not."""
        return next((value for sent, value in self.headers.items() if sent.lower() == name), None)

    def body(self) -> bytes:
        """The body as the caller sent it.

        Raises:
            InvalidInput: it is said to be base64 and is not, or holds a lone surrogate.
        """
        try:
            return base64.b64decode(self._body, validate=True) if self._is_base64 else self._body.encode()
        except ValueError:  # also what is not ASCII, or not Unicode text
            raise InvalidInput("body: cannot be decoded", field="body") from None


def _texts(sent: Mapping[str, Any], name: str) -> Mapping[str, str]:
    """A member that maps texts to texts; an HTTP API leaves it out where there are none."""
    found = sent.get(name)
    if found is None:
        return {}
    if not isinstance(found, Mapping) or not all(map(_is_text, (*found.keys(), *found.values()))):
        raise InvalidInput(f"{name}: must be an object whose values are texts", field=name)
    return found


def _is_text(value: object) -> bool:
    """Whether it is Unicode text: JSON can say lone surrogates, which no header or path has."""
    if not isinstance(value, str):
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
