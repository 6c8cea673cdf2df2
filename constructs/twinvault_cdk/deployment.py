"""One deployment: the stacks of a stage, what stays apart from what may be made again, under cdk-nag's eyes."""

import json
import sys

from aws_cdk import Annotations, App, Stack, Tags, Validations
from cdk_nag import AwsSolutionsChecks
from constructs import Construct

from twinvault_cdk.address import AddressStack
from twinvault_cdk.api import Api
from twinvault_cdk.application import Application
from twinvault_cdk.declarations import DeclarationError
from twinvault_cdk.rollout import Rollout
from twinvault_cdk.stage import Code, Stage, StageError
from twinvault_cdk.store import Store


class StoreStack(Stack):
    """The store of one stage. It is protected from termination."""

    def __init__(
        self, scope: Construct, construct_id: str, *, application: Application, stage: Stage, rollout: Rollout
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            env={"region": stage.region},
            termination_protection=True,
            description=f"{application.names(stage).title}: the KMS keys and the DynamoDB tables",
        )
        self.store = Store(self, "Store", application=application, stage=stage, rollout=rollout)


class ApiStack(Stack):
    """The functions and the HTTP API of one stage."""

    def __init__(self, scope: Construct, construct_id: str, *, store: Store, code: Code, rollout: Rollout) -> None:
        super().__init__(
            scope,
            construct_id,
            env={"region": store.stage.region},
            description=f"{store.names.title}: the functions and the HTTP API",
        )
        # An id that logical ids leave out: what people type, and SAM reads, names the functions without it.
        Api(self, "Default", store=store, code=code, rollout=rollout)


def synthesize(application: Application) -> int:
    """Synthesizes the stage that the context names, and returns the exit code; what is wrong is said on stderr.

    The whole of an `app.py`: ``sys.exit(synthesize(APPLICATION))``.
    """
    # The CDK command hands cdk.json's context over; run directly, it is read here. What -c says wins in both cases.
    context = json.loads((application.root / "cdk.json").read_text(encoding="utf-8"))["context"]
    # The command asks for these; without them the template does not say where the artifact is, which SAM must know.
    metadata = {"aws:cdk:enable-asset-metadata": True, "aws:cdk:enable-path-metadata": True}
    app = App(context=context | metadata, analytics_reporting=False)
    try:
        add_deployment(app, application)
    except (DeclarationError, StageError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    app.synth()
    return 0


def add_deployment(app: App, application: Application) -> None:
    """Adds the stacks of the stage that the app's context names.

    Raises:
        DeclarationError: a name would be too long.
        StageError: the stage or one of its values is missing, unknown or wrong, or there is no artifact.
    """
    stage = Stage.read(app.node.try_get_context)
    code = Code.read(app.node.try_get_context, root=application.root)
    rollout = Rollout.read(app.node.try_get_context)
    names = application.names(stage)
    store = StoreStack(app, names.stack("Store"), application=application, stage=stage, rollout=rollout).store
    api = ApiStack(app, names.stack("Api"), store=store, code=code, rollout=rollout)
    if stage.domain:
        # The name first: the API is mapped to it.
        address = AddressStack(app, names.stack("Address"), stage=stage, names=names, domain=stage.domain)
        api.add_stack_dependency(address)
    Tags.of(app).add("application", application.name)
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
