"""`/erasures` and `/holds`: the function that erases, and that keeps what must not be."""

from dialogues.entities import DIALOGUE
from service.erase_routes import add_erase_routes
from service.hold_routes import add_hold_routes
from service.http import Api
from service.receipt_routes import add_receipt_routes
from service.scheduling import Scheduled
from twinvault import Acting, Sweeping, now

api = Api()
add_erase_routes(api)
add_hold_routes(api)
add_receipt_routes(api)


def _sweeping(acting: Acting) -> Sweeping:
    return Sweeping(acting, kinds=[DIALOGUE], now=now)


handler = Scheduled(api, _sweeping, of_erasures=True)
