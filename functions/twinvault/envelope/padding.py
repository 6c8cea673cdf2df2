"""Padding that hides a plaintext's exact length (docs/format.md, "Padding").

Padmé lets a length leak O(log log L) bits for at most 12 % of overhead:
https://arxiv.org/abs/1806.03160, section 4. Below 256 bytes everything is 256 bytes.
"""

from twinvault.errors import IntegrityError, TooLarge

LENGTH_BYTES = 4
MIN_PADDED_BYTES = 256
MAX_PLAINTEXT_BYTES = 400 * 1024
"""DynamoDB's limit for a whole item; nothing longer can have been stored, so nothing longer is sealed or opened."""


def padded_size(length: int) -> int:
    """The size of a plaintext of `length` bytes once framed and padded: max(256, Padmé(4 + length))."""
    framed = LENGTH_BYTES + length
    if framed <= MIN_PADDED_BYTES:
        return MIN_PADDED_BYTES
    exponent = framed.bit_length() - 1
    zero_bits = exponent - exponent.bit_length()
    mask = (1 << zero_bits) - 1
    return (framed + mask) & ~mask


def pad(plaintext: bytes) -> bytes:
    """Frames and pads: u32be length || plaintext || zeros.

    Raises:
        TooLarge: over 400 KiB, the size of the largest DynamoDB item.
    """
    if len(plaintext) > MAX_PLAINTEXT_BYTES:
        raise TooLarge(f"record: over the limit of {MAX_PLAINTEXT_BYTES} bytes (400 KiB) for one record")
    framed = len(plaintext).to_bytes(LENGTH_BYTES, "big") + plaintext
    return framed.ljust(padded_size(len(plaintext)), b"\x00")


def unpad(padded: bytes) -> bytes:
    """Returns the plaintext of a padded frame.

    Raises:
        IntegrityError: the length does not fit, the size is not the one minimal size, or the padding is not all zeros.
    """
    if len(padded) < MIN_PADDED_BYTES:
        raise IntegrityError("7 padding")
    length = int.from_bytes(padded[:LENGTH_BYTES], "big")
    end = LENGTH_BYTES + length
    if end > len(padded) or padded_size(length) != len(padded) or padded.count(0, end) != len(padded) - end:
        raise IntegrityError("7 padding")
    return padded[LENGTH_BYTES:end]
