"""The store of one stage: the KMS keys and the DynamoDB tables, with all that decides who may use them."""

from collections.abc import Mapping

from aws_cdk import Stack, Token
from aws_cdk import aws_dynamodb as dynamodb
from constructs import Construct

from twinvault_cdk.adopting import check_letting_go
from twinvault_cdk.application import Application
from twinvault_cdk.by_name import require_roles_by_name
from twinvault_cdk.keys import Keys
from twinvault_cdk.rollout import Rollout
from twinvault_cdk.stage import Stage, StageError
from twinvault_cdk.tables import Tables


class Store(Construct):
    """Keys, tables, their policies. They outlive their stack, which should be protected from termination.

    The keys and tables have fixed logical ids (``RootKey``, ``Records``, ...), so that no rearranged construct tree
    looks like another key to CloudFormation: a stack has one store.

    Raises:
        DeclarationError: a name would be too long.
        StageError: the stack is not of the stage's region, or the rollout lets go of a table that functions still use.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        application: Application,
        stage: Stage,
        rollout: Rollout | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        if (region := Stack.of(self).region) != stage.region:
            where = "no region" if Token.is_unresolved(region) else region
            raise StageError(
                f"stage {stage.name} is of {stage.region}, and the stack of its store of {where}: say env."
            )
        rollout = rollout or Rollout()
        check_letting_go(stage, rollout)
        self.application = application
        self.stage = stage
        self.names = application.names(stage)
        self.keys = Keys(self, "Keys", stage=stage, names=self.names, functions=application.functions)
        self._tables = Tables(self, "Tables", stage=stage, rollout=rollout, table_key=self.keys.table)
        require_roles_by_name(self, self.keys.all)

    @property
    def tables(self) -> Mapping[str, dynamodb.TableV2]:
        """The tables by what they hold: records, keys, marks, audit."""
        return self._tables.by_name
