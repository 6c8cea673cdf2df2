"""TagResource, UntagResource, ListResourceTags."""

import unicodedata
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import cast

from twinvault_kms.call import Call, Reply
from twinvault_kms.errors import KmsError
from twinvault_kms.indexes import Names
from twinvault_kms.model import KeyState, PutEntity
from twinvault_kms.pages import marker, page
from twinvault_kms.readiness import refuse_states

_MOST_TAGS = 50
_PUNCTUATION = frozenset("_.:/=+-@")

type Tags = tuple[tuple[str, str], ...]


def tag_resource(call: Call) -> Reply:
    """TagResource: adds tags, or gives a tag that exists another value."""
    key = call.key()
    call.permit(key)
    refuse_states(key, KeyState.PENDING_DELETION)
    return Reply(None, (PutEntity(replace(key, tags=checked_tags(call, key.tags))),))


def untag_resource(call: Call) -> Reply:
    """UntagResource; a name that is not there is no error (API reference)."""
    key = call.key()
    call.permit(key)
    refuse_states(key, KeyState.PENDING_DELETION)
    gone = set(call.texts("TagKeys"))
    return Reply(None, (PutEntity(replace(key, tags=tuple(tag for tag in key.tags if tag[0] not in gone))),))


def list_resource_tags(call: Call) -> Reply:
    """ListResourceTags, in the order of their names."""
    key = call.key()
    call.permit(key)
    values = dict(key.tags)
    names = Names(values).after(marker(call))
    return Reply(page(call, "Tags", names=names, show=partial(_listed, values), default=50, largest=50))


def _listed(values: dict[str, str], name: str) -> dict[str, object]:
    return {"TagKey": name, "TagValue": values[name]}


def checked_tags(call: Call, present: Tags) -> Tags:
    """Return the tags there will be when those of the request join those that are present.

    Raises:
        KmsError: TagException.
    """
    asked = cast("list[dict[str, str]]", call.parameters.get("Tags", []))
    added = {tag["TagKey"]: tag["TagValue"] for tag in asked}
    if len(added) != len(asked):
        raise KmsError("TagException", "Duplicate tag keys")
    if any(name.lower().startswith("aws:") for name in added):
        raise KmsError("TagException", "Tags beginning with aws: are reserved")
    if not all(_is_allowed(character) for character in "".join(chain.from_iterable(added.items()))):
        message = "Tag keys and values hold letters, numbers and spaces of any language, and _ . : / = + - @ only."
        raise KmsError("TagException", message)
    tags = tuple((dict(present) | added).items())
    if len(tags) > _MOST_TAGS:
        raise KmsError("TagException", "Too many tags")
    return tags


def _is_allowed(character: str) -> bool:
    """Whether tags may hold it (AWS Billing user guide, "User-defined tag restrictions")."""
    return character in _PUNCTUATION or unicodedata.category(character)[0] in "LNZ"
