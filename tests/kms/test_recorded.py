"""Codes and words as AWS KMS gives them, where its recorded answers settle them.

The answers stand in github.com/localstack/localstack, tests/aws/services/kms/test_kms.snapshot.json; facts were taken
from there, no code. Where AWS names a key by its ARN, ARN stands here.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.kms.engines import InProcess, in_process
from twinvault_kms.errors import KmsError

WRONG_KEY = "The key ID in the request does not identify a CMK that can perform this operation."
SIGNING = {"KeySpec": "ECC_NIST_P256", "KeyUsage": "SIGN_VERIFY"}
HMAC = {"KeySpec": "HMAC_256", "KeyUsage": "GENERATE_VERIFY_MAC"}
MESSAGE = {"Message": b"m", "SigningAlgorithm": "ECDSA_SHA_256"}

type Request = Callable[[InProcess], tuple[str, str, dict[str, Any]]]
"""Makes what is needed, and says which key's ARN stands in the message, and what is asked."""


@pytest.fixture(scope="module")
def kms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcess]:
    with in_process(tmp_path_factory.mktemp("recorded")) as engine:
        yield engine


def refusal(kms: InProcess, operation: str, asked: dict[str, Any]) -> tuple[str, str]:
    with pytest.raises(KmsError) as caught:
        kms.ask(operation, **asked)
    return caught.value.code, caught.value.message


def of(made: dict[str, Any], operation: str, /, **asked: Any) -> Request:
    """An operation on a key that is made like this."""

    def request(kms: InProcess) -> tuple[str, str, dict[str, Any]]:
        key = kms.ask("CreateKey", **made)["KeyMetadata"]
        return key["Arn"], operation, {"KeyId": key["KeyId"], **asked}

    return request


def tags(*names: str) -> list[dict[str, str]]:
    return [{"TagKey": name, "TagValue": "v"} for name in names]


def disabled(made: dict[str, Any], operation: str) -> Request:
    def request(kms: InProcess) -> tuple[str, str, dict[str, Any]]:
        arn, _, asked = of(made, operation)(kms)
        kms.ask("DisableKey", **asked)
        return arn, operation, asked

    return request


def a_ciphertext(operation: str, named: str) -> Request:
    """A ciphertext of one key, and the name of a key that signs."""

    def request(kms: InProcess) -> tuple[str, str, dict[str, Any]]:
        blob = kms.ask("Encrypt", KeyId=kms.key(), Plaintext=b"x")["CiphertextBlob"]
        asked = {"CiphertextBlob": blob, named: kms.key(**SIGNING)}
        return "", operation, asked | ({"DestinationKeyId": kms.key()} if operation == "ReEncrypt" else {})

    return request


def an_alias_of(target: Callable[[str], str]) -> Request:
    def request(kms: InProcess) -> tuple[str, str, dict[str, Any]]:
        key = kms.ask("CreateKey")["KeyMetadata"]
        name = f"alias/first-{key['KeyId']}"
        kms.ask("CreateAlias", AliasName=name, TargetKeyId=key["KeyId"])
        return key["Arn"], "CreateAlias", {"AliasName": "alias/second", "TargetKeyId": target(name)}

    return request


