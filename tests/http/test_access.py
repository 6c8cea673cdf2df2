"""Bearer tokens: what verifies, and all that must not."""

import base64
import contextlib
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given
from hypothesis import strategies as st

from tests.service.issuing import AUDIENCE, ISSUER, Issuer, raw, signed
from twinvault.errors import DependencyError, Forbidden, Unauthenticated
from twinvault_http.access import Jwks, JwksLimits, Principal, TokenVerifier


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Bench:
    """A verifier whose issuer answers at once, is counted, and can be away."""

    def __init__(self) -> None:
        self.issuer = Issuer()
        self.clock = Clock()
        self.verifier = TokenVerifier(
            Jwks(self._fetch, monotonic=self.clock),
            issuer=ISSUER,
            audience=AUDIENCE,
            tenant_claim="tenant",
            permissions_claim="permissions",
        )

    def _fetch(self) -> bytes:
        self.issuer.fetches += 1
        if self.issuer.down:
            raise DependencyError("the identity provider cannot be reached")
        return self.issuer.jwks()

    def verify(self, token: str) -> Principal:
        return self.verifier.verify(f"Bearer {token}")

    def refused(self, token: str) -> str:
        with pytest.raises(Unauthenticated) as refused:
            self.verify(token)
        assert refused.value.field == "authorization"
        assert token[-12:] not in refused.value.message
        return refused.value.message


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_a_good_token_names_tenant_subject_and_permissions(bench: Bench) -> None:
    principal = bench.verify(bench.issuer.token())
    assert principal == Principal("acme", "subject-1", frozenset({"dialogues:read", "dialogues:write"}))
    principal.require("dialogues:read")
    with pytest.raises(Forbidden):
        principal.require("dialogues:erase")


def test_rs256_verifies_too(bench: Bench) -> None:
    bench.issuer.keys["rs"] = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    assert bench.verify(bench.issuer.token(kid="rs")).tenant == "acme"


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic abc", "Bearerabc", "bearer"])
def test_without_a_bearer_token_nobody_is_known(bench: Bench, header: str | None) -> None:
    with pytest.raises(Unauthenticated):
        bench.verifier.verify(header)
    assert bench.issuer.fetches == 0


def test_the_schemes_case_does_not_matter(bench: Bench) -> None:
    assert bench.verifier.verify(f"bEaReR  {bench.issuer.token()} ").tenant == "acme"


@pytest.mark.parametrize(
    ("claims", "says"),
    [
        pytest.param({"exp": int(time.time()) - 10}, "expired", id="expired"),
        pytest.param({"exp": ...}, "must have", id="no exp"),
        pytest.param({"exp": "soon"}, "does not verify", id="a time in words"),
        pytest.param({"exp": []}, "does not verify", id="a list as time"),
        pytest.param({"exp": 1e999}, "does not verify", id="an infinite time"),
        pytest.param({"nbf": int(time.time()) + 86_400}, "does not verify", id="not yet good"),
        pytest.param({"aud": "other"}, "audience", id="another audience"),
        pytest.param({"aud": ["other", "more"]}, "audience", id="other audiences"),
        pytest.param({"aud": ...}, "must have", id="no audience"),
        pytest.param({"aud": ""}, "", id="an empty audience"),
        pytest.param({"aud": None}, "", id="null for an audience"),
        pytest.param({"iss": "https://other.example"}, "issuer", id="another issuer"),
        pytest.param({"iss": f"{ISSUER}/"}, "issuer", id="a slash after the issuer"),
        pytest.param({"iss": ...}, "must have", id="no issuer"),
        pytest.param({"sub": ...}, "must have", id="no subject"),
        pytest.param({"sub": ""}, "subject", id="an empty subject"),
        pytest.param({"sub": "x" * 257}, "subject", id="a long subject"),
        pytest.param({"sub": 5}, "", id="a number as subject"),
    ],
)
def test_claims_that_do_not_fit_are_refused(bench: Bench, claims: dict[str, Any], says: str) -> None:
    assert says in bench.refused(bench.issuer.token(**claims))


