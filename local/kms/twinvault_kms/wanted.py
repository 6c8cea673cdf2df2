"""Keys that somebody wants under a certain id: their material follows from the seed and the id alone.

A key that CreateKey numbers follows from the seed and the order. The order of what several programs make is nobody's
to say, so a key with a wanted id, and a key that AWS manages, have a number made of what they are called: the same seed
and the same id are the same key, also once it was deleted.
"""

import hashlib
import re

from twinvault_kms.model import MULTI_REGION_ID

# The tag that asks for an id, by the name that another emulator gave it: test suites that have it go on working.
ID_TAG = "_custom_id_"
_ONE_REGION = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_SEVERAL_REGIONS = re.compile(MULTI_REGION_ID + "[0-9a-f]{32}")
_ABOVE_ALL_COUNTED = 1 << 64


def is_key_id(text: str, *, multi_region: bool) -> bool:
    """Whether a text has the form of a key's id."""
    return (_SEVERAL_REGIONS if multi_region else _ONE_REGION).fullmatch(text) is not None


def number_of(name: str) -> int:
    """Return the number of what is known by a name: no key that was counted has it."""
    return _ABOVE_ALL_COUNTED + int.from_bytes(hashlib.sha256(name.encode()).digest()[:16])
