"""The programs that the twin finds on this machine, and what to type where one is missing."""

import re
import shutil
import subprocess
from pathlib import Path

from twinvault_local.errors import ToolMissingError

JAVA_AT_LEAST = (
    17  # DynamoDB Local 3.x, https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/DynamoDBLocal.html
)
_INSTALL_JAVA = "Install a Java runtime of version 17 or later (Debian: apt-get install openjdk-17-jre-headless)."
_INSTALL_MAVEN = "Install Maven (Debian: apt-get install maven): it fetches DynamoDB Local."


def find_java() -> Path:
    """The `java` on PATH.

    Raises:
        ToolMissingError: there is none, or it is older than 17.
    """
    java = shutil.which("java")
    if java is None:
        raise ToolMissingError("There is no `java` on PATH.", next_step=_INSTALL_JAVA)
    answer = subprocess.run([java, "-version"], capture_output=True, text=True, check=False)
    found = re.search(r'version "(\d+)', answer.stderr)
    if found is None or int(found[1]) < JAVA_AT_LEAST:
        what = f"is version {found[1]}" if found else "does not say its version"
        raise ToolMissingError(f"{java} {what}; DynamoDB Local needs {JAVA_AT_LEAST}.", next_step=_INSTALL_JAVA)
    return Path(java)


def find_maven() -> Path:
    """The `mvn` on PATH.

    Raises:
        ToolMissingError: there is none.
    """
    maven = shutil.which("mvn")
    if maven is None:
        raise ToolMissingError("There is no `mvn` on PATH.", next_step=_INSTALL_MAVEN)
    return Path(maven)
