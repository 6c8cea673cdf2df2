"""Lists in pages: Limit, Marker, NextMarker, Truncated (API reference of the List operations)."""

import base64
import binascii
from collections.abc import Mapping

from twinvault_kms.call import Call
from twinvault_kms.errors import KmsError


def page(call: Call, member: str, items: Mapping[str, object], *, default: int, largest: int) -> dict[str, object]:
    """Return one page of `items`, in the order of their names. The marker is the last name, opaque to the caller.

    Raises:
        KmsError: InvalidMarkerException.
    """
    names = sorted(items)
    if marker := call.optional("Marker"):
        after = _name(marker)
        names = [name for name in names if name > after]
    shown = names[: min(call.number("Limit") or default, largest)]
    answer: dict[str, object] = {member: [items[name] for name in shown], "Truncated": len(shown) < len(names)}
    if len(shown) < len(names):
        answer["NextMarker"] = base64.urlsafe_b64encode(f"v1:{shown[-1]}".encode()).decode()
    return answer


def _name(marker: str) -> str:
    try:
        version, _, name = base64.urlsafe_b64decode(marker.encode()).decode().partition(":")
    except (binascii.Error, ValueError):
        version, name = "", ""
    if version != "v1" or not name:
        raise KmsError("InvalidMarkerException", "The marker is not valid.")
    return name
