"""Docker as these tests ask it, beside the code that they test."""

import json
import subprocess
from typing import Any


def docker(*arguments: str, **options: Any) -> str:
    """What `docker ARGUMENTS` prints; a failure is the test's."""
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


def left_behind(project: str) -> list[str]:
    """Containers, volumes and networks of a Compose project."""
    of_it = ("--filter", f"label=com.docker.compose.project={project}")
    listings = (("ps", "--all", "--format", "{{.Names}}"), ("volume", "ls", "--quiet"), ("network", "ls", "--quiet"))
    return [line for listing in listings for line in docker(*listing, *of_it).splitlines()]


def published(project: str) -> dict[str, str]:
    """Container to the address that its port is published on."""
    found = {}
    names = docker("ps", "--format", "{{.Names}}", "--filter", f"label=com.docker.compose.project={project}")
    for name in names.splitlines():
        (inspected,) = json.loads(docker("inspect", name))
        bindings = [one for port in inspected["NetworkSettings"]["Ports"].values() for one in port or ()]
        found[name] = ", ".join(sorted({one["HostIp"] for one in bindings}))
    return found
