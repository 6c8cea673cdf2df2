"""Refuses what must not stand in the repository: a secret, one machine's paths, a package index's address.

Looks at every file that git tracks or would track. A lock file names packages and hashes; where they are downloaded
from is the business of whoever installs.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

FORBIDDEN = {
    "a path of one machine": r"(?<![\w.~$}/-])/(?:(?:work|root)/[\w.]|(?:home|Users)/[\w.-]+/)",
    "a folder outside the repository": r"\.\./shared\b",
    "a package index's address": r"\b(?:pypi\.org|pythonhosted\.org|registry\.npmjs\.org|proxy\.golang\.org"
    r"|repo1?\.maven\.(?:apache\.)?org|(?:static|index)\.crates\.io|deb\.debian\.org)\b",
    "a download address in a lock file": r'"resolved":|^--(?:extra-)?index-url|^--find-links',
    "an AWS access key": r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
    "a private key": r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----",
}
ALLOWED = {
    "AKIAREALREALREALREAL": "made up: a test shows that it does not reach a function",
}
_PATTERNS = {what: re.compile(pattern.encode(), re.MULTILINE) for what, pattern in FORBIDDEN.items()}


def main() -> int:
    """Prints each finding as file:line and returns 1 if there is any."""
    root = Path.cwd()
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], capture_output=True, check=True
    )
    names = sorted(name for name in listed.stdout.decode().split("\0") if name)
    own = Path(__file__).resolve()
    found = [line for name in names if (root / name).resolve() != own for line in _findings(root, name)]
    print("\n".join(found) if found else f"{len(names)} files without secrets, machine paths or download addresses")
    return 1 if found else 0


def _findings(root: Path, name: str) -> Iterator[str]:
    path = root / name
    if not path.is_file():  # deleted, not yet committed
        return
    data = path.read_bytes()
    for what, pattern in _PATTERNS.items():
        for match in pattern.finditer(data):
            if match[0].decode(errors="replace") in ALLOWED:
                continue
            line = data.count(b"\n", 0, match.start()) + 1
            yield f"{name}:{line}: {what}: {match[0].decode(errors='replace')}"


if __name__ == "__main__":
    sys.exit(main())
