"""Request rows: their names, with every value in between, and the row itself."""

from tests.vectors.material import DEK, DEK_ID, IDX, KIND, TENANT, Json, fixed, item_of, sealed_vector
from twinvault.envelope import Label
from twinvault.envelope.aad import lp
from twinvault.envelope.item import from_item, open_found
from twinvault.envelope.subkeys import request_key
from twinvault.envelope.suite import DerivationKey
from twinvault.keys.rows import NamedKey
from twinvault.records.record import TABLE, Stamp
from twinvault.records.requests import Idempotency, NewAnswer, request_name, requests_key, seal_answer
from twinvault.scope import Scope

_SCOPE = Scope(TENANT, KIND, DEK_ID.split("#")[2])
_WHEN = "2026-11-23T10:30:00.041999Z"
_CALLERS = [
    ("auth0|5f7c8ec7c33c6c004bbafe82", "7f2c-first"),
    ("auth0|5f7c8ec7c33c6c004bbafe827", "f2c-first"),
    ("é", "~"),
]


def requests() -> Json:
    """The document."""
    return {"index_key": IDX.hex(), "names": [_named(principal, key) for principal, key in _CALLERS], "rows": [_row()]}


def _named(principal: str, key: str) -> Json:
    name = request_name(Idempotency(key, b""), principal=principal, index_key=IDX)
    message = lp(principal.encode()) + lp(key.encode())
    return {
        "principal": principal,
        "key": key,
        "sub_key": request_key(IDX).hex(),
        "hmac_input": message.hex(),
        "sk": name,
    }


def _row() -> Json:
    """What the library writes, sealed again with its values shown."""
    name = "a request row"
    stamp = Stamp(8, _WHEN, _WHEN, fixed(f"{name}: salt"), fixed(f"{name}: nonce", 12))
    asked = NewAnswer(_named(*_CALLERS[0])["sk"], fixed("request"))
    row = seal_answer(asked, fixed("head 8"), scope=_SCOPE, key=NamedKey(DEK_ID, DEK), stamp=stamp)
    found = from_item(row, table=TABLE, tenant=TENANT, pk=requests_key(_SCOPE))
    plaintext = open_found(found, key=DerivationKey(DEK), label=Label.REQUEST).plaintext
    made = sealed_vector(name, plaintext, context=found.context, key=DEK, label=Label.REQUEST)
    assert item_of(made["item"]) == row  # a generator's own check: the row is the library's, to the byte
    return made
