"""What app.py declares is what the handlers serve: a route that one of them lacks would be a 404 or a dead end."""

import importlib

import pytest

from app import APPLICATION


@pytest.mark.parametrize("name", [spec.name for spec in APPLICATION.functions])
def test_a_function_serves_the_routes_that_are_declared_for_it(name: str) -> None:
    (spec,) = (one for one in APPLICATION.functions if one.name == name)
    module, _, attribute = spec.handler.rpartition(".")
    handler = getattr(importlib.import_module(module), attribute)
    assert {f"{method} {path}" for method, path in spec.routes} == handler.keys
