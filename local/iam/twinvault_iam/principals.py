"""Who asks, as policies name whoever asks."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class IamPrincipal:
    """An account, a user, a role, or a session of a role."""

    arn: str

    @property
    def account(self) -> str:
        """The account that the principal belongs to."""
        return self.arn.split(":")[4]

    @property
    def principal_arn(self) -> str:
        """`aws:PrincipalArn`: a role's session is known by its role's ARN (IAM user guide, global condition keys)."""
        parts = self.arn.split(":", 5)
        if parts[2] == "sts" and parts[5].startswith("assumed-role/"):
            return f"arn:{parts[1]}:iam::{parts[4]}:role/{parts[5].split('/')[1]}"
        return self.arn

    @property
    def is_account_root(self) -> bool:
        """Whether the principal is the account itself."""
        return self.arn.endswith(":root")
