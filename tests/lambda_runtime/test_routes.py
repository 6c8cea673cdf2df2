import pytest

from twinvault_lambda.config import RouteConfig
from twinvault_lambda.routes import BadPathError, RouteTable, decode_path


@pytest.mark.parametrize(
    ("sent", "delivered"),
    [
        # As captured from a live HTTP API; see the module's docstring.
        pytest.param("/capture/plain", "/capture/plain", id="plain"),
        pytest.param("/capture/space%20value", "/capture/space value", id="space"),
        pytest.param("/capture/question%3Fvalue", "/capture/question", id="cut at a question mark"),
        pytest.param("/capture/hash%23value", "/capture/hash#value", id="hash"),
        pytest.param("/capture/slash%2Fvalue", "/capture/slash/value", id="slash"),
        pytest.param("/capture/unicode-%CE%BB-%E4%B8%96", "/capture/unicode-λ-世", id="unicode"),
        pytest.param("/capture/literal%252Fvalue", "/capture/literal/value", id="decoded twice"),
        pytest.param("/capture/literal%253Fvalue", "/capture/literal?value", id="cut only after the first decoding"),
        pytest.param("/capture/literal%2525value", "/capture/literal%value", id="percent survives two decodings"),
        # Ours, by the same rules.
        pytest.param("/a+b", "/a+b", id="plus is no space in a path"),
        pytest.param("/", "/", id="root"),
    ],
)
def test_paths_are_decoded_as_an_http_api_decodes_them(sent, delivered):
    assert decode_path(sent) == delivered


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param("/capture/percent%25done", id="captured: a lone percent sign after the first decoding"),
        pytest.param("/a%zz", id="no hexadecimal digits"),
        pytest.param("/a%2", id="one digit"),
    ],
)
def test_paths_that_do_not_decode_are_refused(sent):
    with pytest.raises(BadPathError):
        decode_path(sent)


ROUTES = RouteTable(
    RouteConfig.from_key(key, function="f")
    for key in (
        "POST /dialogues/import",
        "GET /dialogues",
        "GET /dialogues/{id}",
        "ANY /dialogues/{id}",
        "GET /dialogues/{id}/export",
        "GET /dialogues/{proxy+}",
        "GET /pets/dog/1",
        "GET /pets/dog/{id}",
        "GET /pets/{proxy+}",
        "ANY /{proxy+}",
        "$default",
    )
)


@pytest.mark.parametrize(
    ("method", "path", "key", "parameters"),
    [
        # The example of "Create routes for HTTP APIs".
        pytest.param("GET", "/pets/dog/1", "GET /pets/dog/1", {}, id="full match"),
        pytest.param("GET", "/pets/dog/2", "GET /pets/dog/{id}", {"id": "2"}, id="variable"),
        pytest.param("GET", "/pets/cat/1", "GET /pets/{proxy+}", {"proxy": "cat/1"}, id="greedy"),
        pytest.param("POST", "/test/5", "ANY /{proxy+}", {"proxy": "test/5"}, id="any method"),
        pytest.param("POST", "/dialogues/import", "POST /dialogues/import", {}, id="exact before a variable"),
        pytest.param("GET", "/dialogues/import", "GET /dialogues/{id}", {"id": "import"}, id="exact of another method"),
        pytest.param("PUT", "/dialogues/x", "ANY /dialogues/{id}", {"id": "x"}, id="own method before ANY"),
        pytest.param("GET", "/dialogues/x/export", "GET /dialogues/{id}/export", {"id": "x"}, id="two segments"),
        pytest.param("GET", "/dialogues/x/y", "GET /dialogues/{proxy+}", {"proxy": "x/y"}, id="greedy with slashes"),
        pytest.param("GET", "/dialogues", "GET /dialogues", {}, id="no variable needed"),
        pytest.param("GET", "/dialogues/", "ANY /{proxy+}", {"proxy": "dialogues/"}, id="a variable takes something"),
        pytest.param("GET", "/", "$default", {}, id="a greedy variable takes something too"),
    ],
)
def test_the_route_with_the_best_match_is_taken(method, path, key, parameters):
    match = ROUTES.match(method, path)
    assert match is not None
    assert (match.route.key, match.parameters) == (key, parameters)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        pytest.param("POST", "/dialogues/x", id="another method"),
        pytest.param("GET", "/dialogues/a/b", id="a slash too many, as an encoded one becomes"),
        pytest.param("GET", "/dialogues/", id="an empty variable"),
        pytest.param("GET", "/Dialogues/x", id="case matters"),
        pytest.param("GET", "/", id="root"),
    ],
)
def test_without_a_default_route_the_rest_is_not_found(method, path):
    assert RouteTable([RouteConfig.from_key("GET /dialogues/{id}", function="f")]).match(method, path) is None
