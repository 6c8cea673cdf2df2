"""A deployed stage, as moto plays AWS: functions, and the tables and keys of the real templates."""

import json
import os
import shlex
import subprocess
import sys
import urllib.request
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import boto3
import botocore.session
import pytest
from botocore import xform_name
from moto.kms.models import kms_backends

from tests.stacks.conftest import Assembly
from twinvault_cli.deployment.comparing import Compared, compare

TWINVAULT = Path(sys.executable).with_name("twinvault")
REGION, ACCOUNT = "eu-central-1", "123456789012"
ACCESS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
STAGE = "prod"
# What a restore brings back, beside the key at rest (DynamoDB API Reference, "RestoreTableToPointInTime").
_RESTORED = ("AttributeDefinitions", "BillingMode", "GlobalSecondaryIndexes", "KeySchema")


def zipped(path: Path, content: str) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(zipfile.ZipInfo("service/__init__.py"), content)
    return path


class Deployment:
    """Stage prod in moto: a function whose versions the test publishes, and the tables and keys of the templates."""

    def __init__(self, endpoint: str, prod: Assembly, zip_path: Path) -> None:
        self.templates = prod.folder
        self.function = f"twinvault-{STAGE}-read"
        self._endpoint = endpoint
        urllib.request.urlopen(f"{endpoint}/moto-api/reset", data=b"")  # noqa: S310  # moto's own, on this machine
        s3 = self.client("s3")
        s3.create_bucket(Bucket="assets", CreateBucketConfiguration={"LocationConstraint": REGION})
        s3.upload_file(str(zip_path), "assets", "zip")
        role = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {}}}
        properties = {"FunctionName": self.function, "Handler": "h.h", "Runtime": "python3.13"}
        properties |= {"Role": {"Fn::GetAtt": ["Role", "Arn"]}, "Code": {"S3Bucket": "assets", "S3Key": "zip"}}
        self._stack("Api", {"Role": role, "Function": {"Type": "AWS::Lambda::Function", "Properties": properties}})
        keys = {name: _key(body) for name, body in prod.resources("Store", "AWS::KMS::Key").items()}
        self._stack("Store", keys)
        self._make_the_keys_of_their_kinds(prod)
        tables = {name: self._as_restored(name) for name in self._tables()}
        self.client("cloudformation").update_stack(
            StackName=f"Twinvault-{STAGE}-Store", TemplateBody=json.dumps({"Resources": keys | tables})
        )
        self.functions = self.client("lambda")

    def client(self, name: str) -> Any:
        access = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
        return boto3.client(name, endpoint_url=self._endpoint, region_name=REGION, **access)

    def template(self, stack: str) -> dict[str, Any]:
        return json.loads((self.templates / f"Twinvault-{STAGE}-{stack}.template.json").read_text(encoding="utf-8"))

    def restore(self, logical_id: str, name: str) -> None:
        """What a restore makes of a table: its keys and indexes, and nothing else that the template says."""
        properties = self._as_restored(logical_id)["Properties"]
        self.client("dynamodb").create_table(**{**properties, "TableName": name})

    def publish(self) -> str:
        return self.functions.publish_version(FunctionName=self.function)["Version"]

    def live(self, version: str, **others: float) -> None:
        """Points the alias at a version, and a share of the requests at others."""
        with suppress(self.functions.exceptions.ClientError):  # there is none at first
            self.functions.delete_alias(FunctionName=self.function, Name="live")
        self.functions.create_alias(
            FunctionName=self.function,
            Name="live",
            FunctionVersion=version,
            RoutingConfig={"AdditionalVersionWeights": {name.removeprefix("v"): w for name, w in others.items()}},
        )

    def update(self, zip_path: Path) -> None:
        self.functions.update_function_code(FunctionName=self.function, ZipFile=zip_path.read_bytes())

    def verify(self, *arguments: str, stage: str = STAGE, artifact: Path, region: bool = True, **options: Path) -> Any:
        environment = {"PATH": os.environ["PATH"], "AWS_ENDPOINT_URL": self._endpoint, "LANG": "C.UTF-8", **ACCESS}
        environment |= {"AWS_DEFAULT_REGION": REGION} if region else {"AWS_CONFIG_FILE": os.devnull}
        command = ["verify-deploy", "--stage", stage, "--artifact", str(artifact), *arguments]
        command += ["--templates", str(options.get("templates", self.templates))]
        return subprocess.run(
            [str(TWINVAULT), *command], env=environment, capture_output=True, text=True, check=False, timeout=120
        )

    def compared(self, templates: Path | None = None) -> Compared:
        """What the command compares, without the time that it takes to start one."""
        session = boto3.Session("testing", "testing", region_name=REGION)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("AWS_ENDPOINT_URL", self._endpoint)
            return compare(session, stage=STAGE, templates=templates or self.templates)

    def mend(self, templates: Path | None = None) -> None:
        """Carries out every command that puts a difference right."""
        found = self.compared(templates).differences
        for command in dict.fromkeys(one.command for one in found if one.command):
            self.carry_out(command)

    def carry_out(self, command: str) -> None:
        """What the AWS CLI does with such a command: options are the operation's parameters, in its shorthand."""
        program, service, operation, *options = shlex.split(command)
        assert program == "aws"
        model = botocore.session.get_session().get_service_model(service)
        name = next(one for one in model.operation_names if xform_name(one, "-") == operation)
        shapes = {
            xform_name(one, "-"): (one, shape) for one, shape in model.operation_model(name).input_shape.members.items()
        }
        arguments: dict[str, Any] = {}
        while options:
            option = options.pop(0).removeprefix("--")
            parameter, shape = shapes[option]
            values = []
            while options and not options[0].startswith("--"):
                values.append(options.pop(0))
            arguments[parameter] = _read(shape, values)
        getattr(self.client(service), xform_name(name))(**arguments)

    def _stack(self, name: str, resources: dict[str, Any]) -> None:
        self.client("cloudformation").create_stack(
            StackName=f"Twinvault-{STAGE}-{name}",
            TemplateBody=json.dumps({"Resources": resources}),
            Capabilities=["CAPABILITY_IAM"],
        )

    def _physical_keys(self) -> dict[str, str]:
        listed = self.client("cloudformation").list_stack_resources(StackName=f"Twinvault-{STAGE}-Store")
        return {one["LogicalResourceId"]: one["PhysicalResourceId"] for one in listed["StackResourceSummaries"]}

    def _make_the_keys_of_their_kinds(self, prod: Assembly) -> None:
        """moto's CloudFormation makes every key a symmetric one, whatever the template asks for."""
        ids = self._physical_keys()
        for name, body in prod.resources("Store", "AWS::KMS::Key").items():
            key, asked = kms_backends[ACCOUNT][REGION].keys[ids[name]], body["Properties"]
            key.key_spec, key.key_usage = asked.get("KeySpec", key.key_spec), asked.get("KeyUsage", key.key_usage)

    def _tables(self) -> dict[str, Any]:
        return {
            name: body["Properties"]
            for name, body in self.template("Store")["Resources"].items()
            if body["Type"] == "AWS::DynamoDB::GlobalTable"
        }

    def _as_restored(self, logical_id: str) -> dict[str, Any]:
        """moto makes no GlobalTable; of one region it is the same table."""
        kept = {name: value for name, value in self._tables()[logical_id].items() if name in _RESTORED}
        key = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{self._physical_keys()['TableKey']}"
        kept |= {"TableName": f"{STAGE}-{logical_id}"}
        kept |= {"SSESpecification": {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key}}
        return {"Type": "AWS::DynamoDB::Table", "Properties": kept}


def _key(rendered: dict[str, Any]) -> dict[str, Any]:
    """A key as moto makes it: a policy is its text to it, and tags are not as CloudFormation has them."""
    properties = {name: value for name, value in rendered["Properties"].items() if name != "Tags"}
    policy = json.dumps(properties["KeyPolicy"])
    for reference, value in {"AccountId": ACCOUNT, "Partition": "aws", "Region": REGION}.items():
        policy = policy.replace(f"${{AWS::{reference}}}", value)
    return {"Type": rendered["Type"], "Properties": {**properties, "KeyPolicy": policy}}


def _read(shape: Any, values: list[str]) -> Any:
    match shape.type_name:
        case "boolean":
            return values[0] == "true" if values else True
        case "integer":
            return int(values[0])
        case "list":
            return [_read(shape.member, [value]) for value in values]
        case "structure":
            pairs = (part.split("=", 1) for part in values[0].split(","))
            return {name: _read(shape.members[name], [value]) for name, value in pairs}
        case _:
            (text,) = values
            return text
