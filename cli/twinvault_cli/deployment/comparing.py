"""A stage's tables and keys as they are, compared with the templates: every difference, and what puts it right."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from twinvault_cli.deployment import living, mending, settings
from twinvault_cli.deployment.settings import Configured, Difference
from twinvault_cli.deployment.synthesized import STACKS, Intended, Site, Synthesized

if TYPE_CHECKING:
    import boto3


@dataclass(frozen=True, slots=True)
class Compared:
    """The tables and keys that were looked at, and where they differ."""

    looked_at: tuple[Intended, ...]
    differences: tuple[Difference, ...]


def compare(session: "boto3.Session", *, stage: str, templates: Path) -> Compared:
    """Every table that functions use and every key of a stage, compared with its template.

    Raises:
        ClientError, BotoCoreError: AWS does not tell.
        TemplateError: the templates cannot be read.
    """
    cloudformation = session.client("cloudformation")
    names: dict[str, str] = {}
    for stack in STACKS:
        names |= living.physical(cloudformation, f"Twinvault-{stage}-{stack}")
    synthesized = Synthesized.read(templates, _place(session), names)
    dynamodb, kms = session.client("dynamodb"), session.client("kms")
    tables, keys = synthesized.tables(), synthesized.keys()
    found: list[Difference] = []
    for wanted in tables:
        found += differing(wanted, living.table(dynamodb, wanted.name, wanted.arn), mending.table_command)
    for wanted in keys:
        found += differing(wanted, living.key(kms, wanted.name), mending.key_command)
    return Compared((*tables, *keys), tuple(found))


def differing(
    wanted: Intended, is_: Configured | None, command: Callable[[Intended, str], str]
) -> Iterator[Difference]:
    """Where one table or key differs from the template; one that is missing differs as a whole."""
    of = {"resource": wanted.logical_id, "name": wanted.name}
    if is_ is None:
        yield Difference(**of, setting="it", has="missing", should="it")
        return
    for setting, has, should in settings.differences(is_, wanted.settings):
        yield Difference(**of, setting=setting, has=has, should=should, command=command(wanted, setting))


def _place(session: "boto3.Session") -> Site:
    """Where the caller is: of their own identity anybody may ask."""
    _, partition, _, _, account, *_ = session.client("sts").get_caller_identity()["Arn"].split(":")
    return Site(account=account, partition=partition, region=str(session.region_name))