@pytest.mark.parametrize("name", ["exp", "nbf"])
@pytest.mark.parametrize(
    "value",
    [
        pytest.param(str, id="digits in quotes"),
        pytest.param(lambda now: f"{now}.5", id="a fraction in quotes"),
        pytest.param(lambda _: True, id="true"),
        pytest.param(lambda _: False, id="false"),
        pytest.param(lambda _: "", id="empty text"),
        pytest.param(lambda now: [now], id="a list"),
        pytest.param(lambda now: {"at": now}, id="an object"),
        pytest.param(lambda _: float("nan"), id="NaN"),
        pytest.param(lambda _: float("inf"), id="infinity"),
        pytest.param(lambda _: float("-inf"), id="minus infinity"),
    ],
)
def test_a_time_that_is_no_number_is_refused(bench: Bench, name: str, value: Callable[[int], Any]) -> None:
    """What it would be, read as a number, is a good time of either claim."""
    good = int(time.time()) + (300 if name == "exp" else -300)
    bench.verify(bench.issuer.token(**{name: good}))
    bench.refused(bench.issuer.token(**{name: value(good)}))


def test_null_for_a_time_is_no_time(bench: Bench) -> None:
    for name in ("exp", "nbf"):
        bench.refused(bench.issuer.token(**{name: None}))


@pytest.mark.parametrize("far", [10**400, 1e300, 2**63])
def test_a_time_of_any_size_is_one(bench: Bench, far: float) -> None:
    assert bench.verify(bench.issuer.token(exp=far)).tenant == "acme"
    bench.refused(bench.issuer.token(nbf=far))


def test_a_time_may_have_a_fraction(bench: Bench) -> None:
    now = time.time()
    assert bench.verify(bench.issuer.token(exp=now + 300.5, nbf=now - 300.5)).tenant == "acme"


@pytest.mark.parametrize(
    "typ", ["JWT", "jwt", "at+jwt", "AT+JWT", "application/jwt", "application/at+jwt", "Application/JWT"]
)
def test_a_jwt_and_an_access_token_are_taken_however_they_spell_it(bench: Bench, typ: str) -> None:
    assert bench.verify(bench.issuer.token(headers={"typ": typ})).tenant == "acme"


def test_a_token_that_does_not_say_its_type_is_taken(bench: Bench) -> None:
    token = bench.issuer.token(headers={"typ": None})
    assert "typ" not in jwt.get_unverified_header(token), "PyJWT leaves out what is null"
    assert bench.verify(token).tenant == "acme"


@pytest.mark.parametrize(
    "typ",
    [
        pytest.param("JWE", id="JWE"),
        pytest.param("dpop+jwt", id="a proof of possession"),
        pytest.param("logout+jwt", id="a logout token"),
        pytest.param("secevent+jwt", id="a security event"),
        pytest.param("application/application/jwt", id="a prefix twice"),
        pytest.param("text/jwt", id="another prefix"),
        pytest.param("jwt ", id="a space"),
        pytest.param("", id="empty"),
        pytest.param(5, id="a number"),
        pytest.param(["JWT"], id="a list"),
        pytest.param(False, id="false"),
    ],
)
def test_a_token_of_another_type_is_refused(bench: Bench, typ: Any) -> None:
    assert "type" in bench.refused(signed(bench.issuer, {"alg": "ES256", "kid": "es", "typ": typ}))


def test_null_for_a_type_is_refused(bench: Bench) -> None:
    bench.verify(signed(bench.issuer, {"alg": "ES256", "kid": "es"}))
    assert "type" in bench.refused(signed(bench.issuer, {"alg": "ES256", "kid": "es", "typ": None}))


