"""A small synthesized app of our own: three stacks as the CDK writes them, and an artifact that answers."""

import copy
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from houses import Templates, build, house

from twinvault_local.artifact.sources import Sources
from twinvault_local.provision.template import Assembly

__all__ = ["build", "house"]  # fixtures

REGION = "eu-central-1"
_ADMINISTRATION = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": "kms:*",
            "Resource": "*",
            "Principal": {
                "AWS": {
                    "Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, ":iam::", {"Ref": "AWS::AccountId"}, ":root"]]
                }
            },
        }
    ],
}


def _key(**properties: Any) -> dict[str, Any]:
    return {"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": copy.deepcopy(_ADMINISTRATION), **properties}}


def _table(**properties: Any) -> dict[str, Any]:
    replica = properties.pop("replica", {})
    attributes = ["pk", "sk", *properties.pop("attributes", [])]
    return {
        "Type": "AWS::DynamoDB::GlobalTable",
        "Properties": {
            "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in attributes],
            "KeySchema": [
                {"AttributeName": "pk", "KeyType": "HASH"},
                {"AttributeName": "sk", "KeyType": "RANGE"},
            ],
            "BillingMode": "PAY_PER_REQUEST",
            "SSESpecification": {"SSEEnabled": True, "SSEType": "KMS"},
            "Replicas": [
                {
                    "Region": REGION,
                    "DeletionProtectionEnabled": True,
                    "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
                    "SSESpecification": {"KMSMasterKeyId": {"Fn::ImportValue": "Small-Keys:TableKeyArn"}},
                    **replica,
                }
            ],
            **properties,
        },
    }


def _function(name: str) -> dict[str, dict[str, Any]]:
    return {
        f"{name}Role": {"Type": "AWS::IAM::Role", "Properties": {"RoleName": f"small-dev-{name.lower()}"}},
        f"{name}Function": {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "FunctionName": f"small-dev-{name.lower()}",
                "Handler": f"small.handlers.{name.lower()}",
                "Runtime": "python3.13",
                "Architectures": ["x86_64"],
                "Timeout": 10,
                "MemorySize": 256,
                "Role": {"Fn::GetAtt": [f"{name}Role", "Arn"]},
                "Environment": {
                    "Variables": {
                        "TWINVAULT_RECORDS_TABLE": {"Fn::ImportValue": "Small-Tables:Records"},
                        "TWINVAULT_ROOT_KEYS": {"Fn::ImportValue": "Small-Keys:Root"},
                        "TWINVAULT_ISSUER": "https://login.example.com/",
                        "TWINVAULT_AUDIENCE": "small",
                        "TWINVAULT_ARTIFACT": "as synthesized",
                        "TWINVAULT_TENANT_CLAIM": "org",
                        "TWINVAULT_PERMISSIONS_CLAIM": "scopes",
                        "AWS_ENDPOINT_URL_KMS": {"Fn::Sub": "https://kms.${AWS::Region}.${AWS::URLSuffix}"},
                    }
                },
            },
        },
        # As the CDK attaches what a role is granted. Logs are of a group that the twin does not make.
        f"{name}Policy": {
            "Type": "AWS::IAM::Policy",
            "Properties": {
                "PolicyName": f"{name}Policy",
                "Roles": [{"Ref": f"{name}Role"}],
                "PolicyDocument": {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
                            "Resource": {"Fn::GetAtt": ["AccessLog", "Arn"]},
                        },
                        {
                            "Effect": "Allow",
                            "Action": "dynamodb:GetItem" if name == "Read" else ["dynamodb:PutItem"],
                            "Resource": {"Fn::ImportValue": "Small-Tables:RecordsArn"},
                        },
                        # DynamoDB asks the table's key in the caller's name.
                        {
                            "Effect": "Allow",
                            "Action": "kms:Decrypt",
                            "Resource": "*",
                            "Condition": {"StringLike": {"kms:ViaService": "dynamodb.*"}},
                        },
                    ],
                },
            },
        },
        f"{name}Integration": {
            "Type": "AWS::ApiGatewayV2::Integration",
            "Properties": {
                "ApiId": {"Ref": "Api"},
                "IntegrationType": "AWS_PROXY",
                "PayloadFormatVersion": "2.0",
                "IntegrationUri": {"Fn::GetAtt": [f"{name}Function", "Arn"]},
            },
        },
        f"{name}Permission": {
            "Type": "AWS::Lambda::Permission",
            "Properties": {
                "Action": "lambda:InvokeFunction",
                "FunctionName": {"Fn::GetAtt": [f"{name}Function", "Arn"]},
                "Principal": "apigateway.amazonaws.com",
                "SourceArn": {"Fn::Sub": "arn:aws:execute-api:${AWS::Region}:${AWS::AccountId}:${Api}/*/*/things*"},
            },
        },
    }


def _route(key: str, name: str) -> dict[str, Any]:
    return {
        "Type": "AWS::ApiGatewayV2::Route",
        "Properties": {
            "ApiId": {"Ref": "Api"},
            "RouteKey": key,
            "AuthorizationType": "NONE",
            "Target": {"Fn::Join": ["", ["integrations/", {"Ref": f"{name}Integration"}]]},
        },
    }


def _export(value: Any, name: str) -> dict[str, Any]:
    return {"Value": value, "Export": {"Name": name}}


