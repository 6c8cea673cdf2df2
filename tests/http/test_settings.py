"""Settings: each variable that is missing or unusable names itself, and never its value."""

import os

import pytest

from twinvault.errors import ConfigurationError
from twinvault_http.settings import Settings, trace_ids

GOOD = {
    "TWINVAULT_STORE": "tested",
    "TWINVAULT_ARTIFACT": "0123456789abcdef" * 4,
    "TWINVAULT_RECORDS_TABLE": "records",
    "TWINVAULT_KEYS_TABLE": "keys",
    "TWINVAULT_MARKS_TABLE": "marks",
    "TWINVAULT_AUDIT_TABLE": "audit",
    "TWINVAULT_BACKUP_TABLE": "restored",
    "TWINVAULT_ROOT_KEYS": "11111111-2222-3333-4444-555555555555,mrk-0123456789abcdef0123456789abcdef",
    "TWINVAULT_AUDIT_KEY": "66666666-7777-8888-9999-000000000000",
    "TWINVAULT_ISSUER": "https://issuer.example",
    "TWINVAULT_AUDIENCE": "twinvault",
    "TWINVAULT_JWKS_URL": "https://issuer.example/jwks.json",
    "TWINVAULT_TENANT_CLAIM": "tenant",
    "TWINVAULT_PERMISSIONS_CLAIM": "permissions",
    "TWINVAULT_KEY_TTL_SECONDS": "300",
    "TWINVAULT_KEYS_RECOVERY_DAYS": "7",
    "TWINVAULT_BACKUP_DAYS": "30",
    "TWINVAULT_ERASURE_HOLD_HOURS": "72",
    "TWINVAULT_ERASURE_FOUR_EYES": "true",
    "TWINVAULT_LOWEST_FORMAT": "1",
    "TWINVAULT_LOG_LEVEL": "INFO",
}


def test_good_settings_are_read() -> None:
    settings = Settings.from_env(GOOD | {"UNRELATED": "x"})
    assert settings.root_keys == tuple(GOOD["TWINVAULT_ROOT_KEYS"].split(","))
    assert (settings.key_ttl_seconds, settings.lowest_format) == (300, 1)
    assert (settings.erasure_hold_hours, settings.erasure_four_eyes) == (72, True)
    assert not Settings.from_env(GOOD | {"TWINVAULT_ERASURE_FOUR_EYES": "false"}).erasure_four_eyes


@pytest.mark.parametrize("name", GOOD)
@pytest.mark.parametrize("value", [None, "", "   "], ids=["absent", "empty", "blank"])
def test_a_missing_variable_names_itself(name: str, value: str | None) -> None:
    environ = {key: text for key, text in GOOD.items() if key != name} | ({} if value is None else {name: value})
    with pytest.raises(ConfigurationError, match=f"^{name}:"):
        Settings.from_env(environ)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TWINVAULT_STORE", "Secret"),
        ("TWINVAULT_STORE", "a#b"),
        ("TWINVAULT_ARTIFACT", "latest"),
        ("TWINVAULT_ARTIFACT", "AB" * 32),
        ("TWINVAULT_ROOT_KEYS", "alias/root-secret"),
        ("TWINVAULT_ROOT_KEYS", "a,,b"),
        ("TWINVAULT_ROOT_KEYS", "arn:aws:kms:secret"),
        ("TWINVAULT_AUDIT_KEY", "alias/audit-secret"),
        ("TWINVAULT_AUDIT_KEY", "one,two"),
        ("TWINVAULT_KEYS_RECOVERY_DAYS", "0"),
        ("TWINVAULT_KEYS_RECOVERY_DAYS", "36"),
        ("TWINVAULT_BACKUP_DAYS", "-1"),
        ("TWINVAULT_BACKUP_DAYS", "forever"),
        ("TWINVAULT_ERASURE_HOLD_HOURS", "-1"),
        ("TWINVAULT_ERASURE_HOLD_HOURS", "8761"),
        ("TWINVAULT_ERASURE_FOUR_EYES", "yes"),
        ("TWINVAULT_ERASURE_FOUR_EYES", "True"),
        ("TWINVAULT_KEY_TTL_SECONDS", "0"),
        ("TWINVAULT_KEY_TTL_SECONDS", "3601"),
        ("TWINVAULT_KEY_TTL_SECONDS", "5m"),
        ("TWINVAULT_KEY_TTL_SECONDS", "-1"),
        ("TWINVAULT_KEY_TTL_SECONDS", "1e2"),
        ("TWINVAULT_KEY_TTL_SECONDS", "\u0661\u0660"),
        ("TWINVAULT_LOWEST_FORMAT", "0"),
        ("TWINVAULT_LOWEST_FORMAT", "2"),
        ("TWINVAULT_LOG_LEVEL", "secret"),
        ("TWINVAULT_LOG_LEVEL", "info"),
    ],
)
def test_an_unusable_variable_names_itself_and_not_its_value(name: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^{name}: must be") as refused:
        Settings.from_env(GOOD | {name: value})
    assert "secret" not in str(refused.value)


ROOT, PARENT = "1-6b03b754-ec6376897b31c40ba356c4d8", "53995c3f42cd8ad8"


@pytest.mark.parametrize(
    ("header", "ids"),
    [
        (f"Root={ROOT};Parent={PARENT};Sampled=1", (ROOT, PARENT)),
        (f"Root={ROOT}", (ROOT, "")),
        (f"Root={ROOT}\n{{}};Parent={PARENT}x", ("", "")),
        ("Root=whatever;Parent=it says", ("", "")),
        ("", ("", "")),
        ("nonsense;;=;x", ("", "")),
    ],
)
def test_trace_ids_are_lambdas_own(monkeypatch: pytest.MonkeyPatch, header: str, ids: tuple[str, str]) -> None:
    monkeypatch.setitem(os.environ, "_X_AMZN_TRACE_ID", header)
    assert trace_ids() == ids
