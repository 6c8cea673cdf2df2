"""What a function was not granted is refused when it is tried with the function's own credentials.

On AWS they are had in a stage alone whose `disposable` is true; elsewhere these checks are skipped, and say so.
IAM User Guide, "Policy evaluation logic"; KMS Developer Guide, "Key policies in AWS KMS".
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from tests.parity.attempts import DENIED, NEVER, NOT_APPENDING, ON_A_TABLE, READ_INDEX, Place, answer
from tests.parity.target import TABLES, Target
from tests.parity.templates import functions, granted, role_arn

pytestmark = pytest.mark.xdist_group("parity")

CALLER = "provisioner"  # what the twin calls whoever runs the suite
FUNCTIONS = ("import", "read", "keys", "maintain", "erase")
MAKES_KEYS = {"import": {"kek", "register"}, "keys": {"kek"}}
REWRAPS_KEYS = "keys"
SIGNS_RECEIPTS = "erase"


class Acting:
    """A function, as which calls are made."""

    def __init__(self, target: Target, name: str) -> None:
        self._target, self.name = target, name
        self._made: list[Any] = []

    def client(self, service: str) -> Any:
        """A client with the function's own credentials; skips where the stage does not give them."""
        credentials = self._target.function_credentials(self.name)
        if credentials is None:
            pytest.skip(f"stage {self._target.stage} is not disposable: its roles trust Lambda alone")
        self._made.append(self._target.client(service, credentials))
        return self._made[-1]

    def close(self) -> None:
        """End the clients' connections."""
        for one in self._made:
            one.close()


@pytest.fixture(params=FUNCTIONS)
def function(request: pytest.FixtureRequest, target: Target) -> Iterator[Acting]:
    acting = Acting(target, request.param)
    yield acting
    acting.close()


@pytest.fixture
def all_denied(announce: Callable[[str, Iterable[str]], None]) -> Callable[..., None]:
    """Makes attempts, by the action that each is; every one must be denied."""

    def check(caller: str, service: str, attempts: Mapping[str, Callable[[], Any]]) -> None:
        assert attempts
        announce(caller, {f"{service}:{name.partition(' ')[0]}" for name in attempts})
        answers = {name: answer(attempt) for name, attempt in attempts.items()}
        assert {name: code for name, code in answers.items() if code != DENIED} == {}

    return check


def context(target: Target, purpose: str) -> dict[str, str]:
    """The encryption context of a key of this purpose, complete, for a tenant of the suite's own."""
    names = {"purpose": purpose, "format": "1", "store": _store(target), "tenant": "parity-denied", "epoch": "1"}
    return {f"twinvault:{name}": value for name, value in {**names, "key": "0f" * 16}.items()}


def place_of(target: Target, dynamodb: Any, logical: str) -> Place:
    """A table of the stage, as whoever runs the suite sees it."""
    return Place(dynamodb.describe_table(TableName=target.table(logical))["Table"], target.table_arn(logical))


def _store(target: Target) -> str:
    stores = {
        resource["Properties"]["Environment"]["Variables"]["TWINVAULT_STORE"]
        for resource in target.templates["Api"]["Resources"].values()
        if resource["Type"] == "AWS::Lambda::Function"
    }
    (store,) = stores
    return str(store)


def test_the_functions_that_are_tried_are_those_that_there_are(target: Target) -> None:
    assert set(functions(target)) == set(FUNCTIONS)


def test_no_function_is_granted_what_none_may_ever_do(target: Target, function: Acting) -> None:
    assert {(action, where) for action, where in granted(target, function.name) if action in NEVER} == set()


@pytest.mark.parametrize("logical", TABLES)
def test_what_a_function_was_not_granted_on_a_table_is_denied(
    target: Target,
    dynamodb: Any,
    all_denied: Callable[..., None],
    function: Acting,
    logical: str,
) -> None:
    place = place_of(target, dynamodb, logical)
    mine, caller = granted(target, function.name), function.client("dynamodb")
    forbidden = {name: attempt for name, attempt in ON_A_TABLE.items() if (name, logical) not in mine}
    assert len(forbidden) > len(ON_A_TABLE) // 2
    all_denied(
        function.name, "dynamodb", {name: partial(attempt, caller, place) for name, attempt in forbidden.items()}
    )


