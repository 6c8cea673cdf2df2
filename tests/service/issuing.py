"""An issuer of one's own: keys, tokens good and bad, and a JWK set behind a real HTTP server that counts who asks."""

import base64
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa

ISSUER, AUDIENCE = "https://issuer.example", "twinvault"


@dataclass
class Issuer:
    """Signs with `keys`; publishes those of `published`."""

    keys: dict[str, Any] = field(default_factory=lambda: {"es": ec.generate_private_key(ec.SECP256R1())})
    extra: list[Any] = field(default_factory=list)
    fetches: int = 0
    down: bool = False

    def jwks(self) -> bytes:
        return json.dumps({"keys": [*(public(kid, key) for kid, key in self.keys.items()), *self.extra]}).encode()

    def token(self, *, kid: str = "es", key: Any = None, headers: dict[str, Any] | None = None, **claims: Any) -> str:
        """A good token with these claims in place of its own; `...` takes one away."""
        now = int(time.time())
        good = {"iss": ISSUER, "aud": AUDIENCE, "sub": "subject-1", "iat": now, "exp": now + 300, "tenant": "acme"}
        good |= {"permissions": ["dialogues:read", "dialogues:write"]}
        signing = key or self.keys[kid]
        algorithm = "RS256" if isinstance(signing, rsa.RSAPrivateKey) else "ES256"
        payload = {name: value for name, value in {**good, **claims}.items() if value is not ...}
        return jwt.encode(payload, signing, algorithm=algorithm, headers={"kid": kid, **(headers or {})})


def public(kid: str, key: Any) -> dict[str, Any]:
    """The public half as a JWK."""
    algorithm = jwt.algorithms.RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else jwt.algorithms.ECAlgorithm
    return {**algorithm.to_jwk(key.public_key(), as_dict=True), "kid": kid, "use": "sig"}


def raw(header: dict[str, Any], payload: dict[str, Any], signature: bytes = b"") -> str:
    """A token put together by hand."""
    parts = (json.dumps(header).encode(), json.dumps(payload).encode(), signature)
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


def signed(issuer: Issuer, header: dict[str, Any]) -> str:
    """A good token under any header, which libraries do not write."""
    payload = json.loads(base64.urlsafe_b64decode(issuer.token().split(".")[1] + "=="))
    unsigned = raw(header, payload).rstrip(".")
    signature = jwt.algorithms.ECAlgorithm(jwt.algorithms.ECAlgorithm.SHA256).sign(unsigned.encode(), issuer.keys["es"])
    return f"{unsigned}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"


@contextmanager
def serving(issuer: Issuer) -> Iterator[str]:
    """The URL of the issuer's JWK set."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            issuer.fetches += 1
            body = issuer.jwks()
            self.send_response(503 if issuer.down else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/jwks.json"
        finally:
            server.shutdown()
            thread.join(10)
