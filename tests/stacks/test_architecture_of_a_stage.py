"""The processor: a value of the stage, which every function has in the template and the artifact must be built for."""

import struct
import zipfile

import pytest

from tests.stacks.conftest import with_prod
from twinvault_cdk import artifact
from twinvault_cdk.stage import ARCHITECTURES, Stage, StageError

X86_64, AARCH64, RISCV = 62, 183, 243  # e_machine, elf.h


def shared_object(machine):
    """The header of a 64-bit little-endian ELF file: as much of it as names the processor, and a little more."""
    return b"\x7fELF" + bytes([2, 1, 1]) + bytes(9) + struct.pack("<HHI", 3, machine, 1) + bytes(40)


@pytest.fixture
def zipped(tmp_path):
    def make(**objects):
        with zipfile.ZipFile(tmp_path / "functions.zip", "w") as archive:
            archive.writestr("service/__init__.py", "")
            for name, content in objects.items():
                archive.writestr(f"wheel/{name}.cpython-313.so", content)
        return tmp_path / "functions.zip"

    return make


def stage(architecture):
    return Stage.read({"stages": with_prod(architecture=architecture), "stage": "prod"}.get)


def architectures(assembly):
    return {name: body["Properties"]["Architectures"] for name, body in functions(assembly).items()}


def functions(assembly):
    ours = assembly.resources("Api", "AWS::Lambda::Function").items()
    return {name: body for name, body in ours if "Handler" in body["Properties"]}


def test_every_function_runs_on_the_stages_processor(either, synthesized):
    assert set(map(tuple, architectures(either).values())) == {("x86_64",)}
    changed = architectures(synthesized("prod", stages=with_prod(architecture="arm64")))
    assert changed == {name: ["arm64"] for name in architectures(either)}


@pytest.mark.parametrize(("architecture", "machine"), [("x86_64", X86_64), ("arm64", AARCH64)])
def test_an_artifact_of_the_stages_processor_is_taken(zipped, architecture, machine):
    assert len(artifact.sha256(zipped(a=shared_object(machine)), stage=stage(architecture))) == 64


@pytest.mark.parametrize(
    ("architecture", "machine", "found"),
    [
        pytest.param("arm64", X86_64, "x86_64", id="built for x86"),
        pytest.param("x86_64", AARCH64, "arm64", id="built for arm"),
        pytest.param("x86_64", RISCV, "machine 243", id="built for what Lambda has not"),
    ],
)
def test_an_artifact_of_another_processor_is_refused(zipped, architecture, machine, found):
    right = shared_object(AARCH64 if architecture == "arm64" else X86_64)
    with pytest.raises(StageError, match=rf"is of {found} \(wheel/b.*stage prod is {architecture}\. .* STAGE=prod"):
        artifact.sha256(zipped(a=right, b=shared_object(machine)), stage=stage(architecture))


def test_what_only_is_called_so_has_no_processor(zipped):
    path = zipped(a=b"INPUT(liba.so.1)")
    assert {artifact.sha256(path, stage=stage(one)) for one in ARCHITECTURES}


def test_what_is_no_zip_is_refused(tmp_path):
    (tmp_path / "functions.zip").write_bytes(b"PK, or so")
    with pytest.raises(StageError, match="is no zip"):
        artifact.sha256(tmp_path / "functions.zip", stage=stage("x86_64"))


def test_an_app_whose_artifact_is_of_another_processor_says_so(tmp_path, synthesize, zipped):
    run = synthesize(tmp_path / "out", stage="dev", artifact=str(zipped(a=shared_object(AARCH64))))
    assert run.returncode != 0
    assert "is of arm64 (wheel/a.cpython-313.so), and the architecture of stage dev is x86_64" in run.stderr
