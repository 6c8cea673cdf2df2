"""verify-deploy against moto's Lambda and CloudFormation: the same bytes or not, whole or while requests are moved."""

import json
import os
import subprocess
import sys
import uuid
import zipfile
from contextlib import suppress
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

TWINVAULT = Path(sys.executable).with_name("twinvault")
REGION = "eu-central-1"
ACCESS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}


def zipped(path: Path, content: str) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(zipfile.ZipInfo("service/__init__.py"), content)
    return path


@pytest.fixture(scope="module")
def endpoint():
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    yield f"http://127.0.0.1:{port}"
    server.stop()


class Deployment:
    """One stage in moto: a stack with one function, whose versions the test publishes."""

    def __init__(self, endpoint: str, zip_path: Path) -> None:
        self.stage = f"s{uuid.uuid4().hex[:8]}"
        self.function = f"twinvault-{self.stage}-read"
        self._endpoint = endpoint
        self.bucket = f"assets-{self.stage}"
        s3, stack = self._client("s3"), f"Twinvault-{self.stage}-Api"
        s3.create_bucket(Bucket=self.bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
        s3.upload_file(str(zip_path), self.bucket, "zip")
        role = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {}}}
        properties = {"FunctionName": self.function, "Handler": "h.h", "Runtime": "python3.13"}
        properties |= {"Role": {"Fn::GetAtt": ["Role", "Arn"]}, "Code": {"S3Bucket": self.bucket, "S3Key": "zip"}}
        resources = {"Role": role, "Function": {"Type": "AWS::Lambda::Function", "Properties": properties}}
        self._client("cloudformation").create_stack(
            StackName=stack, TemplateBody=json.dumps({"Resources": resources}), Capabilities=["CAPABILITY_IAM"]
        )
        self.functions = self._client("lambda")

    def _client(self, name: str):
        return boto3.client(
            name,
            endpoint_url=self._endpoint,
            region_name=REGION,
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
        )

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

    def verify(self, *arguments: str, stage: str = "", artifact: Path, region: bool = True):
        environment = {"PATH": os.environ["PATH"], "AWS_ENDPOINT_URL": self._endpoint, "LANG": "C.UTF-8", **ACCESS}
        environment |= {"AWS_DEFAULT_REGION": REGION} if region else {"AWS_CONFIG_FILE": os.devnull}
        command = ["verify-deploy", "--stage", stage or self.stage, "--artifact", str(artifact), *arguments]
        return subprocess.run(
            [str(TWINVAULT), *command], env=environment, capture_output=True, text=True, check=False, timeout=60
        )


@pytest.fixture
def tested(tmp_path):
    return zipped(tmp_path / "functions.zip", "tested")


@pytest.fixture
def deployment(endpoint, tested):
    made = Deployment(endpoint, tested)
    made.live(made.publish())
    return made


def test_the_tested_artifact_is_recognised(deployment, tested):
    done = deployment.verify("--json", artifact=tested)
    assert done.returncode == 0, done.stderr
    (one,) = json.loads(done.stdout)["functions"]
    assert (one["function"], one["version"], one["share"], one["tested"]) == (deployment.function, "1", 1, True)


def test_what_is_served_is_shown_for_people_too(deployment, tested):
    done = deployment.verify(artifact=tested)
    assert (done.returncode, "the artifact" in done.stdout, deployment.function in done.stdout) == (0, True, True)


def test_another_zip_is_exit_code_3_and_names_the_function(deployment, tmp_path):
    done = deployment.verify(artifact=zipped(tmp_path / "other.zip", "other"))
    assert done.returncode == 3
    assert deployment.function in done.stderr
    assert "not this artifact" in done.stderr


def test_new_code_that_is_not_live_does_not_matter(deployment, tested, tmp_path):
    deployment.update(zipped(tmp_path / "next.zip", "next"))
    assert deployment.verify(artifact=tested).returncode == 0


def test_a_tenth_of_the_requests_that_reach_other_code_is_enough(deployment, tested, tmp_path):
    deployment.update(zipped(tmp_path / "next.zip", "next"))
    deployment.live("1", **{f"v{deployment.publish()}": 0.1})
    done = deployment.verify("--json", artifact=tested)
    assert done.returncode == 3
    shares = {one["version"]: (one["share"], one["tested"]) for one in json.loads(done.stdout)["functions"]}
    assert shares == {"1": (0.9, True), "2": (0.1, False)}


@pytest.mark.parametrize(
    ("options", "says"),
    [
        pytest.param({"stage": "nowhere"}, "npx cdk deploy --all -c stage=nowhere", id="a stage that is not deployed"),
        pytest.param({"artifact": Path("/nowhere.zip")}, "make build", id="no artifact"),
        pytest.param({"region": False}, "--region", id="no region"),
    ],
)
def test_the_callers_faults_say_what_to_type(deployment, tested, options, says):
    done = deployment.verify(**{"artifact": tested, **options})
    assert done.returncode == 2
    assert says in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
