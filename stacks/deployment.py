"""One deployment: the stacks of a stage, what stays apart from what may be made again, under cdk-nag's eyes."""

from aws_cdk import Annotations, App, Tags, Validations
from cdk_nag import AwsSolutionsChecks

from stacks.address import AddressStack
from stacks.adopting import check_letting_go
from stacks.api import ApiStack
from stacks.keys import KeysStack
from stacks.rollout import Rollout
from stacks.stage import Code, Stage
from stacks.tables import TablesStack


def add_deployment(app: App) -> None:
    """Adds the stacks of the stage that the app's context names.

    Raises:
        StageError: the stage or one of its values is missing, unknown or wrong, or there is no artifact.
    """
    stage = Stage.read(app.node.try_get_context)
    code = Code.read(app.node.try_get_context)
    rollout = Rollout.read(app.node.try_get_context)
    check_letting_go(stage, rollout)
    prefix = f"Twinvault-{stage.name}"
    keys = KeysStack(app, f"{prefix}-Keys", stage=stage)
    tables = TablesStack(app, f"{prefix}-Tables", stage=stage, rollout=rollout, table_key=keys.table)
    api = ApiStack(
        app,
        f"{prefix}-Api",
        stage=stage,
        code=code,
        rollout=rollout,
        tables=tables.tables,
        root_key=keys.root,
        audit_key=keys.audit,
        alarms_key=keys.alarms,
    )
    if stage.domain:
        # The name first: the API is mapped to it.
        api.add_stack_dependency(AddressStack(app, f"{prefix}-Address", stage=stage, domain=stage.domain))
    Tags.of(app).add("application", "twinvault")
    Tags.of(app).add("stage", stage.name)
    _warn(api, stage)
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))


def _warn(api: ApiStack, stage: Stage) -> None:
    if examples := stage.example_values():
        Annotations.of(api).add_warning_v2(
            "twinvault:example-values",
            f"{', '.join(examples)} of stage {stage.name} are examples: put your own into cdk.json before you deploy.",
        )
    if not stage.alarm_emails and not stage.trusts_this_machine():
        Annotations.of(api).add_warning_v2(
            "twinvault:nobody-hears",
            f"alarm_emails of stage {stage.name} is empty: subscribe somebody to AlarmTopicArn after the deployment.",
        )
    if adopted := stage.adopted_tables:
        Annotations.of(api).add_warning_v2(
            "twinvault:adopted-tables",
            f"Stage {stage.name} adopts {', '.join(adopted.values())}: the stack neither makes nor changes what it "
            "adopts. docs/runbooks/restore.md says how it becomes the stack's own.",
        )
    if stage.disposable:
        Annotations.of(api).add_warning_v2(
            "twinvault:disposable",
            f"Stage {stage.name} is disposable: whoever may call AssumeRole in its account can act as its functions, "
            "and open what they open. Keep nothing in it.",
        )
    if stage.trusts_this_machine():
        Annotations.of(api).add_info(
            f"Stage {stage.name} trusts an issuer on this machine: right for the twin, useless in a deployment."
        )
