"""The local KMS beside moto's server, in one run: python -m benchmarks.kms [--seconds 4].

Start-up, the median of GenerateDataKey, Decrypt, Sign and Verify (RSA-2048) with one client, the throughput of 8
clients that do the first two, and how long a Decrypt takes while 8 threads make RSA-4096 pairs: in the middle, and in
the worst of a hundred. The client is http.client on kept connections, the same for both servers; it shares the machine
with them, so the figures are for comparing, not for planning.
"""

import argparse
import base64
import http.client
import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from socket import create_server
from typing import Any

from benchmarks.results import save, say

CLIENTS = 8
WARM_UP = 50
REQUESTS = 600
FEWEST = 3  # of the Decrypts beside RSA-4096 pairs: a server may answer none for minutes
CONTEXT = {"twinvault:purpose": "kek", "twinvault:tenant": "acme"}
AUTHORIZATION = (
    "AWS4-HMAC-SHA256 Credential=BENCH/20260101/eu-central-1/kms/aws4_request, SignedHeaders=host, Signature="
    + "0" * 64
)


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured of one server."""

    start_seconds: float
    generate_p50_ms: float
    decrypt_p50_ms: float
    sign_p50_ms: float
    verify_p50_ms: float
    requests_per_second: float
    busy_p50_ms: float
    busy_p99_ms: float
    busy_requests: int


class Client:
    """One connection, opened again where the server closes it."""

    def __init__(self, port: int, *, seconds: float = 30) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=seconds)

    def call(self, operation: str, document: Mapping[str, object]) -> dict[str, str]:
        """Send one request and return its answer."""
        headers = {
            "authorization": AUTHORIZATION,
            "content-type": "application/x-amz-json-1.1",
            "x-amz-target": f"TrentService.{operation}",
        }
        self._connection.request("POST", "/", json.dumps(document), headers)
        response = self._connection.getresponse()
        content = response.read()
        if response.status != http.client.OK:
            raise RuntimeError(f"{operation}: {response.status}")
        answer: dict[str, str] = json.loads(content)
        return answer


def main() -> None:
    """Measure both, and write kms.json."""
    parser = argparse.ArgumentParser(description="The local KMS beside moto's server.")
    parser.add_argument("--seconds", type=float, default=4.0, help="length of each throughput run")
    asked = parser.parse_args()
    say("the local KMS")
    with tempfile.TemporaryDirectory() as folder:
        ours = measure(["-m", "twinvault_kms", "--data", folder, "--port"], "/health", asked.seconds)
    say("moto's server")
    moto = measure(["-m", "moto.server", "-H", "127.0.0.1", "-p"], "/moto-api/data.json", asked.seconds)
    save("kms", {"ours": asdict(ours), "moto": asdict(moto)})


def measure(command: list[str], ready: str, seconds: float) -> Figures:
    """Start a server, measure it, stop it."""
    with create_server(("127.0.0.1", 0)) as probe:
        port = int(probe.getsockname()[1])
    began = time.perf_counter()
    with running([*command, str(port)]):
        wait(port, ready)
        started = time.perf_counter() - began
        client = Client(port)
        key = str(client.call("CreateKey", {})["KeyMetadata"]["KeyId"])  # type: ignore[index]  # the one nested answer
        generate = {"KeyId": key, "KeySpec": "AES_256", "EncryptionContext": CONTEXT}
        blob = client.call("GenerateDataKey", generate)["CiphertextBlob"]
        decrypt = {"CiphertextBlob": blob, "EncryptionContext": CONTEXT}
        sign, verify = signing(client)
        if len(base64.b64decode(client.call("Decrypt", decrypt)["Plaintext"])) != 32:  # noqa: PLR2004  # AES-256
            raise RuntimeError("the server does not decrypt what it made")
        return Figures(
            start_seconds=started,
            generate_p50_ms=median_ms(client, "GenerateDataKey", generate),
            decrypt_p50_ms=median_ms(client, "Decrypt", decrypt),
            sign_p50_ms=median_ms(client, "Sign", sign),
            verify_p50_ms=median_ms(client, "Verify", verify),
            requests_per_second=throughput(port, generate, decrypt, seconds=seconds),
            **busy(port, decrypt, seconds=seconds),
        )


def signing(client: Client) -> tuple[dict[str, object], dict[str, object]]:
    """Return what Sign and Verify are asked, of an RSA key and a message that it signed."""
    made = client.call("CreateKey", {"KeySpec": "RSA_2048", "KeyUsage": "SIGN_VERIFY"})
    sign: dict[str, object] = {
        "KeyId": made["KeyMetadata"]["KeyId"],  # type: ignore[index]  # as above
        "Message": base64.b64encode(b"message").decode(),
        "SigningAlgorithm": "RSASSA_PKCS1_V1_5_SHA_256",
    }
    return sign, {**sign, "Signature": client.call("Sign", sign)["Signature"]}


def busy(port: int, decrypt: Mapping[str, object], *, seconds: float) -> dict[str, Any]:
    """Return how long a Decrypt takes while so many clients have RSA-4096 pairs made."""
    stop = threading.Event()

    def make() -> None:
        # The server is ended while pairs are still being made.
        with suppress(OSError, http.client.HTTPException, RuntimeError):
            client = Client(port, seconds=300)
            while not stop.is_set():
                client.call("CreateKey", {"KeySpec": "RSA_4096", "KeyUsage": "SIGN_VERIFY"})

    for _ in range(CLIENTS):
        threading.Thread(target=make, daemon=True).start()
    client = Client(port, seconds=300)
    times: list[float] = []
    time.sleep(0.5)
    until = time.perf_counter() + 2 * seconds
    while time.perf_counter() < until or len(times) < FEWEST:
        began = time.perf_counter()
        client.call("Decrypt", decrypt)
        times.append((time.perf_counter() - began) * 1000)
    stop.set()
    worst = statistics.quantiles(times, n=100, method="inclusive")[-1]
    return {"busy_p50_ms": statistics.median(times), "busy_p99_ms": worst, "busy_requests": len(times)}


@contextmanager
def running(command: list[str]) -> Iterator[None]:
    """Run a server for as long as the block."""
    process = subprocess.Popen([sys.executable, *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603  # our own command
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:  # it has keys to make, or threads that nobody waits for
            process.kill()
            process.wait(30)


def wait(port: int, path: str) -> None:
    """Return when the server answers."""
    deadline = time.perf_counter() + 30
    while time.perf_counter() < deadline:
        with suppress(OSError):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", path)
            if connection.getresponse().status == http.client.OK:
                return
        time.sleep(0.005)
    raise RuntimeError("the server did not start")


def median_ms(client: Client, operation: str, document: Mapping[str, object]) -> float:
    """Return the median time of one operation, one after the other."""
    times = []
    for _ in range(WARM_UP + REQUESTS):
        began = time.perf_counter()
        client.call(operation, document)
        times.append(time.perf_counter() - began)
    return statistics.median(times[WARM_UP:]) * 1000


def throughput(port: int, generate: Mapping[str, object], decrypt: Mapping[str, object], *, seconds: float) -> float:
    """Return how many requests a second 8 clients get answered, taking turns at both operations."""
    counts = [0] * CLIENTS
    until = time.perf_counter() + seconds

    def work(number: int) -> None:
        client = Client(port)
        while time.perf_counter() < until:
            client.call("GenerateDataKey", generate)
            client.call("Decrypt", decrypt)
            counts[number] += 2

    threads = [threading.Thread(target=work, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / seconds


if __name__ == "__main__":
    main()