@pytest.mark.parametrize(
    "tenant", [..., None, "", "ACME", "a b", "a#b", "../x", "a" * 64, 5, ["acme"], {"a": 1}, "acme\n", "\u00e9"]
)
def test_a_tenant_that_cannot_be_used_is_forbidden(bench: Bench, tenant: Any) -> None:
    with pytest.raises(Forbidden) as refused:
        bench.verify(bench.issuer.token(tenant=tenant))
    assert refused.value.field == "tenant"


@pytest.mark.parametrize(
    ("claim", "permissions"),
    [
        ("dialogues:read dialogues:write", {"dialogues:read", "dialogues:write"}),
        (["dialogues:read", 5, None], {"dialogues:read"}),
        (..., set()),
        (None, set()),
        ({"dialogues:read": True}, set()),
        (7, set()),
    ],
)
def test_permissions_are_a_list_or_words_and_else_none(bench: Bench, claim: Any, permissions: set[str]) -> None:
    assert bench.verify(bench.issuer.token(permissions=claim)).permissions == permissions


def test_a_token_of_another_key_is_forged(bench: Bench) -> None:
    bench.refused(bench.issuer.token(key=ec.generate_private_key(ec.SECP256R1())))


@pytest.mark.parametrize("place", [0, 1, 2], ids=["header", "payload", "signature"])
def test_a_token_that_was_changed_does_not_verify(bench: Bench, place: int) -> None:
    parts = bench.issuer.token().split(".")
    data = base64.urlsafe_b64decode(parts[place] + "==")
    for index in range(0, len(data), 7):
        flipped = data[:index] + bytes([data[index] ^ 1]) + data[index + 1 :]
        changed = [*parts]
        changed[place] = base64.urlsafe_b64encode(flipped).decode().rstrip("=")
        bench.refused(".".join(changed))


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "", None, 5, "HS256", "ES384", "RS256", "EdDSA"])
def test_the_algorithm_is_the_keys_never_the_tokens(bench: Bench, algorithm: Any) -> None:
    payload = json.loads(base64.urlsafe_b64decode(bench.issuer.token().split(".")[1] + "=="))
    bench.refused(raw({"alg": algorithm, "kid": "es", "typ": "JWT"}, payload))
    bench.refused(raw({"alg": algorithm, "kid": "es", "typ": "JWT"}, payload, b"x" * 64))


@pytest.mark.parametrize("encoding", ["pem", "der", "jwk"])
def test_the_public_key_is_no_hmac_secret(bench: Bench, encoding: str) -> None:
    key = bench.issuer.keys["es"].public_key()
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    secret = {
        "pem": key.public_bytes(serialization.Encoding.PEM, form),
        "der": key.public_bytes(serialization.Encoding.DER, form),
        "jwk": json.dumps(json.loads(bench.issuer.jwks())["keys"][0]).encode(),
    }[encoding]
    payload = json.loads(base64.urlsafe_b64decode(bench.issuer.token().split(".")[1] + "=="))
    unsigned = raw({"alg": "HS256", "kid": "es"}, payload).rstrip(".")
    signature = hmac.new(secret, unsigned.encode(), hashlib.sha256).digest()
    bench.refused(raw({"alg": "HS256", "kid": "es"}, payload, signature))


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"kid": "other"}, id="an unknown kid"),
        pytest.param({"kid": ""}, id="an empty kid"),
        pytest.param({"kid": "../../etc/passwd"}, id="a path as kid"),
        pytest.param({"jwk": {"kty": "EC"}, "kid": "mine"}, id="a key of one's own in the header"),
        pytest.param({"jku": "https://evil.example", "kid": "mine"}, id="a key set of one's own"),
        pytest.param({"crit": ["exp"], "kid": "mine"}, id="something critical"),
    ],
)
def test_only_keys_that_the_issuer_publishes_count(bench: Bench, headers: dict[str, Any]) -> None:
    bench.refused(bench.issuer.token(headers=headers))


