"""What may stand in JSON in many places: times, ids of events, digests in hex, whole numbers. Pure."""

import re

TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?Z")
"""RFC 3339 in UTC, to whatever it is exact."""
EXACT_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z")
"""The same to the microsecond, so that times compare as texts."""
UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
DIGEST_HEX = re.compile(r"[0-9a-f]{64}")
MOST = 2**53 - 1
"""The largest whole number that every reader of JSON gives back."""
