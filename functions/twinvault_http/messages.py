"""What a route's function is given, and what it returns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from twinvault import Acting, TwinvaultError
from twinvault_http.events import HttpEvent
from twinvault_http.forms import converted
from twinvault_http.strict_json import parse


@dataclass(frozen=True, slots=True)
class Request:
    """An authenticated request with permission for its route.

    Attributes:
        acting: everything of the store, in the name of the token's tenant; what it does is recorded.
        event: what API Gateway sent.
    """

    acting: Acting
    event: HttpEvent

    @property
    def principal(self) -> str:
        """Who calls: the token's subject."""
        return self.acting.activity.principal

    @property
    def parameters(self) -> Mapping[str, str]:
        """The path's parameters, all that its route has, decoded."""
        return self.event.parameters

    @property
    def query(self) -> Mapping[str, str]:
        """The parameters after the `?`, decoded; none but those that its route declares."""
        return self.event.query

    def header(self, name: str) -> str | None:
        """A header by its name in lower case, however it was sent."""
        return self.event.header(name)

    def body(self) -> bytes:
        """The body as it was sent.

        Raises:
            InvalidInput: it is said to be base64 and is not.
        """
        return self.event.body()

    def json(self) -> dict[str, Any]:
        """The JSON object that the body is.

        Raises:
            TooLarge: over 2 MiB, or over 50,000 values.
            InvalidInput: it is none, or one that readers understand differently: a name twice, NaN, a number that a
                double does not give back, a lone surrogate, or nesting deeper than 64.
        """
        return parse(self.body())

    def read[T](self, form: type[T]) -> T:
        """The JSON object that the body is, as this type: a `msgspec.Struct`, a dataclass, a `TypedDict`.

        With `forbid_unknown_fields=True` a `msgspec.Struct` takes no member that it does not know.

        Raises:
            TooLarge, InvalidInput: as of `json`.
            InvalidInput: it does not fit; names the field and the rule, and no value.
        """
        return converted(self.json(), form)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a route's function returns: a status and a JSON document.

    Attributes:
        refused: why some of what was asked for does not open; the caller is told under which id the logs say more.
    """

    status: int
    document: Mapping[str, Any]
    refused: Sequence[TwinvaultError] = ()
