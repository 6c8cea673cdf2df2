"""What tests of several engines do with their processes: talk to the ports, and wait until one answers."""

import http.client
import json
import ssl
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

if TYPE_CHECKING:
    import subprocess

DEADLINE_SECONDS = 20.0


def order(port: int, method: str, path: str, document: object = None) -> dict[str, object]:
    """Asks an admin port."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        body = None if document is None else json.dumps(document)
        connection.request(method, path, body, {"content-type": "application/json"})
        response = connection.getresponse()
        answer: dict[str, object] = json.loads(response.read())
        assert response.status < 300, answer
        return answer
    finally:
        connection.close()


def wait_until_healthy(
    port: int, process: "subprocess.Popen[bytes]", *, log: Callable[[], str], trusted: Path | None = None
) -> None:
    """Returns once the process answers on its port; with `trusted`, over TLS."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not healthy(port, trusted):
        assert process.poll() is None, log()
        assert time.monotonic() < deadline, log()
        time.sleep(0.02)


def healthy(port: int, trusted: Path | None = None) -> bool:
    if trusted is None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    elif not trusted.exists():
        return False
    else:
        context = ssl.create_default_context(cafile=str(trusted))
        connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=5, context=context)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def signed_headers(
    url: str,
    target: str,
    body: bytes,
    *,
    access_key_id: str,
    service: str,
    region: str = "eu-central-1",
    secret: str = "made-up",  # noqa: S107  # made up
    when: datetime | None = None,
) -> dict[str, str]:
    """The headers of a request as an SDK signs it at some time, for requests that no SDK sends."""
    request = AWSRequest("POST", f"{url}/", data=body, headers={"X-Amz-Target": target})
    signer = SigV4Auth(Credentials(access_key_id, secret), service, region)
    request.context["timestamp"] = f"{when or datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    signer._modify_request_before_signing(request)
    canonical = signer.canonical_request(request)
    signature = signer.signature(signer.string_to_sign(request, canonical), request)
    signer._inject_signature_to_request(request, signature)
    return dict(request.headers.items())
