"""Answers for CloudFormation, Lambda and STS: what the twin is, told as AWS tells it.

AWS CloudFormation API Reference, "DescribeStacks", "GetTemplate"; AWS Lambda API Reference, "GetAlias",
"GetFunctionConfiguration"; AWS STS API Reference, "AssumeRole".
"""

import base64
import copy
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from tests.parity.stages import LIVE, SESSION
from tests.parity.target import Target
from tests.parity.templates import functions, role_arn

VERSION = "7"
_ALIAS = re.compile(rf"/2015-03-31/functions/(?P<name>[\w-]+)/aliases/{LIVE}")
_CONFIGURATION = re.compile(r"/2015-03-31/functions/(?P<name>[\w-]+)/configuration\?Qualifier=(?P<version>\w+)")


@contextmanager
def answering(target: Target) -> Iterator[str]:
    """The address at which this twin is told as AWS tells of a disposable stage."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(json.dumps(_of_lambda(target, self.path)), "application/json")

        def do_POST(self) -> None:
            asked = parse_qs(self.rfile.read(int(self.headers["content-length"])).decode())
            action, first = asked["Action"][0], {name: values[0] for name, values in asked.items()}
            result = _QUERIES[action](target, first)
            self._answer(f"<{action}Response><{action}Result>{result}</{action}Result></{action}Response>", "text/xml")

        def _answer(self, text: str, kind: str) -> None:
            body = text.encode()
            self.send_response(200)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing: a run's output is the suite's."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def disposable(template: Mapping[str, Any]) -> dict[str, Any]:
    """The template as a disposable stage has it (tests/stacks/test_disposable.py)."""
    changed = copy.deepcopy(dict(template))
    for resource in changed["Resources"].values():
        if resource["Type"] == "AWS::IAM::Role" and "RoleName" in resource["Properties"]:
            resource["Properties"]["AssumeRolePolicyDocument"]["Statement"].append(
                {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "the account's root"}}
            )
    return changed


def _of_lambda(target: Target, path: str) -> dict[str, Any]:
    if match := _ALIAS.fullmatch(path):
        return {"FunctionVersion": VERSION, "Name": LIVE}
    match = _CONFIGURATION.fullmatch(path)
    assert match, path
    assert match["version"] == VERSION
    digest = bytes.fromhex(target.served[match["name"]])
    return {"FunctionName": match["name"], "CodeSha256": base64.b64encode(digest).decode()}


def _describe(target: Target, asked: Mapping[str, str]) -> str:
    stack = asked["StackName"].rpartition("-")[2]
    declared = target.templates[stack]["Outputs"]
    members = "".join(
        f"<member><OutputKey>{name}</OutputKey><OutputValue>{escape(value)}</OutputValue></member>"
        for name, value in target.outputs.items()
        if name in declared
    )
    status = "<CreationTime>2026-01-01T00:00:00Z</CreationTime><StackStatus>CREATE_COMPLETE</StackStatus>"
    name = f"<StackName>{asked['StackName']}</StackName>"
    return f"<Stacks><member>{name}{status}<Outputs>{members}</Outputs></member></Stacks>"


def _template(target: Target, asked: Mapping[str, str]) -> str:
    template = disposable(target.templates[asked["StackName"].rpartition("-")[2]])
    return f"<TemplateBody>{escape(json.dumps(template))}</TemplateBody>"


def _assume(target: Target, asked: Mapping[str, str]) -> str:
    assert asked["RoleSessionName"] == SESSION
    (name,) = (function for function in functions(target) if role_arn(target, function) == asked["RoleArn"])
    given = target.function_credentials(name)
    assert given
    return (
        f"<Credentials><AccessKeyId>{given['aws_access_key_id']}</AccessKeyId>"
        f"<SecretAccessKey>{given['aws_secret_access_key']}</SecretAccessKey>"
        "<SessionToken>made-up</SessionToken><Expiration>2036-01-01T00:00:00Z</Expiration></Credentials>"
    )


_QUERIES = {"DescribeStacks": _describe, "GetTemplate": _template, "AssumeRole": _assume}
