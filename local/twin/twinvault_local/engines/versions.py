"""What the tests and the twin run on: each program and its version, as evidence names them."""

import hashlib
import platform
import re
import subprocess

from twinvault_local.engines import dynamodb
from twinvault_local.errors import ToolMissingError
from twinvault_local.machine import toolchain

_CLIENT = re.compile(r"^awslambdaric==([^ ;\\]+)", re.MULTILINE)


def versions() -> dict[str, str]:
    """Program to version. The local KMS and the gate have none of their own: they are the commit's."""
    manifest = hashlib.sha256(dynamodb.MANIFEST.read_bytes()).hexdigest()[:12]
    client = _CLIENT.search(toolchain.LAMBDA_LOCK.read_text(encoding="utf-8"))
    return {
        "DynamoDB Local": f"{dynamodb.VERSION} (jars {manifest})",
        "Java": _java(),
        "Python": platform.python_version(),
        "awslambdaric": client[1] if client else "not locked",
        "system": f"{platform.system()} {platform.machine()}, {' '.join(platform.libc_ver())}",
    }


def _java() -> str:
    try:
        java = toolchain.find_java()
    except ToolMissingError:
        return "none"
    answer = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    found = re.search(r'version "([^"]+)"', answer)
    return found[1] if found else "unknown"
