"""Marks: which partition or register a mark, and an audit entry, is about. Pure."""

import hashlib


def head_mark_key(partition_pk: str) -> str:
    """The marks' partition key of a partition of the records table: head#{hex SHA-256(LP("records") LP(pk))}."""
    fields = (b"records", partition_pk.encode(errors="replace"))
    return f"head#{hashlib.sha256(b''.join(len(one).to_bytes(4) + one for one in fields)).hexdigest()}"


def register_mark_key(tenant: str) -> str:
    """The marks' partition key of a tenant's register."""
    return f"register#{tenant}"
