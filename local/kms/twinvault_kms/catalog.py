"""Everything the KMS knows, in memory. It changes only through `apply`, with changes that are already on disk."""

from collections.abc import Iterable

from twinvault_kms.model import Alias, Change, Counter, DropEntity, Entity, Grant, Key, PutEntity


class Catalog:
    """Keys, aliases and grants, and the indexes that questions need."""

    def __init__(self) -> None:
        self.keys: dict[str, Key] = {}
        self.aliases: dict[tuple[str, str, str], Alias] = {}
        self.grants: dict[str, Grant] = {}
        self.key_grants: dict[str, dict[str, Grant]] = {}
        self.key_aliases: dict[str, dict[str, Alias]] = {}
        self.counter = Counter(keys=0)
        self.next_due = float("inf")

    def apply(self, changes: Iterable[Change]) -> None:
        """Make the changes visible."""
        for change in changes:
            match change:
                case PutEntity(entity):
                    self._put(entity)
                case DropEntity(entity):
                    self._drop(entity)

    def schedule(self) -> None:
        """Find out anew when something is due. `next_due` may be early after changes, never late."""
        self.next_due = min((due_at(key) for key in self.keys.values()), default=float("inf"))

    def entities(self) -> list[Entity]:
        """Return all that is needed to build this catalog again."""
        return [self.counter, *self.keys.values(), *self.aliases.values(), *self.grants.values()]

    def aliases_of(self, key_id: str) -> list[Alias]:
        """Return the aliases that name this key, in the order of their names."""
        return sorted(self.key_aliases.get(key_id, {}).values(), key=lambda each: each.name)

    def grants_on(self, key_id: str) -> Iterable[Grant]:
        """Return the grants on this key."""
        return self.key_grants.get(key_id, {}).values()

    def _put(self, entity: Entity) -> None:
        match entity:
            case Key():
                self.keys[entity.key_id] = entity
                self.next_due = min(self.next_due, due_at(entity))
            case Alias():
                if former := self.aliases.get((entity.account, entity.region, entity.name)):
                    self._drop(former)
                self.aliases[entity.account, entity.region, entity.name] = entity
                self.key_aliases.setdefault(entity.key_id, {})[entity.name] = entity
            case Grant():
                self.grants[entity.grant_id] = entity
                self.key_grants.setdefault(entity.key_id, {})[entity.grant_id] = entity
            case Counter():
                self.counter = entity

    def _drop(self, entity: Key | Alias | Grant) -> None:
        match entity:
            case Alias():
                self.aliases.pop((entity.account, entity.region, entity.name), None)
                self.key_aliases.get(entity.key_id, {}).pop(entity.name, None)
            case Grant():
                self.grants.pop(entity.grant_id, None)
                self.key_grants.get(entity.key_id, {}).pop(entity.grant_id, None)
            case Key():
                for alias in self.aliases_of(entity.key_id):
                    self._drop(alias)
                for grant in list(self.grants_on(entity.key_id)):
                    self._drop(grant)
                self.key_grants.pop(entity.key_id, None)
                self.key_aliases.pop(entity.key_id, None)
                self.keys.pop(entity.key_id, None)


def due_at(key: Key) -> float:
    """Return when something happens to this key by itself: deletion, rotation, or the end of imported material."""
    if key.deletion_date is not None:
        return key.deletion_date
    times = [each.valid_to for each in key.materials if each.valid_to is not None and each.sealed is not None]
    if key.next_rotation is not None and key.enabled:
        times.append(key.next_rotation)
    return min(times, default=float("inf"))
