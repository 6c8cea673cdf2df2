"""Everything the KMS knows, in memory. It changes only through `apply`, with changes that are already on disk.

No question of an operation costs more the more keys, aliases and grants there are: each has its index.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain

from twinvault_kms.indexes import Names, Schedule
from twinvault_kms.model import Alias, Change, Counter, DropEntity, Entity, Grant, Key, PutEntity, place_of

_NONE = Names()


class Catalog:
    """Keys, aliases and grants, and the indexes that questions need."""

    def __init__(self) -> None:
        self.keys: dict[str, Key] = {}
        self.aliases: dict[tuple[str, str, str], Alias] = {}
        self.grants: dict[str, Grant] = {}
        self.counter = Counter(keys=0)
        self.schedule = Schedule()
        self._indexes: defaultdict[tuple[str, ...], Names] = defaultdict(Names)
        self._named: dict[Grant, str] = {}

    def apply(self, changes: Iterable[Change]) -> None:
        """Make the changes visible."""
        for change in changes:
            match change:
                case PutEntity(entity):
                    self._put(entity)
                case DropEntity(entity):
                    self._drop(entity)

    def entities(self) -> list[Entity]:
        """Return all that is needed to build this catalog again."""
        return [self.counter, *self.keys.values(), *self.aliases.values(), *self.grants.values()]

    def keys_in(self, account: str, region: str) -> Names:
        """Return the ids of an account's keys in a region."""
        return self._index("keys", account, region)

    def aliases_in(self, account: str, region: str) -> Names:
        """Return the names of an account's aliases in a region."""
        return self._index("aliases", account, region)

    def related(self, key: Key) -> list[Key]:
        """Return the keys that share this one's id, itself among them, in the order of their Regions."""
        if not key.multi_region:
            return [key]
        return [self.keys[place_of(key.key_id, region)] for region in self._index("regions", key.key_id).after()]

    def aliases_of(self, key: Key) -> Names:
        """Return the names of the aliases of this key."""
        return self._index("aliases of", key.place)

    def grants_on(self, key: Key) -> Names:
        """Return the ids of the grants on this key."""
        return self._index("grants on", key.place)

    def granted(self, key: Key, grantee: str) -> Names:
        """Return the ids of the grants on this key to one principal or service."""
        return self._index("granted", key.place, grantee)

    def retirable(self, principal: str) -> Names:
        """Return the ids of the grants that name this principal or service as the one who may retire them."""
        return self._index("retirable", principal)

    def grants_to(self, key: Key, principals: Iterable[str]) -> Iterator[Grant]:
        """Yield the grants on this key to these principals."""
        found = chain.from_iterable(self.granted(key, principal).after() for principal in principals)
        return (self.grants[grant_id] for grant_id in found)

    def like(self, grant: Grant) -> Grant | None:
        """Return the grant that says the same, under the same name; one without a name is like none."""
        found = self._named.get(_said(grant)) if grant.name else None
        return self.grants[found] if found else None

    def _index(self, *place: str) -> Names:
        return self._indexes.get(place, _NONE)

    def _put(self, entity: Entity) -> None:
        match entity:
            case Key():
                self.keys[entity.place] = entity
                self.schedule.put(entity.place, due_at(entity))
            case Alias():
                if former := self.aliases.get((entity.account, entity.region, entity.name)):
                    self._drop(former)
                self.aliases[entity.account, entity.region, entity.name] = entity
            case Grant():
                self.grants[entity.grant_id] = entity
                if entity.name:
                    self._named[_said(entity)] = entity.grant_id
            case Counter():
                self.counter = entity
                return
        for place, name in _places(entity):
            self._indexes[place].add(name)

    def _drop(self, entity: Key | Alias | Grant) -> None:
        for place, name in _places(entity):
            self._indexes[place].discard(name)
        match entity:
            case Alias():
                self.aliases.pop((entity.account, entity.region, entity.name), None)
            case Grant():
                self.grants.pop(entity.grant_id, None)
                if self._named.get(_said(entity)) == entity.grant_id:
                    del self._named[_said(entity)]
            case Key():
                for name in self.aliases_of(entity).whole():
                    self._drop(self.aliases[entity.account, entity.region, name])
                for grant_id in self.grants_on(entity).whole():
                    self._drop(self.grants[grant_id])
                self.schedule.drop(entity.place)
                self.keys.pop(entity.place, None)


def _places(entity: Key | Alias | Grant) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield the indexes that an entity stands in, and its name there."""
    match entity:
        case Key():
            yield ("keys", entity.account, entity.region), entity.key_id
            if entity.multi_region:
                yield ("regions", entity.key_id), entity.region
        case Alias():
            yield ("aliases", entity.account, entity.region), entity.name
            yield ("aliases of", entity.place), entity.name
        case Grant():
            yield ("grants on", entity.place), entity.grant_id
            for grantee in filter(None, (entity.grantee, entity.grantee_service)):
                yield ("granted", entity.place, grantee), entity.grant_id
            for retiring in filter(None, (entity.retiring, entity.retiring_service)):
                yield ("retirable", retiring), entity.grant_id


def _said(grant: Grant) -> Grant:
    """Return what a grant says, apart from which one it is and since when."""
    return replace(grant, grant_id="", created=0.0)


def due_at(key: Key) -> float:
    """Return when something happens to this key by itself: deletion, rotation, or the end of imported material."""
    if key.deletion_date is not None:
        return key.deletion_date
    times = [each.valid_to for each in key.materials if each.valid_to is not None and each.sealed is not None]
    if key.next_rotation is not None and key.enabled and not key.is_replica:
        times.append(key.next_rotation)
    return min(times, default=float("inf"))
