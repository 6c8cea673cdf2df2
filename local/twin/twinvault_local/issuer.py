"""The local issuer: what an identity provider is to the deployed service, for one laptop.

It signs what it is asked to sign, for whoever reaches it on 127.0.0.1: tokens are verified as in production, people are
not. JWT: RFC 7519; keys: RFC 7517 and 7638; ES256: RFC 7518; discovery: OpenID Connect Discovery 1.0.
"""

import argparse
import base64
import hashlib
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt
import uvicorn
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

import twinvault_durable as durable
from twinvault_serving.server import LOOPBACK

DEFAULT_SECONDS = 3600
_LONGEST_SECONDS = 30 * 24 * 3600
_KEY_FILE = "key.pem"


@dataclass(frozen=True, slots=True)
class Issuer:
    """Who signs, and in which form."""

    url: str
    audience: str
    tenant_claim: str
    permissions_claim: str
    key: ec.EllipticCurvePrivateKey

    def jwk(self) -> dict[str, Any]:
        """The public key, named by its RFC 7638 thumbprint."""
        public = ECAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        required = {name: public[name] for name in ("crv", "kty", "x", "y")}
        digest = hashlib.sha256(json.dumps(required, separators=(",", ":")).encode()).digest()
        thumbprint = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        return {**required, "kid": thumbprint, "use": "sig", "alg": "ES256"}

    def token(self, *, tenant: str, subject: str, permissions: list[str], expires_in: int, now: int) -> str:
        """A signed token; `expires_in` may lie in the past, to see one refused."""
        claims = {
            "iss": self.url,
            "aud": self.audience,
            "sub": subject,
            "iat": min(now, now + expires_in),
            "exp": now + expires_in,
            self.tenant_claim: tenant,
            self.permissions_claim: permissions,
        }
        return jwt.encode(claims, self.key, algorithm="ES256", headers={"kid": self.jwk()["kid"]})


def load_key(data: Path) -> ec.EllipticCurvePrivateKey:
    """The signing key kept in `data`, 0600, drawn the first time: tokens stay good over a restart."""
    file = data / _KEY_FILE
    if not file.exists():
        pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        durable.write(file, pem)
    key = serialization.load_pem_private_key(file.read_bytes(), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError(f"{file} is not an EC key")
    return key


def application(issuer: Issuer, *, also_known_as: Sequence[str] = ()) -> Starlette:
    """The three routes, and a fourth that says the issuer is up; `also_known_as` are further names of this host."""

    async def discovery(_: Request) -> JSONResponse:
        return JSONResponse(
            {
                "issuer": issuer.url,
                "jwks_uri": f"{issuer.url}/.well-known/jwks.json",
                "token_endpoint": f"{issuer.url}/token",
                "id_token_signing_alg_values_supported": ["ES256"],
            }
        )

    async def jwks(_: Request) -> JSONResponse:
        return JSONResponse({"keys": [issuer.jwk()]})

    async def health(_: Request) -> JSONResponse:
        return JSONResponse({"issuer": issuer.url})

    async def token(request: Request) -> JSONResponse:
        # A web page can post to 127.0.0.1 without asking only in a form's content types, so JSON is demanded.
        if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
            return JSONResponse({"error": "the body must be application/json"}, status_code=415)
        try:
            asked = _asked(await request.json())
        except ValueError as error:
            return JSONResponse({"error": str(error)}, status_code=400)
        at = asked.pop("issued_at")
        signed = issuer.token(**asked, now=int(time.time()) if at is None else at)
        return JSONResponse({"access_token": signed, "token_type": "Bearer", "expires_in": asked["expires_in"]})

    return Starlette(
        routes=[
            Route("/.well-known/openid-configuration", discovery),
            Route("/.well-known/jwks.json", jwks),
            Route("/health", health),
            Route("/token", token, methods=["POST"]),
        ],
        # A page that points its own name at 127.0.0.1 gets nothing.
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=[LOOPBACK, "localhost", *also_known_as])],
    )


def _asked(body: object) -> dict[str, Any]:
    """What a token request asks for; ValueError names the field that is wrong."""
    if not isinstance(body, dict):
        raise ValueError("the body must be an object")  # noqa: TRY004  # a caller's mistake, answered like the others
    if unknown := body.keys() - {"tenant", "subject", "permissions", "expires_in", "issued_at"}:
        raise ValueError(f"{min(unknown)}: unknown")
    tenant, subject = body.get("tenant"), body.get("subject", "developer")
    permissions, seconds = body.get("permissions", []), body.get("expires_in", DEFAULT_SECONDS)
    # The tenant's form is the service's to refuse, so that this can be tried.
    for name, value in (("tenant", tenant), ("subject", subject)):
        if not isinstance(value, str) or not value:
            raise ValueError(f"{name}: must be a string that is not empty")
    if not isinstance(permissions, list) or not all(isinstance(one, str) for one in permissions):
        raise ValueError("permissions: must be a list of strings")
    if not isinstance(seconds, int) or isinstance(seconds, bool) or abs(seconds) > _LONGEST_SECONDS:
        raise ValueError(f"expires_in: must be whole seconds, at most {_LONGEST_SECONDS}")
    at = body.get("issued_at")  # tests move their clock; whoever verifies goes by the real one
    if at is not None and (not isinstance(at, int) or isinstance(at, bool)):
        raise ValueError("issued_at: must be whole seconds since 1970")
    asked = {"tenant": tenant, "subject": subject, "permissions": permissions, "expires_in": seconds}
    return {**asked, "issued_at": at}


def main() -> None:
    """Serve in the foreground until SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m twinvault_local.issuer", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--host", default=LOOPBACK, help="address to listen on")
    parser.add_argument("--url", help="the issuer's name in its tokens (default: http://127.0.0.1:PORT)")
    parser.add_argument("--also-known-as", action="append", default=[], help="another name that this host is called by")
    parser.add_argument("--data", type=Path, required=True, help="where the signing key is kept")
    parser.add_argument("--audience", default="twinvault")
    parser.add_argument("--tenant-claim", default="tenant")
    parser.add_argument("--permissions-claim", default="permissions")
    asked = parser.parse_args()
    issuer = Issuer(
        url=asked.url or f"http://{LOOPBACK}:{asked.port}",
        audience=asked.audience,
        tenant_claim=asked.tenant_claim,
        permissions_claim=asked.permissions_claim,
        key=load_key(asked.data),
    )
    served = application(issuer, also_known_as=asked.also_known_as)
    uvicorn.run(served, host=asked.host, port=asked.port, log_level="warning")


if __name__ == "__main__":
    main()
