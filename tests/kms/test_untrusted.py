"""Whatever is sent, only the API's own errors come back: nothing that a caller sends ends in an internal error."""

import base64
import json
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.kms.engines import InProcess, in_process
from twinvault_kms.core import OPERATIONS
from twinvault_kms.errors import KmsError
from twinvault_kms.validate import service, validated

# Drawing an RSA key takes as long as everything else here together.
SLOW = {"CreateKey", "GenerateDataKeyPair", "GetParametersForImport"}
SCALARS = st.none() | st.booleans() | st.integers(-2, 5_000) | st.floats(allow_nan=False) | st.text(max_size=12)
DOCUMENTS = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcess]:
    with in_process(tmp_path_factory.mktemp("untrusted")) as engine:
        yield engine


@pytest.fixture(scope="module")
def names(engine: InProcess) -> list[str]:
    """Keys of several kinds, and an alias: so that the requests reach further than to a key that does not exist."""
    kinds = [
        {},
        {"Origin": "EXTERNAL"},
        {"KeySpec": "HMAC_256", "KeyUsage": "GENERATE_VERIFY_MAC"},
        {"KeySpec": "ECC_NIST_EDWARDS25519", "KeyUsage": "SIGN_VERIFY"},
        {"KeySpec": "RSA_2048", "KeyUsage": "ENCRYPT_DECRYPT"},
    ]
    ids = [engine.key(**kind) for kind in kinds]
    engine.ask("CreateAlias", AliasName="alias/fuzz", TargetKeyId=ids[0])
    return [*ids, "alias/fuzz", f"arn:aws:kms:eu-central-1:000000000000:key/{ids[0]}"]


def _ask(engine: InProcess, operation: str, document: object) -> None:
    try:
        engine.raw(operation, json.dumps(document).encode())
    except KmsError as error:
        assert error.status == 400, (operation, error.code)  # noqa: PT017  # the other outcome, no error, is as good


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(operation=st.sampled_from(sorted(OPERATIONS)), document=DOCUMENTS)
def test_any_json_is_answered(engine: InProcess, operation: str, document: object):
    if operation not in SLOW:
        _ask(engine, operation, document)


@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_parameters_of_an_operation_are_answered(engine: InProcess, names: list[str], data: st.DataObject):
    operation = data.draw(st.sampled_from(sorted(set(OPERATIONS) - SLOW)))
    shape = service().operation_model(operation).input_shape
    assert shape is not None
    document = {}
    for name, member in shape.members.items():
        if name not in shape.required_members and data.draw(st.booleans()):
            continue
        if name.endswith("KeyId"):
            document[name] = data.draw(st.sampled_from(names))
        elif getattr(member, "enum", None):
            document[name] = data.draw(st.sampled_from(member.enum))
        elif member.type_name == "blob":
            document[name] = base64.b64encode(data.draw(st.binary(min_size=1, max_size=200))).decode()
        else:
            document[name] = data.draw(_fitting(member.type_name))
    _ask(engine, operation, document)


def _fitting(kind: str) -> st.SearchStrategy[object]:
    texts = st.text(max_size=6)
    strategies: dict[str, st.SearchStrategy[object]] = {
        "boolean": st.booleans(),
        "integer": st.integers(1, 400),
        "string": texts,
        "list": st.lists(texts, max_size=2),
        "map": st.dictionaries(texts, texts, max_size=2),
        "timestamp": st.floats(0, 4e9),
    }
    return strategies.get(kind, DOCUMENTS)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"\xff\xfe", id="not UTF-8"),
        pytest.param(b'{"KeyId": "\\ud800"}', id="half a character"),
        pytest.param(b"[" * 100_000, id="nested without end"),
        pytest.param(b'{"KeyId": NaN}', id="not a number"),
        pytest.param(b'{"Limit": 1e400}', id="infinity"),
        pytest.param(b'{"Limit": ' + b"9" * 5_000 + b"}", id="a very long number"),
    ],
)
def test_bodies_that_parsers_stumble_over_are_refused(engine: InProcess, body: bytes):
    with pytest.raises(KmsError) as caught:
        engine.raw("ListAliases", body)
    assert caught.value.code in {"SerializationException", "ValidationException"}


def test_absent_and_null_are_the_same():
    assert validated("ListKeys", {"Limit": None}) == validated("ListKeys", {}) == {}
