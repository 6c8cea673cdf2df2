"""`GET /erasures/{id}/receipt`: what an erasure is worth, signed (docs/receipt.md)."""

from twinvault import CopiesKept, Receipts, now
from twinvault_http.erase_routes import ANYBODY
from twinvault_http.http import LONGEST_SECONDS, Api
from twinvault_http.messages import Answer, Request
from twinvault_http.settings import Settings
from twinvault_http.wiring import service


def add_receipt_routes(api: Api) -> None:
    """Declares them."""

    @api.route("GET /erasures/{id}/receipt", permission=ANYBODY, action="erase.receipt")
    def receipt(request: Request) -> Answer:
        """What holds now: one that is asked for later may say more."""
        receipts = Receipts(request.acting, kept(service().settings), now)
        return Answer(200, receipts.of(request.parameters["id"]))


def kept(settings: Settings) -> CopiesKept:
    """For how long this stage keeps what could open an erased key."""
    return CopiesKept(
        keys_recovery_days=settings.keys_recovery_days,
        backup_days=settings.backup_days,
        key_ttl_seconds=settings.key_ttl_seconds,
        longest_seconds=LONGEST_SECONDS,
    )
