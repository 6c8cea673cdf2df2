"""What a URL's path segment stands for."""

import base64
import binascii

from twinvault import InvalidInput


def id_from_path(segment: str) -> str:
    """Returns the id that a URL's path segment stands for: the segment itself, or `~` and base64url of the id's UTF-8.

    HTTP APIs decode a path before they route it, so an id with `/` or `?` cannot travel as it is (docs/api.md).

    Raises:
        InvalidInput: it begins with `~` and is not base64url of UTF-8.
    """
    if not segment.startswith("~"):
        return segment
    encoded = segment[1:].rstrip("=")
    try:
        return base64.b64decode(encoded + "=" * (-len(encoded) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        raise InvalidInput("id: after '~' must come base64url of its UTF-8", field="id") from None
