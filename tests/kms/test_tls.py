"""TLS, for clients that speak nothing else: MongoDB's drivers, sigstore's awskms://HOST/."""

import socket
import ssl
import stat
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import boto3
import httpx
import pytest
from botocore.config import Config
from botocore.exceptions import SSLError
from cryptography import x509
from mypy_boto3_kms.client import KMSClient

from tests.kms.running import REGION, RunningKms, start
from tests.kms.test_wire import HEAD, connected, request, taken_apart
from twinvault_kms import tls

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def secure(kms: RunningKms, trusted: Path | None, *, name: str = "127.0.0.1") -> KMSClient:
    return boto3.client(
        "kms",
        endpoint_url=f"https://{name}:{kms.port}",
        region_name=REGION,
        aws_access_key_id="ROOT",
        aws_secret_access_key="made-up",
        verify=str(trusted) if trusted else None,
        config=Config(retries={"total_max_attempts": 1}),
    )


@pytest.fixture(scope="module")
def trusted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("trust") / "made" / "kms.pem"


@pytest.fixture(scope="module")
def kms(tmp_path_factory: pytest.TempPathFactory, trusted: Path) -> Iterator[RunningKms]:
    running = start(tmp_path_factory.mktemp("tls"), options=["--tls-self-signed", str(trusted)], trusted=trusted)
    yield running
    running.stop()


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "kms.localhost"])
def test_a_client_that_trusts_the_file_is_served(kms: RunningKms, trusted: Path, name: str):
    if name == "kms.localhost" and not _resolves(name):
        name = "localhost"
    assert len(secure(kms, trusted, name=name).generate_random(NumberOfBytes=8)["Plaintext"]) == 8


def _resolves(name: str) -> bool:
    try:
        return bool(socket.getaddrinfo(name, 1))
    except OSError:
        return False


def test_nobody_trusts_it_by_accident_and_nothing_is_said_without_tls(kms: RunningKms):
    with pytest.raises(SSLError):
        secure(kms, None).generate_random(NumberOfBytes=8)
    with pytest.raises(httpx.TransportError):
        httpx.get(f"http://127.0.0.1:{kms.port}/health")


def test_an_answer_is_one_record(kms: RunningKms, trusted: Path):
    """Head and body leave in one write: what a client reads first is all of it."""
    context = ssl.create_default_context(cafile=str(trusted))
    with connected(kms) as plain, context.wrap_socket(plain, server_hostname="localhost") as connection:
        assert connection.version() in {"TLSv1.2", "TLSv1.3"}
        connection.sendall(request(kms))
        line, fields, body = taken_apart(connection.recv(65_536))
    assert (line, list(fields)) == (b"HTTP/1.1 200 OK", HEAD)
    assert int(fields[b"Content-Length"]) == len(body)


def test_a_client_that_prefers_http_2_is_told_that_this_is_http_1(kms: RunningKms, trusted: Path):
    context = ssl.create_default_context(cafile=str(trusted))
    context.set_alpn_protocols(["h2", "http/1.1"])
    with connected(kms) as plain, context.wrap_socket(plain, server_hostname="localhost") as connection:
        assert connection.selected_alpn_protocol() == "http/1.1"


def test_the_admin_port_stays_as_it_is(kms: RunningKms):
    assert "now" in kms.admin("GET", "/clock")


def test_a_dropped_connection_is_dropped_with_tls_too(kms: RunningKms, trusted: Path):
    kms.admin("POST", "/faults", {"operation": "GenerateRandom", "drop": "after"})
    client = secure(kms, trusted)
    with pytest.raises(Exception, match=r"[Cc]onnection"):
        client.generate_random(NumberOfBytes=8)
    assert client.generate_random(NumberOfBytes=8)


def test_only_the_servers_key_is_kept_and_only_for_its_owner(kms: RunningKms, trusted: Path):
    kept = kms.data / "tls.pem"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert kept.read_text().count("PRIVATE KEY-----") == 2  # begins and ends once
    assert "PRIVATE" not in trusted.read_text()
    server, authority = x509.load_pem_x509_certificates(kept.read_bytes())
    server.verify_directly_issued_by(authority)
    assert not server.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


def test_the_same_certificate_serves_until_it_soon_ends_or_another_name_is_asked_for(tmp_path: Path):
    trusted = tmp_path / "trusted.pem"

    def made(host: str = "127.0.0.1", after: timedelta = timedelta()) -> bytes:
        tls.made_up(trusted, data=tmp_path, host=host, now=NOW + after)
        return trusted.read_bytes()

    first = made()
    assert made(after=timedelta(days=300)) == first
    later = made(after=timedelta(days=370))
    assert later != first
    assert made("kms.test", after=timedelta(days=370)) != later
    (tmp_path / "tls.pem").write_text("nothing of that kind")
    made()
    trusted.unlink()
    assert made() == trusted.read_bytes()


def test_a_given_certificate_is_served_with(tmp_path: Path, trusted: Path, kms: RunningKms):
    options = ["--tls-cert", str(kms.data / "tls.pem"), "--tls-key", str(kms.data / "tls.pem")]
    running = start(tmp_path, options=options, trusted=trusted)
    try:
        assert secure(running, trusted).generate_random(NumberOfBytes=8)
    finally:
        running.stop()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        pytest.param(["--tls-cert", "cert"], "TLS needs a certificate with its key", id="half"),
        pytest.param(
            ["--tls-cert", "cert", "--tls-key", "key", "--tls-self-signed", "file"],
            "TLS needs a certificate with its key",
            id="both",
        ),
        pytest.param(["--tls-cert", "cert", "--tls-key", "none"], "cannot be used with the key", id="no such file"),
        pytest.param(["--tls-cert", "seed", "--tls-key", "seed"], "cannot be used with the key", id="no certificate"),
        pytest.param(["--tls-self-signed", "seed/file"], "cannot be written", id="a place that cannot be"),
    ],
)
def test_what_cannot_be_served_with_ends_the_start_in_a_sentence(tmp_path: Path, options: list[str], said: str):
    (tmp_path / "seed").write_text("no certificate")
    given = [each if each.startswith("--") else str(tmp_path / each) for each in options]
    command = [sys.executable, "-m", "twinvault_kms", "--port", "0", "--data", str(tmp_path / "data"), *given]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr
