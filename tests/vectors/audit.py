"""Chains of audit entries: good ones with every value in between, and ones that must not verify, by the step."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from tests.vectors.material import PK, TENANT, Json, fixed, item_json
from twinvault.audit.elements import (
    Element,
    HeadSeen,
    Wrote,
    asked_element,
    canonical_json,
    crypto_element,
    key_element,
    kms_element,
    mark_hash,
    row_hash,
    saw_element,
    wrote_element,
)
from twinvault.audit.entry import MAX_ENTRY_BYTES, Closed, Event, Link, Origin, encode_entry, entry_digest
from twinvault.audit.signing import ChainKey
from twinvault.audit.verify import Verified, verify_chain

SEED, OTHER_SEED = fixed("audit key"), fixed("another audit key")
KEY, OTHER = ChainKey(SEED), ChainKey(OTHER_SEED)
CHAIN, NEXT_CHAIN = fixed("chain 1", 16).hex(), fixed("chain 2", 16).hex()
DEK_ID = "dek#dialogue#k3v7xqz2m4n5p6r7s8t9abcdef#000001"
SEEN = HeadSeen(7, fixed("head 7"))
NEXT = Wrote(8, fixed("head 8"), SEEN, (row_hash("records", pk=PK, sk="perspective#01#02"),))
MARKS = [f"head#{fixed('partition').hex()}", f"register#{TENANT}", "head#\u00e9"]
PLACES = [
    ("records", PK, "perspective#01#02"),
    ("records", PK, ""),
    ("keys", f"tenant#{TENANT}", "kek#000001"),
    ("records", "\u00e9\U0001f511", "#"),
    ("records", "\ud800", "x\udfff"),
]
TEXTS = ["", 'a"b\\c/d', "\b\f\n\r\t\x00\x1f ~\x7f\x80", "\u00e9\u2028\U0001f511", "\ud800", "\udfff\ud83d"]
MARK = mark_hash(MARKS[0])
READ = Event(
    event_id="0199b3c4-5d6e-7f80-9192-a3b4c5d6e7f8",
    attempt=1,
    began="2026-11-23T10:30:00.000000Z",
    time="2026-11-23T10:30:00.041999Z",
    origin=Origin(
        store="twinvault",
        function="twinvault-prod-read",
        artifact=fixed("functions.zip").hex(),
        request_id="8e2f6a1c-0b5d-4c7e-9a3f-1d2e3f405162",
        trace_id="1-6922e2b8-0123456789abcdef01234567",
        span_id="53995c3f42cd8ad8",
    ),
    principal="auth0|5f7c8ec7c33c6c004bbafe82",
    tenant=TENANT,
    action="dialogue.read",
    outcome="success",
)
READ_ELEMENTS = [
    crypto_element("decrypt", DEK_ID, outcome="success", count=42),
    crypto_element("unwrap_dek", "kek#000001", outcome="success", count=1),
    kms_element("5c1c0a0e-1c55-4b3c-8f0e-0123456789ab"),
    saw_element(MARK, SEEN),
]

type Row = dict[str, dict[str, Any]]


def chains() -> Json:
    """The document."""
    return {
        "keys": [
            {"seed": key[0].hex(), "public_key": key[1].public.hex()} for key in ((SEED, KEY), (OTHER_SEED, OTHER))
        ],
        "texts": [{"text": text, "json": canonical_json(text).decode()} for text in TEXTS],
        "marks": [{"pk": pk, "mark": mark_hash(pk)} for pk in MARKS],
        "rows": [{"table": t, "pk": pk, "sk": sk, "row": row_hash(t, pk=pk, sk=sk)} for t, pk, sk in PLACES],
        "chains": [_chain(name, rows) for name, rows in _good().items()],
        "refused": [
            {"name": name, "step": step, "seq": seq, "items": [item_json(row) for row in rows]}
            for name, step, seq, rows in [*_broken_rows(), *_broken_forms(), *_broken_links(), *_broken_parts()]
        ],
        "sizes": [_size(0, None), _size(1, "2 size")],
        "continuations": list(_continuations()),
    }


# -- rows -------------------------------------------------------------------------------------------------------------


def signed(encoded: bytes, *, chain: str = CHAIN, seq: int = 1, key: ChainKey = KEY) -> Row:
    """A row that holds these bytes, whatever they are, with their digest and signature."""
    digest = entry_digest(encoded)
    return {
        "pk": {"S": f"chain#{chain}"},
        "sk": {"S": f"{seq:012d}"},
        "entry": {"S": encoded.decode(errors="surrogatepass")},
        "digest": {"B": digest},
        "signature": {"B": key.sign(digest)},
    }


def row(
    event: Event,
    elements: list[Element],
    *,
    before: Row | None = None,
    part: tuple[int, int] = (1, 1),
    chain: str = CHAIN,
    key: ChainKey = KEY,
    continues: tuple[Closed, ...] = (),
) -> Row:
    """The row of an event after another row."""
    seq = int(before["sk"]["S"]) + 1 if before else 1
    link = Link(chain, seq, before["digest"]["B"] if before else bytes(32), continues)
    encoded = encode_entry(event, elements, link=link, public_key=key.public, part=part)
    return signed(encoded, chain=chain, seq=seq, key=key)


def content_of(row: Row) -> Json:
    content: Json = json.loads(row["entry"]["S"])
    return content


def changed(old: Row, change: Json, *, without: tuple[str, ...] = (), key: ChainKey = KEY) -> Row:
    """The row with members of its entry changed, and signed anew."""
    content = {name: value for name, value in {**content_of(old), **change}.items() if name not in without}
    return signed(canonical_json(content), chain=old["pk"]["S"][6:], seq=int(old["sk"]["S"]), key=key)


# -- good chains ------------------------------------------------------------------------------------------------------


def _good() -> dict[str, list[Row]]:
    read = row(READ, READ_ELEMENTS)
    return {
        "a read": [read],
        "every kind of event": _every_kind(read),
        "an event in three parts, and one that was given up": _in_parts(read),
        "a chain that continues two others": _continuing(),
        "a script: nothing but the store is known": [_script()],
    }


def _every_kind(read: Row) -> list[Row]:
    rows = [read]
    for event, elements in [
        (
            replace(READ, outcome="failure", problem="not-found", action="dialogue.read"),
            [saw_element(MARK, None)],
        ),
        (replace(READ, outcome="denied", problem="forbidden"), [asked_element(MARK)]),
        (
            replace(
                READ,
                outcome="failure",
                problem="integrity",
                step="5 commitment",
                row=row_hash(PLACES[0][0], pk=PLACES[0][1], sk=PLACES[0][2]),
            ),
            [crypto_element("decrypt", DEK_ID, outcome="failure", count=1), asked_element(MARK)],
        ),
        (
            replace(READ, outcome="failure", problem="integrity", step="3 lengths"),
            [],
        ),
        (
            replace(READ, action="dialogue.import", attempt=3),
            [
                crypto_element("encrypt", DEK_ID, outcome="success", count=5),
                wrote_element(MARK, NEXT, look=saw_element(MARK, SEEN)),
            ],
        ),
        (
            replace(READ, action="dialogue.import", principal=TEXTS[1] + TEXTS[2] + TEXTS[3] + TEXTS[4]),
            [
                key_element("make_register", "register-key"),
                key_element("make_kek", "kek#000001"),
                wrote_element(mark_hash(MARKS[1]), Wrote(1, fixed("register 1"), None)),
            ],
        ),
    ]:
        rows.append(row(event, elements, before=rows[-1]))
    return rows


def _in_parts(read: Row) -> list[Row]:
    job = replace(READ, action="dialogue.export_all")
    marks = [mark_hash(f"head#{fixed(f'partition {number}').hex()}") for number in range(5)]
    looks = [saw_element(mark, SEEN) for mark in marks]
    rows = [read]
    for event, elements, part in [
        (job, looks[:2], (1, 3)),
        (replace(job, time="2026-11-23T10:30:01.000000Z"), looks[2:4], (2, 3)),
        (job, looks[4:], (3, 3)),
        (replace(job, began="2026-11-23T10:31:00.000000Z"), looks[:1], (1, 2)),
        (replace(job, began="2026-11-23T10:31:00.000000Z", attempt=2, event_id=f"{READ.event_id[:-1]}9"), [], (1, 1)),
        (READ, READ_ELEMENTS, (1, 1)),
        (job, looks[:1], (1, 2)),
    ]:
        rows.append(row(event, elements, before=rows[-1], part=part))
    return rows


def _continuing(key: ChainKey = KEY) -> list[Row]:
    closed = (Closed(CHAIN, 2, fixed("a candidate").hex()), Closed(fixed("chain 0", 16).hex(), 1, "ab" * 32))
    first = row(READ, READ_ELEMENTS, chain=NEXT_CHAIN, key=key, continues=closed)
    return [first, row(READ, [], before=first, chain=NEXT_CHAIN, key=key)]


def _script() -> Row:
    return row(replace(READ, origin=Origin(store="s")), [])


def _chain(name: str, rows: list[Row]) -> Json:
    verified = verify_chain(rows)
    return {
        "name": name,
        "entries": [
            {
                "content": content_of(row),
                "digest_input": (b"twinvault/v1/audit\0" + row["entry"]["S"].encode()).hex(),
                "signature_input": (b"twinvault/v1/audit-signature\0" + row["digest"]["B"]).hex(),
                "item": item_json(row),
            }
            for row in rows
        ],
        "verified": _verdict(verified),
    }


def _verdict(verified: Verified) -> Json:
    return {
        "chain": verified.chain,
        "public_key": verified.public_key.hex(),
        "seq": verified.seq,
        "digest": verified.digest.hex(),
        "continues": [{"chain": c.chain, "seq": c.seq, "candidate": c.candidate} for c in verified.continues],
        "is_within_an_event": verified.is_within_an_event,
    }


# -- chains that must not verify --------------------------------------------------------------------------------------

type Refused = tuple[str, str, int, list[Row]]


def _three() -> list[Row]:
    rows = [row(READ, READ_ELEMENTS)]
    for _ in range(2):
        rows.append(row(READ, READ_ELEMENTS, before=rows[-1]))
    return rows


def _broken_rows() -> Iterator[Refused]:
    first, second, third = _three()
    yield "no row", "1 row", 1, []
    yield "the first row is gone", "1 row", 1, [second, third]
    yield "a row in the middle is gone", "1 row", 2, [first, third]
    yield "a row twice", "1 row", 3, [first, second, second, third]
    fork = row(replace(READ, action="dialogue.export"), [], before=first)
    yield "forked: two entries for one place", "1 row", 3, [first, second, fork]
    yield "two rows that changed places", "1 row", 2, [first, third, second]
    yield "a row of another chain", "1 row", 2, [first, {**second, "pk": {"S": f"chain#{NEXT_CHAIN}"}}]
    for name, change in {
        "a partition key that is no chain's": {"pk": {"S": CHAIN}},
        "a chain's name in capitals": {"pk": {"S": f"chain#{CHAIN.upper()}"}},
        "a sort key without its zeros": {"sk": {"S": "1"}},
        "a sort key that is a number": {"sk": {"N": "1"}},
        "an entry that is binary": {"entry": {"B": first["entry"]["S"].encode()}},
        "a digest that is text": {"digest": {"S": first["digest"]["B"].hex()}},
        "a digest that is too short": {"digest": {"B": first["digest"]["B"][:-1]}},
        "a signature that is too long": {"signature": {"B": first["signature"]["B"] + b"\0"}},
        "an attribute more": {"note": {"S": ""}},
    }.items():
        yield name, "1 row", 1, [{**first, **change}]
    for name in ("digest", "signature", "entry"):
        yield f"no {name}", "1 row", 1, [{other: value for other, value in first.items() if other != name}]


def _broken_forms() -> Iterator[Refused]:
    good = row(READ, READ_ELEMENTS)
    text = good["entry"]["S"]
    for name, encoded in {
        "an entry that is empty": "",
        "an entry that is no JSON": text[:-1],
        "an entry that is a list": f"[{text}]",
        "an entry nested without end": "[" * 5_000,
        "white space": text.replace(":", ": ", 1),
        "a line break at the end": text + "\n",
        "names out of order": text[:-1].replace('{"action":"dialogue.read",', "{") + ',"action":"dialogue.read"}',
        "a name twice": text.replace('"attempt":1', '"attempt":1,"attempt":1'),
        "an escape that is not needed": text.replace("dialogue.read", "dialogue\\u002eread"),
        "an escape in capitals": text.replace("dialogue.read", "\\u00E9"),
        "text that is not ASCII": text.replace("dialogue.read", "\u00e9"),
        "a number with a fraction": text.replace('"attempt":1', '"attempt":1.0'),
        "a number that a double does not hold": text.replace('"attempt":1', f'"attempt":{2**53}'),
        "a constant that is no JSON": text.replace('"attempt":1', '"attempt":NaN'),
    }.items():
        yield name, "3 form", 1, [signed(encoded.encode())]
    for name, change in _bad_members().items():
        yield name, "3 form", 1, [changed(good, change)]
    for name in sorted(content_of(good).keys() - {"public_key"}):
        yield f"no {name}", "3 form", 1, [changed(good, {}, without=(name,))]


def _bad_members() -> dict[str, Json]:
    failed: Json = {"outcome": "failure", "problem": "integrity"}
    look: Callable[..., Json] = lambda **one: {"partitions": [{"mark": MARK, **one}]}  # noqa: E731  # a table's own word
    closed = {"chain": CHAIN, "seq": 1, "candidate": "ab" * 32}
    wrote = {"version": 1, "digest": "ab" * 32, "replaced": None}
    return {
        "another version": {"v": 1},
        "a version that is true": {"v": True},
        "an unknown member": {"note": ""},
        "a store that is no id": {"store": "Twinvault"},
        "a chain that is not 32 hex digits": {"chain": "c1"},
        "place 0": {"seq": 0},
        "a predecessor's digest in capitals": {"prev": "AB" * 32},
        "an event id of version 4": {"event": "0199b3c4-5d6e-4f80-9192-a3b4c5d6e7f8"},
        "attempt 0": {"attempt": 0},
        "a time without microseconds": {"time": "2026-11-23T10:30:00Z"},
        "a time of another zone": {"began": "2026-11-23T10:30:00.000000+00:00"},
        "an artifact that is no SHA-256": {"artifact": "latest"},
        "text of 257 characters": {"principal": "x" * 257},
        "text that is null": {"trace": None},
        "an unknown outcome": {"outcome": "maybe"},
        "a success with a problem": {"problem": "not-found"},
        "a failure without a problem": {"outcome": "failure"},
        "a problem that is an address": {"outcome": "failure", "problem": "urn:twinvault:problem:not-found"},
        "a step in a success": {"step": "5 commitment"},
        "a step that is empty": {**failed, "step": ""},
        "a row without a step": {**failed, "row": "ab" * 32},
        "a row that is no hash": {**failed, "step": "5 commitment", "row": PK},
        "crypto that is an object": {"crypto": {}},
        "crypto without a count": {"crypto": [{"op": "decrypt", "key": DEK_ID, "outcome": "success"}]},
        "crypto counted 0": {"crypto": [{"op": "decrypt", "key": DEK_ID, "outcome": "success", "n": 0}]},
        "crypto that was denied": {"crypto": [{"op": "decrypt", "key": DEK_ID, "outcome": "denied", "n": 1}]},
        "a key event with an outcome": {"keys": [{"op": "rotate", "key": DEK_ID, "outcome": "success"}]},
        "an operation that is no word": {"keys": [{"op": "Rotate", "key": DEK_ID}]},
        "a request id that is a number": {"kms": [1]},
        "a partition in the clear": {"partitions": [{"mark": PK}]},
        "a look that is empty": look(saw={}),
        "a look at version 0": look(saw={"version": 0, "digest": "ab" * 32}),
        "a write of nothing": look(wrote=None),
        "a write that deleted nothing, and says so": look(wrote={**wrote, "deleted": []}),
        "a write that deleted more than a transaction can": look(wrote={**wrote, "deleted": ["cd" * 32] * 101}),
        "a write that does not say what it replaced": look(wrote={"version": 1, "digest": "ab" * 32}),
        "a part without a number of parts": {"part": 1},
        "a number of parts without a part": {"of": 2},
        "part 1 of 1": {"part": 1, "of": 1},
        "part 3 of 2": {"part": 3, "of": 2},
        "part 0 of 2": {"part": 0, "of": 2},
        "a public key that is too short": {"public_key": "ab"},
        "no closed chain in the list of them": {"continues": []},
        "101 closed chains": {"continues": [closed] * 101},
        "a closed chain without a candidate": {"continues": [{"chain": CHAIN, "seq": 1, "candidate": None}]},
    }


def _broken_links() -> Iterator[Refused]:
    first, second, third = _three()
    yield "a byte of an entry changed", "4 digest", 1, [_with_action(first, "dialogue.reaD")]
    yield "a digest without its label", "4 digest", 1, [{**first, "digest": {"B": fixed("another digest")}}]
    yield "an entry of another place", "5 place", 2, [first, {**third, "sk": second["sk"]}]
    renamed = {**first, "pk": {"S": f"chain#{NEXT_CHAIN}"}}
    yield "a chain renamed", "5 place", 1, [renamed]
    yield (
        "broken link: a predecessor that is not the one before",
        "6 link",
        2,
        [first, changed(second, {"prev": "ab" * 32})],
    )
    yield "a first entry that follows another", "6 link", 1, [changed(first, {"prev": "ab" * 32})]
    other = row(replace(READ, action="dialogue.export"), READ_ELEMENTS)
    yield "broken link: the entry before was exchanged by the key's holder", "6 link", 2, [other, second, third]
    yield "a first entry without a public key", "7 environment", 1, [changed(first, {}, without=("public_key",))]
    again = {"public_key": KEY.public.hex()}
    yield "a public key in a second entry", "7 environment", 2, [first, changed(second, again)]
    theirs = changed(second, {"public_key": OTHER.public.hex()}, key=OTHER)
    yield "another key announced in a second entry", "7 environment", 2, [first, theirs]
    closed = {"continues": [{"chain": NEXT_CHAIN, "seq": 1, "candidate": "ab" * 32}]}
    yield "a second entry that continues another chain", "7 environment", 2, [first, changed(second, closed)]
    for name in ("store", "function", "artifact"):
        change = {name: fixed("another").hex() if name == "artifact" else "another"}
        yield f"another {name} in a second entry", "7 environment", 2, [first, changed(second, change)]
    yield "continued by someone else", "8 signature", 3, [first, second, row(READ, [], before=second, key=OTHER)]
    yield "wrong signature: of another key", "8 signature", 1, [changed(first, {}, key=OTHER)]
    yield "wrong signature: of the entry before", "8 signature", 2, [first, {**second, "signature": first["signature"]}]
    bare = {**first, "signature": {"B": KEY._private.sign(first["digest"]["B"])}}
    yield "wrong signature: of the digest without its label", "8 signature", 1, [bare]
    flipped = bytes([first["signature"]["B"][0] ^ 1]) + first["signature"]["B"][1:]
    yield "wrong signature: a bit of it changed", "8 signature", 1, [{**first, "signature": {"B": flipped}}]
    stranger = changed(first, {"public_key": OTHER.public.hex()})
    yield "wrong signature: the key of the first entry exchanged", "8 signature", 1, [stranger]


def _broken_parts() -> Iterator[Refused]:
    first = row(READ, READ_ELEMENTS)
    job = replace(READ, action="dialogue.export_all")
    one = row(job, [asked_element(MARK)], before=first, part=(1, 3))
    yield "part missing: the second of three", "9 parts", 3, [first, one, row(job, [], before=one, part=(3, 3))]
    yield "part missing: the first", "9 parts", 2, [first, row(job, [], before=first, part=(2, 3))]
    yield "part missing: a chain begins with a second", "9 parts", 1, [row(job, [], part=(2, 2))]
    yield "part missing: another activity follows", "9 parts", 3, [first, one, row(READ, [], before=one)]
    yield "a part twice", "9 parts", 3, [first, one, row(replace(job, began=READ.time), [], before=one, part=(1, 3))]
    for name, event, part in [
        ("another event", replace(job, event_id=f"{READ.event_id[:-1]}0"), (2, 3)),
        ("another attempt", replace(job, attempt=2), (2, 3)),
        ("another caller", replace(job, principal="someone"), (2, 3)),
        ("another outcome", replace(job, outcome="denied", problem="forbidden"), (2, 3)),
        ("another number of parts", job, (2, 4)),
    ]:
        yield f"a second part of {name}", "9 parts", 3, [first, one, row(event, [], before=one, part=part)]
    wrote = row(job, [wrote_element(MARK, NEXT)], before=first, part=(1, 2))
    yield "a write before the last part", "9 parts", 2, [first, wrote]


def _with_action(old: Row, action: str) -> Row:
    return {**old, "entry": {"S": old["entry"]["S"].replace("dialogue.read", action)}}


def _size(over: int, step: str | None) -> Json:
    """A row whose entry has 65,536 bytes and `over`, without writing them all out: `begin`, then `x` many times."""
    bare = encode_entry(READ, [kms_element("")], link=Link(CHAIN, 1, bytes(32)), public_key=KEY.public, part=(1, 1))
    begin, end = bare.decode().split('"kms":[""]')
    begin += '"kms":["'
    repeated = "x" * 253 + '","'
    times, rest = divmod(MAX_ENTRY_BYTES + over - len(begin) - len('"]' + end), len(repeated))
    end = "x" * rest + '"]' + end
    encoded = (begin + repeated * times + end).encode()
    made = item_json(signed(encoded))
    return {
        "name": f"{len(encoded)} bytes",
        "step": step,
        "length": len(encoded),
        "begin": begin,
        "repeated": repeated,
        "times": times,
        "end": end,
        "item": {name: value for name, value in made.items() if name != "entry"},
    }


def _continuations() -> Iterator[Json]:
    first, second, third = _three()
    candidate = second["digest"]["B"].hex()
    theirs = row(READ, READ_ELEMENTS, key=OTHER)
    for name, closed, old, seq in [
        ("the candidate was stored", Closed(CHAIN, 2, candidate), [first, second], None),
        ("the candidate was not stored", Closed(CHAIN, 2, candidate), [first], None),
        ("nothing of the old chain was stored", Closed(CHAIN, 1, candidate), [], None),
        ("the old chain is shorter than it was", Closed(CHAIN, 3, candidate), [first], 2),
        ("the old chain is gone", Closed(CHAIN, 2, candidate), [], 1),
        ("the old chain went on", Closed(CHAIN, 2, candidate), [first, second, third], 3),
        ("another entry stands at the place of the candidate", Closed(CHAIN, 2, "ab" * 32), [first, second], 2),
        ("the old chain is another environment's", Closed(CHAIN, 2, candidate), [theirs], 1),
        ("the old chain is another store's", Closed(CHAIN, 2, candidate), [changed(first, {"store": "other"})], 1),
    ]:
        new = row(READ, [], chain=NEXT_CHAIN, continues=(closed,))
        yield {
            "name": name,
            "step": "10 continuation" if seq else None,
            "seq": seq,
            "closed": {"chain": closed.chain, "seq": closed.seq, "candidate": closed.candidate},
            "old": [item_json(row) for row in old],
            "new": [item_json(new)],
        }