def test_a_token_without_a_kid_is_refused(bench: Bench) -> None:
    payload = json.loads(base64.urlsafe_b64decode(bench.issuer.token().split(".")[1] + "=="))
    for kid in ({}, {"kid": None}, {"kid": 5}, {"kid": ["es"]}):
        bench.refused(raw({"alg": "ES256", **kid}, payload, b"x" * 64))


@given(st.text(max_size=80) | st.tuples(st.text(max_size=9), st.text(max_size=9), st.text(max_size=9)).map(".".join))
def test_any_text_is_refused_as_a_token(text: str) -> None:
    with pytest.raises(Unauthenticated):
        Bench().verifier.verify(f"Bearer {text}")


def test_a_token_of_any_length_is_refused_before_it_is_read(bench: Bench) -> None:
    assert "8192" in bench.refused("a" * 100_000)
    assert bench.issuer.fetches == 0


# -- the issuer's keys ---------------------------------------------------------------------------------------------


def test_the_keys_are_fetched_once_and_again_when_they_are_old(bench: Bench) -> None:
    for _ in range(5):
        bench.verify(bench.issuer.token())
    assert bench.issuer.fetches == 1
    bench.clock.now += 600
    bench.verify(bench.issuer.token())
    assert bench.issuer.fetches == 2


def test_an_unknown_kid_fetches_at_most_once_a_minute(bench: Bench) -> None:
    token = bench.issuer.token()
    bench.verify(token)
    for number in range(100):
        bench.refused(bench.issuer.token(headers={"kid": f"unknown {number}"}))
        bench.clock.now += 0.5
    assert bench.issuer.fetches == 1
    bench.clock.now += 10
    for number in range(100):
        bench.refused(bench.issuer.token(headers={"kid": f"unknown {number}"}))
    assert bench.issuer.fetches == 2
    bench.verify(token)


def test_a_new_key_of_the_issuer_is_found(bench: Bench) -> None:
    bench.verify(bench.issuer.token())
    bench.issuer.keys["new"] = ec.generate_private_key(ec.SECP256R1())
    bench.clock.now += 60
    bench.verify(bench.issuer.token(kid="new"))


def test_a_withdrawn_key_counts_for_ten_minutes_and_no_longer(bench: Bench) -> None:
    token = bench.issuer.token()
    bench.verify(token)
    bench.issuer.keys = {"new": ec.generate_private_key(ec.SECP256R1())}
    bench.clock.now += 599
    bench.verify(token)
    bench.clock.now += 1
    bench.refused(token)


def test_a_withdrawn_key_counts_for_an_hour_while_the_issuer_is_away(bench: Bench) -> None:
    token = bench.issuer.token()
    bench.verify(token)
    bench.issuer.keys, bench.issuer.down = {}, True
    bench.clock.now += 3599
    bench.verify(token)
    bench.clock.now += 1
    with pytest.raises(DependencyError):
        bench.verify(token)


def test_a_token_of_a_new_key_ends_the_withdrawn_one_sooner(bench: Bench) -> None:
    token = bench.issuer.token()
    bench.verify(token)
    bench.issuer.keys = {"new": ec.generate_private_key(ec.SECP256R1())}
    bench.clock.now += 60
    bench.verify(bench.issuer.token(kid="new"))
    bench.refused(token)


def test_the_page_tells_how_long_a_withdrawn_key_counts() -> None:
    page = (Path(__file__).parents[2] / "docs" / "limitations.md").read_text(encoding="utf-8")
    told = page.split("has withdrawn**", 1)[1].split("\n- ", 1)[0]
    limits = JwksLimits()
    assert (limits.max_age, limits.max_stale, limits.interval) == (600, 3600, 60)
    for words in ("for 10 minutes", "up to an hour", "once a minute"):
        assert words in told


