"""Padding that hides a plaintext's exact length (docs/format.md, "Padding").

Padmé lets a length leak O(log log L) bits for at most 12 % of overhead:
https://arxiv.org/abs/1806.03160, section 4. Below 256 bytes everything is 256 bytes.
"""

from twinvault.errors import IntegrityError, Step, TooLarge

LENGTH_BYTES = 4
MIN_PADDED_BYTES = 256
MAX_PLAINTEXT_BYTES = 49 * 8192 - LENGTH_BYTES
"""The next padded size would not fit into a DynamoDB item (400 KiB, names and clear attributes included)."""


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
        TooLarge: over `MAX_PLAINTEXT_BYTES`: padded, it would not fit into the largest DynamoDB item.
    """
    if len(plaintext) > MAX_PLAINTEXT_BYTES:
        raise TooLarge(f"record: over the limit of {MAX_PLAINTEXT_BYTES} bytes for one record")
    framed = len(plaintext).to_bytes(LENGTH_BYTES) + plaintext
    return framed.ljust(padded_size(len(plaintext)), b"\x00")


def unpad(padded: bytes) -> bytes:
    """Returns the plaintext of a padded frame.

    Raises:
        IntegrityError: the length does not fit, the size is not the one minimal size, or the padding is not all zeros.
    """
    length = int.from_bytes(padded[:LENGTH_BYTES])
    end = LENGTH_BYTES + length
    if padded_size(length) != len(padded) or padded.count(0, end) != len(padded) - end:
        raise IntegrityError(Step.PADDING)
    return padded[LENGTH_BYTES:end]