def test_what_a_function_was_not_granted_on_an_index_is_denied(
    target: Target, dynamodb: Any, all_denied: Callable[..., None], function: Acting
) -> None:
    records = place_of(target, dynamodb, "Records")
    mine, caller = granted(target, function.name), function.client("dynamodb")
    forbidden = {
        f"{name} {index['IndexName']}": partial(attempt, caller, replace(records, index=index["IndexName"]))
        for index in records.description["GlobalSecondaryIndexes"]
        for name, attempt in READ_INDEX.items()
        if (name, f"Records/index/{index['IndexName']}") not in mine
    }
    all_denied(function.name, "dynamodb", forbidden)


def test_no_function_follows_a_stream(
    target: Target, dynamodb: Any, all_denied: Callable[..., None], function: Acting
) -> None:
    described = [dynamodb.describe_table(TableName=target.table(logical))["Table"] for logical in TABLES]
    streams = [one["LatestStreamArn"] for one in described if "LatestStreamArn" in one]
    if not streams:
        pytest.skip("no table of this stage has a stream")
    caller = function.client("dynamodbstreams")
    describe = {f"DescribeStream {arn}": partial(caller.describe_stream, StreamArn=arn) for arn in streams}
    all_denied(function.name, "dynamodb", describe)


def test_a_statement_of_a_batch_is_denied_by_itself(
    target: Target, announce: Callable[[str, Iterable[str]], None], function: Acting
) -> None:
    announce(function.name, ["dynamodb:PartiQLSelect"])
    select = f"SELECT * FROM \"{target.table('Audit')}\" WHERE pk = 'a' AND sk = 'b'"  # noqa: S608  # our own table
    responses = function.client("dynamodb").batch_execute_statement(Statements=[{"Statement": select}])["Responses"]
    assert [one["Error"]["Code"] for one in responses] == ["AccessDenied"]


@pytest.mark.parametrize("logical", ["Marks", "Audit"])
def test_what_only_grows_is_changed_by_nobody_not_even_by_whom_iam_lets(
    target: Target, dynamodb: Any, all_denied: Callable[..., None], logical: str
) -> None:
    place = place_of(target, dynamodb, logical)
    all_denied(CALLER, "dynamodb", {name: partial(attempt, dynamodb, place) for name, attempt in NOT_APPENDING.items()})


@pytest.mark.parametrize("logical", ["Root", "Table"])
def test_whoever_administers_the_stages_keys_uses_none_of_them(
    target: Target, kms: Any, all_denied: Callable[..., None], logical: str
) -> None:
    asked = {"KeyId": target.key(logical), "EncryptionContext": context(target, "kek")}
    attempts = {
        "GenerateDataKey": partial(kms.generate_data_key, **asked, NumberOfBytes=32),
        "Encrypt": partial(kms.encrypt, **asked, Plaintext=b"x"),
    }
    all_denied(CALLER, "kms", attempts)


@pytest.mark.parametrize("purpose", ["kek", "register"])
def test_a_function_makes_keys_of_its_own_purposes_alone(
    target: Target, all_denied: Callable[..., None], function: Acting, purpose: str
) -> None:
    asked = {"KeyId": target.key("Root"), "EncryptionContext": context(target, purpose), "NumberOfBytes": 32}
    make = partial(function.client("kms").generate_data_key, **asked)
    if purpose in MAKES_KEYS.get(function.name, set()):
        assert len(make()["Plaintext"]) == 32
    else:
        all_denied(function.name, "kms", {"GenerateDataKey": make})