def _keys_stack() -> dict[str, Any]:
    return {
        "Resources": {
            "RootKey": _key(Description="root", EnableKeyRotation=True),
            "RootAlias": {
                "Type": "AWS::KMS::Alias",
                "Properties": {"AliasName": "alias/small-root", "TargetKeyId": {"Fn::GetAtt": ["RootKey", "Arn"]}},
            },
            "TableKey": _key(PendingWindowInDays=30),
            "SigningKey": _key(KeySpec="ECC_NIST_EDWARDS25519", KeyUsage="SIGN_VERIFY"),
        },
        "Outputs": {
            "Root": _export({"Ref": "RootKey"}, "Small-Keys:Root"),
            "TableKeyArn": _export({"Fn::GetAtt": ["TableKey", "Arn"]}, "Small-Keys:TableKeyArn"),
        },
    }


def _tables_stack() -> dict[str, Any]:
    by_list = {
        "IndexName": "ByList",
        "KeySchema": [
            {"AttributeName": "tenant_id", "KeyType": "HASH"},
            {"AttributeName": "list_kind", "KeyType": "HASH"},
            {"AttributeName": "list_at", "KeyType": "RANGE"},
        ],
        "Projection": {"ProjectionType": "KEYS_ONLY"},
    }
    deny = {
        "PolicyDocument": {
            "Statement": [{"Effect": "Deny", "Action": "dynamodb:PutItem", "Resource": "*", "Principal": "*"}]
        }
    }
    return {
        "Resources": {
            "Records": _table(
                attributes=["tenant_id", "list_kind", "list_at"],
                GlobalSecondaryIndexes=[by_list],
                replica={"GlobalSecondaryIndexes": [{"IndexName": "ByList"}]},
                TimeToLiveSpecification={"AttributeName": "expires_at", "Enabled": True},
            ),
            "Keys": _table(),
            "Marks": _table(replica={"ResourcePolicy": deny}),
            "Audit": _table(StreamSpecification={"StreamViewType": "NEW_IMAGE"}, replica={"ResourcePolicy": deny}),
        },
        "Outputs": {
            "RecordsTable": _export({"Ref": "Records"}, "Small-Tables:Records"),
            "RecordsArn": _export({"Fn::GetAtt": ["Records", "Arn"]}, "Small-Tables:RecordsArn"),
            "KeysTable": {"Value": {"Ref": "Keys"}},
            "MarksTable": {"Value": {"Ref": "Marks"}},
            "AuditTable": {"Value": {"Ref": "Audit"}},
            "AuditStream": {"Value": {"Fn::GetAtt": ["Audit", "StreamArn"]}},
        },
    }


def _api_stack() -> dict[str, Any]:
    return {
        "Resources": {
            "Api": {
                "Type": "AWS::ApiGatewayV2::Api",
                "Properties": {
                    "ProtocolType": "HTTP",
                    "CorsConfiguration": {"AllowOrigins": ["https://a.example"], "AllowMethods": ["GET"], "MaxAge": 60},
                },
            },
            "AccessLog": {"Type": "AWS::Logs::LogGroup"},
            "Stage": {
                "Type": "AWS::ApiGatewayV2::Stage",
                "Properties": {
                    "StageName": "$default",
                    "AccessLogSettings": {
                        "DestinationArn": {"Fn::GetAtt": ["AccessLog", "Arn"]},
                        "Format": '{"route": "$context.routeKey"}',
                    },
                    "DefaultRouteSettings": {"ThrottlingRateLimit": 50, "ThrottlingBurstLimit": 100},
                },
            },
            **_function("Read"),
            **_function("Write"),
            "ReadRoute": _route("GET /things/{id}", "Read"),
            "WriteRoute": _route("POST /things", "Write"),
        },
        "Outputs": {"ApiUrl": {"Value": {"Fn::GetAtt": ["Api", "ApiEndpoint"]}}},
    }


@pytest.fixture(scope="session")
def fresh_templates() -> Callable[[], Templates]:
    """The three stacks, anew at each call."""
    return lambda: {"Small-Keys": _keys_stack(), "Small-Tables": _tables_stack(), "Small-Api": _api_stack()}


@pytest.fixture
def templates(fresh_templates: Callable[[], Templates]) -> Templates:
    """The three stacks; a test may change them before it loads them."""
    return fresh_templates()


@pytest.fixture
def load() -> Callable[[Templates], Assembly]:
    """Templates as the twin reads them."""
    return lambda templates: Assembly(templates, REGION)


@pytest.fixture(scope="session")
def write_sources() -> Callable[[Path, Templates], Sources]:
    """Templates written to a folder as the CDK writes an assembly, beside an artifact with the handlers they name."""
    return _write_sources


def _write_sources(folder: Path, templates: Templates) -> Sources:
    assembly = folder / "cdk.out"
    assembly.mkdir(parents=True, exist_ok=True)
    artifacts: dict[str, Any] = {"Small-Keys.assets": {"type": "cdk:asset-manifest"}}
    for stack, template in templates.items():
        (assembly / f"{stack}.template.json").write_text(json.dumps(template), encoding="utf-8")
        artifacts[stack] = {
            "type": "aws:cloudformation:stack",
            "environment": f"aws://unknown-account/{REGION}",
            "properties": {"templateFile": f"{stack}.template.json"},
        }
    (assembly / "manifest.json").write_text(json.dumps({"artifacts": artifacts}), encoding="utf-8")
    zipped = folder / "functions.zip"
    with zipfile.ZipFile(zipped, "w") as file:
        for name, content in {"small/__init__.py": "", "small/handlers.py": _HANDLERS}.items():
            file.writestr(zipfile.ZipInfo(name), content)  # of a fixed time: the same bytes, the same hash
    return Sources(assembly=assembly, artifact=zipped)


_HANDLERS = """
import os


def read(event, context):
    return {"id": event["pathParameters"]["id"], "environment": dict(os.environ), "file": __file__}


def write(event, context):
    return {"statusCode": 201}
"""
