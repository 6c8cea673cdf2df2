import pytest

from twinvault_lambda import cors
from twinvault_lambda.config import CorsConfig
from twinvault_serving.exchange import HttpRequest, HttpResponse

APP = "https://app.example"
CONFIG = CorsConfig(
    allow_origins=(APP,),
    allow_methods=("GET", "POST"),
    allow_headers=("authorization",),
    expose_headers=("apigw-requestid",),
    max_age_seconds=300,
    allow_credentials=True,
)


def request(method="GET", **headers):
    pairs = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return HttpRequest(method=method, raw_path="/", raw_query="", headers=pairs, source_ip="127.0.0.1")


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        pytest.param(request("OPTIONS", origin=APP, access_control_request_method="PUT"), True, id="both headers"),
        pytest.param(request("OPTIONS", origin=APP), False, id="no method asked for"),
        pytest.param(request("OPTIONS", access_control_request_method="PUT"), False, id="no origin"),
        pytest.param(request("GET", origin=APP, access_control_request_method="PUT"), False, id="not OPTIONS"),
    ],
)
def test_a_preflight_request_is_options_with_both_headers(asked, expected):
    assert cors.is_preflight(asked) is expected


def test_a_preflight_of_an_allowed_origin_gets_the_configuration():
    assert cors.preflight(request("OPTIONS", origin=APP), CONFIG) == HttpResponse(
        status=204,
        headers=(
            ("access-control-allow-origin", APP),
            ("access-control-allow-credentials", "true"),
            ("access-control-allow-methods", "GET,POST"),
            ("access-control-allow-headers", "authorization"),
            ("access-control-max-age", "300"),
        ),
    )


def test_a_preflight_of_another_origin_gets_nothing():
    assert cors.preflight(request("OPTIONS", origin="https://evil.example"), CONFIG) == HttpResponse(status=204)


@pytest.mark.parametrize(
    ("configured", "origin", "allowed"),
    [
        pytest.param("*", APP, "*", id="any"),
        pytest.param("https://*", APP, APP, id="any over TLS"),
        pytest.param("https://*", "http://app.example", None, id="not over TLS"),
        pytest.param(APP, APP, APP, id="exact"),
        pytest.param(APP, f"{APP}.evil", None, id="longer"),
        pytest.param(APP, "null", None, id="null"),
    ],
)
def test_origins_are_matched_exactly_or_by_the_two_wildcards(configured, origin, allowed):
    response = cors.apply(request(origin=origin), HttpResponse(status=200), CorsConfig(allow_origins=(configured,)))
    assert dict(response.headers).get("access-control-allow-origin") == allowed


def test_cors_headers_of_the_integration_are_replaced():
    backend = HttpResponse(status=200, headers=(("access-control-allow-origin", "*"), ("x-kept", "1")), body=b"x")
    assert cors.apply(request(origin=APP), backend, CONFIG) == HttpResponse(
        status=200,
        headers=(
            ("x-kept", "1"),
            ("access-control-allow-origin", APP),
            ("access-control-allow-credentials", "true"),
            ("access-control-expose-headers", "apigw-requestid"),
        ),
        body=b"x",
    )


def test_a_request_without_origin_gets_no_cors_headers():
    backend = HttpResponse(status=200, headers=(("access-control-allow-origin", "*"),))
    assert cors.apply(request(), backend, CONFIG) == HttpResponse(status=200)
