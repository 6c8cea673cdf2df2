"""A small checkout with what a verdict reads of one, in which everything can be well."""

import json
import subprocess
import zipfile

import pytest

from twinvault_verdict.gathering import everything, formats

APP = """
import json, os, sys
stage = json.loads(os.environ["CDK_CONTEXT_JSON"])["stage"]
if stage == "broken":
    print("[Error at /Twinvault-broken-Api] AwsSolutions-IAM5: The entity has wildcard permissions", file=sys.stderr)
    sys.exit(1)
assert "AWS_ACCESS_KEY_ID" not in os.environ
out = os.environ["CDK_OUTDIR"]
os.makedirs(out)
days = "never" if stage == "odd" else 7
log = {"Type": "AWS::Logs::LogGroup", "Properties": {"RetentionInDays": days}}
with open(f"{out}/Twinvault-{stage}-Api.template.json", "w") as file:
    json.dump({"Resources": {"Log": log}}, file)
"""


def run(root, *arguments):
    line = ["git", "-c", "user.name=t", "-c", "user.email=t@t", "-c", "tag.gpgSign=false", *arguments]
    return subprocess.run(line, cwd=root, check=True, capture_output=True, text=True).stdout.strip()


def put(root, name, content=""):
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")


def commit(root, message="more"):
    run(root, "add", "-A")
    run(root, "commit", "-qm", message)
    return run(root, "rev-parse", "HEAD")


@pytest.fixture
def checkout(tmp_path):
    """A small checkout with what a verdict reads of one."""
    root = tmp_path / "checkout"
    put(root, ".gitignore", "build/\n__pycache__/\n")
    put(root, "functions/service/__init__.py", '"""Ours."""\n')
    put(root, "functions/service/py.typed")
    put(root, formats.FILE, '"""The envelope."""\nFORMAT = 1\n')
    put(root, "tests/vectors/records.json", '{"vectors": []}')
    put(root, "tests/skips.txt")
    put(root, "tests/stacks/differences.txt")
    put(root, "docs/differences.md")
    put(root, "requirements/runtime.txt", "boto3==1 --hash=sha256:" + "1" * 64)
    put(root, "cdk.json", json.dumps({"context": {"stages": {"dev": {}, "prod": {}}}}))
    put(root, "app.py", APP)
    run(root.parent, "init", "-q", str(root))
    commit(root, "all")
    (root / "build").mkdir()
    with zipfile.ZipFile(root / everything.ARTIFACT, "w") as zipped:
        zipped.writestr("service/__init__.py", '"""Ours."""\n')
        zipped.writestr("boto3/__init__.py", "")
    return root
