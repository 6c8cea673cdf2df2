"""`/maintenance` and a schedule: the function that does long work, driven by whoever asks and carried on by nobody."""

from service.http import Api
from service.maintenance_routes import add_maintenance_routes, maintenance
from service.recovering import add_routes
from service.scheduling import Scheduled

api = Api()
add_routes(api)
add_maintenance_routes(api)

handler = Scheduled(api, maintenance)