CASES: dict[str, tuple[Request, str, str]] = {
    "the 51st tag": (
        of({"Tags": tags(*map(str, range(50)))}, "TagResource", Tags=tags("one more")),
        "TagException",
        "Too many tags",
    ),
    "51 tags at once": (
        lambda _: ("", "CreateKey", {"Tags": tags(*map(str, range(51)))}),
        "TagException",
        "Too many tags",
    ),
    "one tag twice": (of({}, "TagResource", Tags=tags("a", "a")), "TagException", "Duplicate tag keys"),
    "a tag of AWS's own": (
        of({}, "TagResource", Tags=tags("AWS:key1")),
        "TagException",
        "Tags beginning with aws: are reserved",
    ),
    "a value that is too long": (
        lambda _: ("", "CreateKey", {"Tags": [{"TagKey": "k", "TagValue": "v" * 257}]}),
        "ValidationException",
        (
            f"1 validation error detected: Value '{'v' * 257}' at 'tags.1.member.tagValue'"
            " failed to satisfy constraint: Member must have length less than or equal to 256"
        ),
    ),
    "Decrypt names a key that signs": (a_ciphertext("Decrypt", "KeyId"), "IncorrectKeyException", WRONG_KEY),
    "ReEncrypt names a key that signs": (a_ciphertext("ReEncrypt", "SourceKeyId"), "IncorrectKeyException", WRONG_KEY),
    "Encrypt with a key that signs": (
        of(SIGNING, "Encrypt", Plaintext=b"x"),
        "InvalidKeyUsageException",
        "ARN key usage is SIGN_VERIFY which is not valid for Encrypt.",
    ),
    "Sign with a key of MACs": (
        of(HMAC, "Sign", **MESSAGE),
        "InvalidKeyUsageException",
        "ARN key usage is GENERATE_VERIFY_MAC which is not valid for Sign.",
    ),
    "Verify with a key that encrypts": (
        of({}, "Verify", **MESSAGE, Signature=b"s"),
        "InvalidKeyUsageException",
        "ARN key usage is ENCRYPT_DECRYPT which is not valid for Verify.",
    ),
    "GenerateMac with a key that encrypts": (
        of({}, "GenerateMac", Message=b"m", MacAlgorithm="HMAC_SHA_256"),
        "InvalidKeyUsageException",
        "ARN key usage is ENCRYPT_DECRYPT which is not valid for GenerateMac.",
    ),
    "an algorithm of another spec": (
        of(HMAC, "GenerateMac", Message=b"m", MacAlgorithm="HMAC_SHA_512"),
        "InvalidKeyUsageException",
        "Algorithm HMAC_SHA_512 is incompatible with key spec HMAC_256.",
    ),
    "a rotation of a key that is disabled": (
        disabled({}, "RotateKeyOnDemand"),
        "DisabledException",
        "ARN is disabled.",
    ),
    "a rotation of a key that is disabled, and of another spec": (
        disabled(SIGNING, "RotateKeyOnDemand"),
        "DisabledException",
        "ARN is disabled.",
    ),
    "a rotation of a key that signs": (of(SIGNING, "RotateKeyOnDemand"), "UnsupportedOperationException", ""),
    "a rotation without material, of a key that signs": (
        of({**SIGNING, "Origin": "EXTERNAL"}, "RotateKeyOnDemand"),
        "KMSInvalidStateException",
        "ARN is pending import.",
    ),
    "an alias of an alias": (
        an_alias_of(lambda name: name),
        "ValidationException",
        "Aliases must refer to keys. Not aliases",
    ),
    "an alias of an alias's ARN": (
        an_alias_of(lambda name: f"arn:aws:kms:eu-central-1:000000000000:{name}"),
        "ValidationException",
        "Aliases must refer to keys. Not aliases",
    ),
    "an alias without its prefix": (
        lambda kms: ("", "CreateAlias", {"AliasName": "name", "TargetKeyId": kms.key()}),
        "ValidationException",
        (
            'Alias must start with the prefix "alias/". '
            "Please see https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html"
        ),
    ),
    "too few bytes": (
        lambda _: ("", "GenerateRandom", {"NumberOfBytes": 0}),
        "ValidationException",
        (
            "1 validation error detected: Value '0' at 'numberOfBytes' failed to satisfy constraint: "
            "Member must have value greater than or equal to 1"
        ),
    ),
    "too many bytes": (
        lambda _: ("", "GenerateRandom", {"NumberOfBytes": 1025}),
        "ValidationException",
        (
            "1 validation error detected: Value '1025' at 'numberOfBytes' failed to satisfy constraint: "
            "Member must have value less than or equal to 1024"
        ),
    ),
    "no number of bytes": (lambda _: ("", "GenerateRandom", {}), "ValidationException", "NumberOfBytes is required."),
    "a plaintext that is too large, which is not quoted": (
        of({}, "Encrypt", Plaintext=bytes(5_000)),
        "ValidationException",
        (
            "1 validation error detected: Value at 'plaintext' failed to satisfy constraint: "
            "Member must have length less than or equal to 4096"
        ),
    ),
    "no such key": (
        lambda _: ("", "DescribeKey", {"KeyId": "fake-key-id"}),
        "NotFoundException",
        "Invalid keyId 'fake-key-id'",
    ),
    "an ARN of another region": (
        lambda _: ("", "DescribeKey", {"KeyId": f"arn:aws:kms:us-east-1:000000000000:key/{'0' * 8}"}),
        "NotFoundException",
        "Invalid arn us-east-1",
    ),
    "parameters to import into a key of AWS's": (
        of({}, "GetParametersForImport", WrappingAlgorithm="RSAES_OAEP_SHA_256", WrappingKeySpec="RSA_2048"),
        "UnsupportedOperationException",
        "ARN origin is AWS_KMS which is not valid for this operation.",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_code_and_words_are_those_of_aws(kms: InProcess, name: str):
    request, code, message = CASES[name]
    arn, operation, asked = request(kms)
    assert refusal(kms, operation, asked) == (code, message.replace("ARN", arn))


def test_a_spec_that_there_is_not_is_quoted_before_the_list_of_those_there_are(kms: InProcess):
    code, message = refusal(kms, "CreateKey", {"KeySpec": "HMAC_random"})
    assert code == "ValidationException"
    assert message.startswith(
        "1 validation error detected: Value 'HMAC_random' at 'keySpec' failed to satisfy constraint: "
        "Member must satisfy enum value set: ["
    )


def test_a_key_is_rotated_on_demand_so_many_times(kms: InProcess):
    key = kms.ask("CreateKey")["KeyMetadata"]
    for _ in range(25):
        kms.ask("RotateKeyOnDemand", KeyId=key["KeyId"])
    assert refusal(kms, "RotateKeyOnDemand", {"KeyId": key["KeyId"]}) == (
        "LimitExceededException",
        (
            "The on-demand rotations limit has been reached for the given keyId. "
            f"No more on-demand rotations can be performed for this key: {key['Arn']}"
        ),
    )


@pytest.mark.parametrize("character", ["#", "<", "\n", "\u0000", "“"])
def test_tags_hold_documented_characters(kms: InProcess, character: str):
    for tag in ({"TagKey": f"a{character}", "TagValue": ""}, {"TagKey": "a", "TagValue": character}):
        assert refusal(kms, "CreateKey", {"Tags": [tag]})[0] == "TagException"


def test_tags_hold_letters_of_any_language(kms: InProcess):
    kms.key(Tags=[{"TagKey": "Größe 中文 ٣", "TagValue": "a_b.c:d/e=f+g-h@i"}])


@pytest.mark.parametrize(
    ("operation", "asked"),
    [
        pytest.param("Encrypt", {"Plaintext": b"x", "EncryptionContext": {"k": 5 * ["hidden"]}}, id="a context's type"),
        pytest.param("Encrypt", {"Plaintext": b"x", "GrantTokens": ["hidden" * 2_000]}, id="a grant token"),
        pytest.param("PutKeyPolicy", {"Policy": "hidden" * 30_000}, id="a policy"),
        pytest.param("Decrypt", {"CiphertextBlob": b"hidden" * 2_000}, id="a ciphertext"),
    ],
)
def test_what_may_be_secret_is_never_quoted(kms: InProcess, operation: str, asked: dict[str, Any]):
    code, message = refusal(kms, operation, {"KeyId": kms.key(), **asked})
    assert code in {"SerializationException", "ValidationException"}
    assert "hidden" not in message
    assert "aGlkZGVu" not in message
