"""Other records with the same sum: found at once for a narrow modulus, and out of reach for the one there is.

Wagner, "A Generalized Birthday Problem", CRYPTO 2002: with k = 2^t lists, one element of each can be found that add up
to a given sum mod 2^n in about k * 2^(n / (t + 1)) steps, by the k-tree algorithm. Whoever holds a partition's DEK
opens its head and knows hash_key, and can seal any record as often as they like: every salt gives another term.
"""

from collections import defaultdict
from collections.abc import Sequence
from itertools import count

from tests.envelope.samples import DEK, context
from twinvault.envelope import Label, seal
from twinvault.records.head import MAX_RECORDS, Row, empty_head

STATE = empty_head(bytes(range(32)), dek_version=1)
LISTS, TOY_BITS = 8, 40
SIZE = 2 ** (TOY_BITS // 4 + 1)  # twice 2^(n / (t + 1)) with t = 3, so that a match is likely at the first try

type Entry = tuple[int, tuple[bytes, ...]]
"""A partial sum, and the digests that it is the sum of."""


def _digest(content: bytes, *, place: int, attempt: int) -> bytes:
    """The digest of an authentic record, as whoever holds the key makes it."""
    where = context(sk=f"vote#{place:02d}")
    salt, nonce = attempt.to_bytes(32, "big"), bytes(12)
    return seal(content, key=DEK, label=Label.RECORD, context=where, salt=salt, nonce=nonce).digest


def _term(digest: bytes) -> int:
    return STATE.term(Row("", digest)) % 2**TOY_BITS


def _merged(left: Sequence[Entry], right: Sequence[Entry], *, modulus: int, target: int) -> list[Entry]:
    """The pairs of which the sum is the target in its low bits."""
    by_sum = defaultdict(list)
    for total, digests in right:
        by_sum[total % modulus].append((total, digests))
    return [
        (total + other, digests + others)
        for total, digests in left
        for other, others in by_sum[(target - total) % modulus]
    ]


def _other_records(target: int, *, seed: int) -> tuple[bytes, ...]:
    """One digest for each place, of records that say NO, whose terms add up to the target; or none, by bad luck."""
    step = TOY_BITS // 4
    level: list[list[Entry]] = []
    for place in range(LISTS):
        digests = (_digest(b'{"vote":"NO"}', place=place, attempt=seed * SIZE + number) for number in range(SIZE))
        level.append([(_term(digest), (digest,)) for digest in digests])
    for bits in (step, 2 * step, TOY_BITS):
        pairs = list(zip(level[::2], level[1::2], strict=True))
        # Of all pairs the sum is to be zero in its low bits, but for one, which carries the target.
        goals = [0] * (len(pairs) - 1) + [target]
        level = [
            _merged(left, right, modulus=2**bits, target=goal) for (left, right), goal in zip(pairs, goals, strict=True)
        ]
    return level[0][0][1] if level[0] else ()


def test_at_40_bits_a_key_holder_finds_other_records_with_the_sum_of_the_head():
    honest = [_digest(b'{"vote":"YES"}', place=place, attempt=0) for place in range(LISTS)]
    target = sum(map(_term, honest)) % 2**TOY_BITS
    forged = next(filter(None, (_other_records(target, seed=seed) for seed in count(1))))
    assert sum(map(_term, forged)) % 2**TOY_BITS == target
    assert len(set(forged)) == LISTS
    assert not set(forged) & set(honest)
    # The same records under the modulus there is: the head that counts the honest ones refuses them.
    state = STATE.after(
        added=[Row(str(place), digest) for place, digest in enumerate(honest)],
        removed=[],
        dek_version=1,
        event_id="",
    )
    assert state.mismatch([Row(str(place), digest) for place, digest in enumerate(forged)]) is not None


def _log2_of_work(bits: int, lists_log2: int) -> float:
    """Of the formula above: log2(2^t * 2^(n / (t + 1)))."""
    return lists_log2 + bits / (lists_log2 + 1)


def test_at_2048_bits_the_formula_gives_more_than_2_to_the_128_for_every_number_of_records_there_may_be():
    most = MAX_RECORDS.bit_length() - 1
    assert 2**most == MAX_RECORDS
    work = [_log2_of_work(2048, lists_log2) for lists_log2 in range(1, most + 1)]
    assert min(work) == work[-1] > 150
    assert min(_log2_of_work(256, lists_log2) for lists_log2 in range(1, most + 1)) < 32
    # Without a limit on the records the width alone would not do.
    assert min(_log2_of_work(2048, lists_log2) for lists_log2 in range(1, 64)) < 100
