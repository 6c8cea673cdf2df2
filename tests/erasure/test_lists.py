"""Lists, and what is found by a value, leave out what was erased, and tell nothing of it."""

from tests.erasure.samples import erase, filled
from tests.erasure.test_sweeping import acting
from tests.records import clubs
from tests.records.samples import LEDGER
from tests.stores import World
from twinvault.erasure.act import Eraser
from twinvault.scope import Scope


def test_a_list_leaves_out_what_was_erased_and_is_not_swept(world: World) -> None:
    scopes = [Scope("acme", "ledger", name) for name in ("p1", "p2", "p3")]
    for scope in scopes:
        filled(world, scope)
    erase(world, scopes[1])
    for there in (world, world.another_environment()):
        with acting(there) as one:
            listing = one.listing(LEDGER)
            assert listing
            page = listing.open_page(["line#0001"], status=None, limit=10, cursor=None)
            each = listing.open_each(scopes, ["head", "line#0001"])
            complete = listing.open_complete(scopes, ["line#0001"])
        for found in (page, each, complete):
            assert sorted(opened.scope.partition for opened in found) == ["p1", "p3"]
            assert found.refused == []


def test_what_is_found_leaves_out_what_was_erased_and_is_not_swept(world: World) -> None:
    for name in ("c1", "c2", "c3"):
        clubs.put(world, name, clubs.person(1))
    Eraser(world.vault).erase_partition(Scope("acme", "club", "c2"), clubs.CLUB, activity=world.activity())
    for there in (world, world.another_environment()):
        page = clubs.find_page(there, email=clubs.ADA)
        assert sorted(scope for scope, _ in clubs.places(page)) == ["c1", "c3"]
        assert page.refused == ()
