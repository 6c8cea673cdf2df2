"""Event ids: UUIDs of version 7, which sort by time (RFC 9562, section 5.7). Pure."""

import uuid

_RANDOM_BYTES = 10


def uuid7(milliseconds: int, randomness: bytes) -> str:
    """Returns the UUIDv7 of a Unix time in milliseconds and 10 random bytes."""
    tail = int.from_bytes(randomness[:_RANDOM_BYTES], "big")
    rand_a = tail >> 68 & 0xFFF
    rand_b = tail & ((1 << 62) - 1)
    value = (milliseconds & ((1 << 48) - 1)) << 80 | 0x7 << 76 | rand_a << 64 | 0b10 << 62 | rand_b
    return str(uuid.UUID(int=value))
