"""Contracts, tested on real engines: what twinvault_testing is for (docs/testing.md)."""

import pytest

from twinvault import Clear, DependencyError, KeyRefused, Kind, Record, Vault
from twinvault_testing import FaultsByName, MovableClock, OwnStore


class Terms(Record, sk="terms"):
    """What a contract says."""

    vendor: Clear[str]
    price: str


CONTRACT = Kind("contract", [Terms])


def sign(vault: Vault, name: str, price: str = "12,000 EUR a year") -> None:
    with vault.acting(tenant="acme", principal="u-17", action="contract.sign") as acting:
        acting.partition(CONTRACT, name).put(Terms(vendor="initech", price=price))


def price_of(vault: Vault, name: str) -> str | None:
    with vault.acting(tenant="acme", principal="u-18", action="contract.read") as acting:
        terms = acting.partition(CONTRACT, name).get(Terms)
        return terms.price if terms else None


def three_contracts(store: OwnStore) -> None:
    for number in range(3):
        sign(store.vault, f"c-{number}")


@pytest.fixture
def signed(store: OwnStore) -> Vault:
    """A vault that holds three contracts: filled once, copied for each test."""
    return store.filled(three_contracts)


def test_a_price_is_read_back_and_the_table_does_not_show_it(vault: Vault, store: OwnStore) -> None:
    sign(vault, "c-1")
    assert price_of(vault, "c-1") == "12,000 EUR a year"
    assert "12,000" not in repr(store.items())


def test_a_price_is_changed(signed: Vault) -> None:
    sign(signed, "c-1", price="nothing")
    assert price_of(signed, "c-1") == "nothing"


def test_what_another_test_changed_is_as_it_was(signed: Vault) -> None:
    assert price_of(signed, "c-1") == "12,000 EUR a year"


def test_a_write_that_is_throttled_once_is_made_all_the_same(signed: Vault, faults: FaultsByName) -> None:
    with faults.throttled("PartiQLInsert", times=1):
        sign(signed, "c-4")
    assert price_of(signed, "c-4") == "12,000 EUR a year"


def test_a_write_whose_answer_is_lost_is_made_once(signed: Vault, faults: FaultsByName) -> None:
    with faults.lost_answer("ExecuteTransaction", times=1):
        sign(signed, "c-4")
    assert price_of(signed, "c-4") == "12,000 EUR a year"


def test_a_write_that_is_denied_leaves_nothing(signed: Vault, faults: FaultsByName) -> None:
    with faults.access_denied("PartiQLInsert"), pytest.raises(DependencyError):
        sign(signed, "c-4")
    assert price_of(signed, "c-4") is None


def test_a_disabled_key_is_refused_when_those_in_memory_are_old(
    signed: Vault, clock: MovableClock, faults: FaultsByName
) -> None:
    assert price_of(signed, "c-1")
    with faults.key_disabled():
        assert price_of(signed, "c-1"), "the keys are in memory"
        clock.move(minutes=6)
        with pytest.raises(KeyRefused):
            price_of(signed, "c-1")
