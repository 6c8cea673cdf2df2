"""The checks that can fail, by name, and where a row stands: what an error says of tampering."""

from dataclasses import dataclass
from enum import StrEnum


class ChainStep(StrEnum):
    """The steps of verifying an audit chain, as docs/audit.md numbers them."""

    ROW = "1 row"
    SIZE = "2 size"
    FORM = "3 form"
    DIGEST = "4 digest"
    PLACE = "5 place"
    LINK = "6 link"
    ENVIRONMENT = "7 environment"
    SIGNATURE = "8 signature"
    PARTS = "9 parts"
    CONTINUATION = "10 continuation"


class ReceiptStep(StrEnum):
    """The steps of verifying a receipt, as docs/receipt.md numbers them."""

    SIZE = "1 size"
    FORM = "2 form"
    SIGNATURE = "3 signature"
    CONTENT = "4 content"


class Step(StrEnum):
    """The checks that stored data must pass, as docs/format.md numbers and names them; the audit log shows the text."""

    # "Open": one record, and at last the head over all of them and the newest mark.
    PLACE = "0 place"
    FORMAT = "1 format"
    KEY_ID = "2 key id"
    LENGTHS = "3 lengths"
    CLEAR = "4 clear attributes"
    COMMITMENT = "5 commitment"
    CIPHERTEXT = "6 ciphertext"
    PADDING = "7 padding"
    PAYLOAD = "8 payload"
    HEAD = "9 head"
    MARK = "10 mark"
    # "Beyond one record".
    MISSING_PARTITION = "missing partition"
    MISSING_KEY = "missing key"
    PLACE_TAKEN = "place taken"
    ERASED_KEY = "erased key"
    KEY_ROWS = "key rows"
    ROOT_KEY = "root key"
    REGISTER = "register form"
    FINGERPRINT = "key fingerprint"
    WORK = "work form"
    HOLDS = "holds form"
    ERASURE = "erasure form"
    TOMBSTONE = "tombstone form"
    MODEL = "model"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a row stands.

    Attributes:
        table: the logical table, `records` or `keys`.
        pk: the partition key.
        sk: the sort key; empty where no single row of the partition is meant.
    """

    table: str
    pk: str
    sk: str = ""