def test_while_the_issuer_is_away_its_keys_serve_for_an_hour_and_it_is_not_hammered(bench: Bench) -> None:
    token = bench.issuer.token()
    bench.verify(token)
    bench.issuer.down = True
    for _ in range(59):
        bench.clock.now += 60
        for _ in range(10):
            bench.verify(token)
    assert bench.issuer.fetches <= 61
    bench.clock.now += 60
    with pytest.raises(DependencyError):
        bench.verify(token)
    bench.issuer.down = False
    bench.clock.now += 2
    bench.verify(token)


def test_an_issuer_that_was_never_reached_is_a_dependency_and_is_asked_now_and_then(bench: Bench) -> None:
    bench.issuer.down = True
    for _ in range(20):
        with pytest.raises(DependencyError):
            bench.verify(bench.issuer.token())
    assert bench.issuer.fetches == 1
    bench.issuer.down = False
    bench.clock.now += 2
    bench.verify(bench.issuer.token())


def test_an_issuer_without_keys_is_asked_once_a_minute(bench: Bench) -> None:
    token = bench.issuer.token()
    bench.issuer.keys = {}
    for _ in range(20):
        bench.refused(token)
    assert bench.issuer.fetches == 1


@pytest.mark.parametrize(
    "document", [b"", b"{}", b"[]", b"null", b'{"keys": 5}', b'{"keys": null}', b"<html>", b"\xff", b'{"keys": "text"}']
)
def test_a_document_that_is_no_key_set_is_a_dependency_or_empty(document: bytes) -> None:
    jwks = Jwks(lambda: document, monotonic=lambda: 0.0)
    with contextlib.suppress(DependencyError):
        assert jwks.key("es") is None


@pytest.mark.parametrize(
    "key",
    [
        5,
        {},
        {"kty": "oct", "kid": "x", "k": "AAAA"},
        {"kty": "EC", "kid": "x"},
        {"kty": "EC", "kid": "x", "crv": "P-256", "x": "!", "y": "!"},
        {"kty": "EC", "kid": "x", "crv": "P-256", "x": "AAAA", "y": "AAAA"},
        {"kty": "EC", "kid": "x", "crv": 5, "x": 5, "y": 5},
        {"kty": "RSA", "kid": "x", "n": "", "e": ""},
        {"kty": "RSA", "kid": "x", "n": 5, "e": []},
        {"kty": "EC", "kid": ["x"]},
        {"kty": ["EC"], "kid": "x"},
        {"kty": "OKP", "kid": "x", "crv": "Ed25519", "x": "AAAA"},
    ],
    ids=str,
)
def test_keys_that_we_cannot_use_do_not_hide_those_that_we_can(bench: Bench, key: Any) -> None:
    bench.issuer.extra = [key]
    assert bench.verify(bench.issuer.token()).tenant == "acme"


def test_a_key_for_encryption_verifies_nothing(bench: Bench) -> None:
    hidden = ec.generate_private_key(ec.SECP256R1())
    from tests.service.issuing import public

    bench.issuer.extra = [{**public("enc", hidden), "use": "enc"}]
    bench.refused(bench.issuer.token(kid="enc", key=hidden))


def test_a_curve_that_is_not_es256s_verifies_nothing(bench: Bench) -> None:
    bench.issuer.keys["p384"] = ec.generate_private_key(ec.SECP384R1())
    import jwt

    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "s", "exp": int(time.time()) + 60, "tenant": "acme"}
    for algorithm in ("ES384", "ES256"):
        try:
            token = jwt.encode(claims, bench.issuer.keys["p384"], algorithm=algorithm, headers={"kid": "p384"})
        except jwt.InvalidKeyError:
            continue
        bench.refused(token)


def test_an_issuer_whose_clock_runs_ahead_locks_nobody_out() -> None:
    bench = Bench()
    token = bench.issuer.token(iat=int(time.time()) + 600)
    assert bench.verifier.verify(f"Bearer {token}").tenant == "acme"
