"""GF(2^128) arithmetic and GHASH (NIST SP 800-38D, section 6), to build ciphertexts that GCM accepts under two keys.

Elements are integers whose most significant bit is the coefficient of x^0, as GCM orders bits.
"""

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB

BLOCK = 16
_POLYNOMIAL = 0xE1 << 120  # x^128 = 1 + x + x^2 + x^7
_ONE = 1 << 127


def _multiply(left: int, right: int) -> int:
    product = 0
    for shift in range(127, -1, -1):
        if right >> shift & 1:
            product ^= left
        left = left >> 1 ^ (_POLYNOMIAL if left & 1 else 0)
    return product


def _power(base: int, exponent: int) -> int:
    result = _ONE
    while exponent:
        if exponent & 1:
            result = _multiply(result, base)
        base, exponent = _multiply(base, base), exponent >> 1
    return result


def _inverse(element: int) -> int:
    return _power(element, 2**128 - 2)


def _encrypt_block(key: bytes, block: bytes) -> int:
    encryptor = Cipher(AES(key), ECB()).encryptor()  # noqa: S305  # one block of the block cipher that GCM is made of
    return int.from_bytes(encryptor.update(block))


def _ghash(hash_key: int, aad: bytes, ciphertext: bytes) -> int:
    def padded(data: bytes) -> bytes:
        return data.ljust(-(-len(data) // BLOCK) * BLOCK, b"\0")

    data = padded(aad) + padded(ciphertext) + (8 * len(aad)).to_bytes(8) + (8 * len(ciphertext)).to_bytes(8)
    digest = 0
    for start in range(0, len(data), BLOCK):
        digest = _multiply(digest ^ int.from_bytes(data[start : start + BLOCK]), hash_key)
    return digest


def accepted_under_both(keys: tuple[bytes, bytes], *, nonce: bytes, aad: bytes, blocks: int) -> bytes:
    """Returns a ciphertext of `blocks` blocks, with its tag, that AES-GCM opens under both keys.

    All blocks are zero but the last, which is solved for. With H the hash key and S the encrypted counter block of each
    key, the tag is GHASH_H(aad, c) + S, and the last block x enters GHASH as x * H^2. Both tags are equal if
    x * (H1^2 + H2^2) = GHASH_H1(aad, 0) + S1 + GHASH_H2(aad, 0) + S2. This takes no effort: it is one linear equation.
    """
    first, second = (_encrypt_block(key, bytes(BLOCK)) for key in keys)
    masks = [_encrypt_block(key, nonce + (1).to_bytes(4)) for key in keys]
    zeros = bytes(BLOCK * blocks)
    difference = _ghash(first, aad, zeros) ^ masks[0] ^ _ghash(second, aad, zeros) ^ masks[1]
    last = _multiply(difference, _inverse(_multiply(first, first) ^ _multiply(second, second)))
    ciphertext = zeros[:-BLOCK] + last.to_bytes(BLOCK)
    return ciphertext + (_ghash(first, aad, ciphertext) ^ masks[0]).to_bytes(BLOCK)
