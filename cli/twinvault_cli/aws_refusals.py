"""Whose fault it is that AWS could not be asked: the caller's settings, or a network between here and there."""

from botocore.exceptions import BotoCoreError, HTTPClientError
from botocore.exceptions import ConnectionError as NoConnection

from twinvault_cli.errors import CliError, UnavailableError, UsageError


def refusal(error: BotoCoreError) -> CliError:
    """The error to raise: a dependency where nobody answers, the caller's where settings or credentials are missing."""
    if isinstance(error, HTTPClientError | NoConnection):
        return UnavailableError(
            f"AWS does not answer: {error}", next_step="Is there a network, and a way through its proxy?"
        )
    return UsageError(f"The AWS settings do not suffice: {error}", next_step="Give --region, or a profile.")
