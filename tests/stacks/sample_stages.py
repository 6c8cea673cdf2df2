"""The stages that these tests synthesize: of cdk.json's form, with values of our own.

cdk.json is whoever deploys's to fill in, and what the stacks promise holds for all of its values. That its very stages
synthesize and differ as they may is asked by the verdict.
"""

import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]

_BOTH: dict[str, Any] = {
    "region": "eu-central-1",
    "architecture": "x86_64",
    "endpoints": "standard",
    "audience": "twinvault",
    "tenant_claim": "tenant",
    "permissions_claim": "permissions",
    "throttle_rate": 500,
    "throttle_burst": 1000,
    "keys_recovery_days": 7,
    "backup_days": 0,
    "erasure_hold_hours": 72,
    "erasure_four_eyes": True,
    "key_ttl_seconds": 300,
    "lowest_format": 1,
    "written_format": 1,
    "log_level": "INFO",
    "alarm_emails": [],
    "disposable": False,
    "parity_on_aws_required": False,
}
_OWN: dict[str, dict[str, Any]] = {
    "dev": {
        "store": "twinvault-dev",
        "issuer": "http://127.0.0.1:8788",
        "jwks_url": "http://127.0.0.1:8788/.well-known/jwks.json",
        "cors_origins": ["http://127.0.0.1:8787"],
        "log_retention_days": 7,
    },
    "prod": {
        "store": "twinvault-prod",
        "issuer": "https://login.example.com/",
        "jwks_url": "https://login.example.com/.well-known/jwks.json",
        "cors_origins": ["https://dashboard.example.com"],
        "log_retention_days": 365,
    },
}


def context() -> dict[str, Any]:
    """What cdk.json says, but for the stages."""
    found: dict[str, Any] = json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))["context"]
    return {**found, "stages": {name: {**_BOTH, **own} for name, own in _OWN.items()}}
