"""Lists in pages: Limit, Marker, NextMarker, Truncated (API reference of the List operations)."""

import base64
import binascii
from collections.abc import Callable, Iterable
from itertools import islice

from twinvault_kms.call import Call
from twinvault_kms.errors import KmsError


def page(
    call: Call, member: str, *, names: Iterable[str], show: Callable[[str], object], default: int, largest: int
) -> dict[str, object]:
    """Return one page of what `show` makes of the names, which come in order, those after `marker` alone.

    Raises:
        KmsError: InvalidMarkerException.
    """
    size = min(call.number("Limit") or default, largest)
    shown = list(islice(names, size + 1))
    answer: dict[str, object] = {member: [show(name) for name in shown[:size]], "Truncated": len(shown) > size}
    if len(shown) > size:
        answer["NextMarker"] = base64.urlsafe_b64encode(f"v1:{shown[size - 1]}".encode()).decode()
    return answer


def marker(call: Call) -> str:
    """Return the name that the page begins after; empty where it is the first. It is opaque to the caller.

    Raises:
        KmsError: InvalidMarkerException.
    """
    given = call.optional("Marker")
    return _name(given) if given else ""


def _name(marker: str) -> str:
    try:
        version, _, name = base64.urlsafe_b64decode(marker.encode()).decode().partition(":")
    except (binascii.Error, ValueError):
        version, name = "", ""
    if version != "v1" or not name:
        raise KmsError("InvalidMarkerException", "The marker is not valid.")
    return name
