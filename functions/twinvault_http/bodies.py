"""What the body of a request asks: a JSON object, or nothing."""

from typing import Any

from twinvault import InvalidInput
from twinvault_http.messages import Request


def asked_in(request: Request) -> dict[str, Any]:
    """The body's members; none where there is no body.

    Raises:
        InvalidInput, TooLarge: as for any body.
    """
    return request.json() if request.body() else {}


def require_empty(request: Request) -> None:
    """Lets a request pass whose body asks nothing.

    Raises:
        InvalidInput: it asks something; as for any body.
    """
    if asked_in(request):
        raise InvalidInput("body: nothing may be asked", field="body")
