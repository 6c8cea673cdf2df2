"""Twinvault over HTTP: what a Lambda function behind an API Gateway needs to serve records of any domain.

This is the public surface (docs/http.md). Nothing is read from the environment and no client is made before a function
is called for the first time.
"""

from twinvault_http.access import (
    ERASE_FINAL,
    ERASE_HOLD,
    ERASE_REQUEST,
    MAINTAIN,
    READ_KEYS,
    REVOKE_KEYS,
    ROTATE_KEYS,
)
from twinvault_http.bodies import asked_in, require_empty
from twinvault_http.events import HttpEvent
from twinvault_http.handlers import erasure_handler, keys_handler, maintenance_handler
from twinvault_http.http import LONGEST_SECONDS, About, Api, RouteFunction
from twinvault_http.ids import id_from_path
from twinvault_http.kinds import AnyKind, ServedKind
from twinvault_http.messages import Answer, Request
from twinvault_http.problems import Problem, problem_of, problems
from twinvault_http.scheduling import Scheduled
from twinvault_http.settings import Settings
from twinvault_http.wiring import Service, service

__all__ = [
    "ERASE_FINAL",
    "ERASE_HOLD",
    "ERASE_REQUEST",
    "LONGEST_SECONDS",
    "MAINTAIN",
    "READ_KEYS",
    "REVOKE_KEYS",
    "ROTATE_KEYS",
    "About",
    "Answer",
    "AnyKind",
    "Api",
    "HttpEvent",
    "Problem",
    "Request",
    "RouteFunction",
    "Scheduled",
    "ServedKind",
    "Service",
    "Settings",
    "asked_in",
    "erasure_handler",
    "id_from_path",
    "keys_handler",
    "maintenance_handler",
    "problem_of",
    "problems",
    "require_empty",
    "service",
]
