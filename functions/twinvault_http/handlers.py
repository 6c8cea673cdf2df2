"""The three functions that every store needs, whatever it stores."""

from collections.abc import Iterable

from twinvault import Acting, Maintenance, Sweeping, now
from twinvault_http.epoch_routes import add_epoch_routes
from twinvault_http.erase_routes import add_erase_routes
from twinvault_http.finalize_routes import add_finalize_routes, key_works
from twinvault_http.hold_routes import add_hold_routes
from twinvault_http.http import Api
from twinvault_http.key_routes import add_key_routes
from twinvault_http.kinds import AnyKind, ServedKinds
from twinvault_http.maintenance_routes import add_maintenance_routes, maintenance_of
from twinvault_http.receipt_routes import add_receipt_routes
from twinvault_http.recovering import add_recovery_routes
from twinvault_http.rewrap_routes import add_rewrap_routes
from twinvault_http.scheduling import Scheduled


def keys_handler(kinds: Iterable[AnyKind]) -> Scheduled:
    """`/keys` and a schedule: looks after the keys that a tenant has, and makes new ones where there are some.

    Raises:
        ConfigurationError: no kind, two of one name, or a name that requests' own members have.
    """
    api, served = Api(), ServedKinds(kinds)
    add_key_routes(api, served)
    add_epoch_routes(api, served)
    add_rewrap_routes(api)
    add_finalize_routes(api)
    return Scheduled(api, key_works, of_keys=True)


def maintenance_handler(kinds: Iterable[AnyKind]) -> Scheduled:
    """`/maintenance`, `/recovery` and a schedule: long work, driven by whoever asks and carried on by nobody.

    Raises:
        ConfigurationError: as of `keys_handler`.
    """
    api, served = Api(), ServedKinds(kinds)
    add_recovery_routes(api, served)
    add_maintenance_routes(api, served)

    def maintenance(acting: Acting) -> Maintenance:
        return maintenance_of(acting, served)

    return Scheduled(api, maintenance)


def erasure_handler(kinds: Iterable[AnyKind]) -> Scheduled:
    """`/erasures`, `/holds` and a schedule: erases, and keeps what must not be erased.

    Raises:
        ConfigurationError: as of `keys_handler`.
    """
    api, served = Api(), ServedKinds(kinds)
    add_erase_routes(api, served)
    add_hold_routes(api, served)
    add_receipt_routes(api)

    def sweeping(acting: Acting) -> Sweeping:
        return Sweeping(acting, kinds=served.specs, now=now)

    return Scheduled(api, sweeping, of_erasures=True)
