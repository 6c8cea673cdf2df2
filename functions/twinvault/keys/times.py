"""Times as texts, as rows and entries hold them."""

from datetime import UTC, datetime


def text_of_time(time: datetime) -> str:
    """RFC 3339 in UTC, to the microsecond: so times compare as texts."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