def test_a_function_uses_the_root_key_under_a_keys_whole_context_alone(
    target: Target, all_denied: Callable[..., None], function: Acting
) -> None:
    mine, maker = function.client("kms"), target.client("kms", target.function_credentials("import"))
    root, whole = {"KeyId": target.key("Root")}, context(target, "kek")
    made = maker.generate_data_key(**root, NumberOfBytes=32, EncryptionContext=whole)
    maker.close()
    opening = partial(mine.decrypt, **root, CiphertextBlob=made["CiphertextBlob"])
    making = partial(mine.generate_data_key, **root, NumberOfBytes=32)

    def moving(*, EncryptionContext: dict[str, str]) -> Any:  # noqa: N803  # KMS's own word
        return mine.re_encrypt(
            CiphertextBlob=made["CiphertextBlob"],
            SourceKeyId=target.key("Root"),
            SourceEncryptionContext=EncryptionContext,
            DestinationKeyId=target.key("Root"),
            DestinationEncryptionContext=whole,
        )

    assert opening(EncryptionContext=whole)["Plaintext"] == made["Plaintext"]
    others: dict[str, dict[str, str]] = {
        "without any": {},
        "and one more": {**whole, "more": "1"},
        "of another store": {**whole, "twinvault:store": "another"},
        "of another purpose": {**whole, "twinvault:purpose": "dek"},
        **{f"without {name}": {n: v for n, v in whole.items() if n != name} for name in whole},
    }
    for action, call in {"Decrypt": opening, "GenerateDataKey": making, "ReEncryptFrom": moving}.items():
        changed = {f"{action} {which}": partial(call, EncryptionContext=given) for which, given in others.items()}
        all_denied(function.name, "kms", changed)


@pytest.mark.parametrize("purpose", ["kek", "register"])
def test_one_function_alone_has_keys_wrapped_anew_and_keeps_their_context(
    target: Target, all_denied: Callable[..., None], function: Acting, purpose: str
) -> None:
    mine, maker = function.client("kms"), target.client("kms", target.function_credentials("import"))
    root, whole = target.key("Root"), context(target, purpose)
    made = maker.generate_data_key(KeyId=root, NumberOfBytes=32, EncryptionContext=whole)
    maker.close()
    moved = partial(
        mine.re_encrypt,
        CiphertextBlob=made["CiphertextBlob"],
        SourceKeyId=root,
        SourceEncryptionContext=whole,
        DestinationKeyId=root,
    )
    if function.name == REWRAPS_KEYS:
        again = moved(DestinationEncryptionContext=whole)["CiphertextBlob"]
        opened = mine.decrypt(KeyId=root, CiphertextBlob=again, EncryptionContext=whole)
        assert opened["Plaintext"] == made["Plaintext"]
        for other in ({**whole, "more": "1"}, {**whole, "twinvault:store": "another"}, {}):
            all_denied(function.name, "kms", {"ReEncryptTo": partial(moved, DestinationEncryptionContext=other)})
    else:
        all_denied(function.name, "kms", {"ReEncryptFrom": partial(moved, DestinationEncryptionContext=whole)})


@pytest.mark.parametrize("logical", ["Root", "Table"])
def test_a_function_does_nothing_else_with_the_stages_keys(
    target: Target,
    kms: Any,
    all_denied: Callable[..., None],
    function: Acting,
    logical: str,
) -> None:
    mine, key, whole = (
        function.client("kms"),
        {"KeyId": target.key(logical)},
        {"EncryptionContext": context(target, "kek")},
    )
    grant = {"GranteePrincipal": role_arn(target, function.name), "Operations": ["Decrypt"]}
    attempts = {
        "CreateGrant": partial(mine.create_grant, **key, **grant),
        "DescribeKey": partial(mine.describe_key, **key),
        "DisableKey": partial(mine.disable_key, **key),
        "Encrypt": partial(mine.encrypt, **key, **whole, Plaintext=b"x"),
        "GenerateDataKeyWithoutPlaintext": partial(
            mine.generate_data_key_without_plaintext, **key, **whole, NumberOfBytes=32
        ),
        "GetKeyPolicy": partial(mine.get_key_policy, **key),
        "ListGrants": partial(mine.list_grants, **key),
        # The policy that is there: what is allowed by mistake shall change nothing.
        "PutKeyPolicy": partial(mine.put_key_policy, **key, Policy=kms.get_key_policy(**key)["Policy"]),
        "ScheduleKeyDeletion": partial(mine.schedule_key_deletion, **key, PendingWindowInDays=30),
    }
    if (function.name, logical) == (SIGNS_RECEIPTS, "Root"):
        # A receipt says until when a root key's deletion can still be cancelled.
        seen = attempts.pop("DescribeKey")()
        assert seen["KeyMetadata"]["Arn"].endswith(key["KeyId"].rpartition("/")[2])
    all_denied(function.name, "kms", attempts)
