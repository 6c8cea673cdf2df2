"""The artifact: one hash wherever it is built, loadable by Lambda, and unpacked to exactly its bytes."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path, PurePosixPath

import pytest

from twinvault_local.artifact import archive, compiling, glibc, wheels
from twinvault_local.artifact.project import Project
from twinvault_local.errors import BuildError, ProjectError

ROOT = Path(__file__).resolve().parents[3]


MACHINES = {"x86_64": 62, "arm64": 183}  # e_machine, elf.h

COMPILED = "service/__pycache__/__init__.cpython-313.pyc"


def checkout(folder: Path, *, source: Path = ROOT) -> Path:
    """A folder with what a build reads: a copy of the stages, of the runtime's lock file and of functions/."""
    (folder / "requirements").mkdir(parents=True)
    shutil.copy(source / "cdk.json", folder)
    shutil.copy(source / "requirements" / "runtime.txt", folder / "requirements")
    shutil.copytree(source / "functions", folder / "functions", ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def build(root: Path, *, umask: int = 0o022, zone: str = "UTC") -> str:
    """Builds in a process of its own, which can have a umask and a time zone of its own."""
    command = [sys.executable, "-m", "twinvault_local.artifact", "--root", str(root)]
    run = subprocess.run(
        command, umask=umask, env={**os.environ, "TZ": zone}, cwd=root, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    return archive.sha256(root / "build" / "functions.zip")


def glibc_of(data: bytes, architecture: str = "x86_64") -> tuple[int, int]:
    return glibc.highest_glibc(data, architecture=architecture)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = checkout(tmp_path_factory.mktemp("artifact") / "first")
    build(root)
    return root / "build" / "functions.zip"


def lean_checkout(folder: Path) -> Path:
    """A checkout without wheels, for what concerns our own files alone."""
    (folder / "requirements").mkdir(parents=True)
    (folder / "requirements" / "runtime.txt").write_text("")
    (folder / "functions" / "service").mkdir(parents=True)
    (folder / "functions" / "service" / "__init__.py").write_text('"""A service."""\n')
    return folder


def lean_build(root: Path) -> Path:
    out = root / "build" / "functions.zip"
    archive.build(root, out, python=Path(sys.executable), progress=lambda _: None)
    return out


def test_two_builds_in_two_folders_under_two_umasks_and_clocks_have_one_hash(built, tmp_path):
    root = checkout(tmp_path / "another" / "place", source=built.parents[1])
    for path in (root / "functions").rglob("*"):
        path.chmod(0o700 if path.is_dir() else 0o600)
        os.utime(path, (1_000_000_000, 1_000_000_000))
    (root / "functions" / "twinvault" / "__pycache__").mkdir()
    (root / "functions" / "twinvault" / "__pycache__" / "stale.cpython-313.pyc").write_bytes(b"cache")
    assert build(root, umask=0o077, zone="Pacific/Auckland") == archive.sha256(built)


def test_the_source_is_in_the_zip_byte_for_byte(built):
    with zipfile.ZipFile(built) as archive:
        for path in (built.parents[1] / "functions").rglob("*.py"):
            name = str(path.relative_to(built.parents[1] / "functions"))
            assert archive.read(name) == path.read_bytes()


def test_every_shared_object_in_the_zip_loads_with_the_runtimes_glibc(built):
    with zipfile.ZipFile(built) as archive:
        needed = {name: glibc_of(archive.read(name)) for name in archive.namelist() if ".so" in name}
    assert any(name.startswith("cryptography/") for name in needed)
    assert {name: version for name, version in needed.items() if version > (2, 34)} == {}


def test_a_stage_of_the_other_processor_has_an_artifact_whose_every_shared_object_is_for_it(built, tmp_path):
    """From the same lock file, on this machine; what is not compiled is the same to the byte. Built anew, it is too."""
    root = checkout(tmp_path / "arm", source=built.parents[1])
    stages = json.loads((root / "cdk.json").read_text())
    stages["context"]["stages"]["dev"]["architecture"] = "arm64"
    (root / "cdk.json").write_text(json.dumps(stages))
    digest = build(root)
    other = root / "build" / "functions.zip"
    with zipfile.ZipFile(built) as ours, zipfile.ZipFile(other) as theirs:
        objects = {name: theirs.read(name) for name in theirs.namelist() if ".so" in name}
        same = {name for name in set(ours.namelist()) & set(theirs.namelist()) if ".so" not in name}
        assert {name for name in same if ours.read(name) != theirs.read(name)} <= {n for n in same if "/WHEEL" in n}
    assert {int.from_bytes(data[18:20], "little") for data in objects.values()} == {MACHINES["arm64"]}
    assert max(glibc_of(data, "arm64") for data in objects.values()) <= (2, 34)
    assert len(objects) >= 4
    shutil.rmtree(root / ".cache")
    assert build(root) == digest


def test_a_wheel_for_the_other_processor_is_refused_and_named(built, tmp_path):
    with zipfile.ZipFile(built) as archive:
        name = next(name for name in archive.namelist() if name.startswith("_cffi_backend"))
        (tmp_path / name).write_bytes(archive.read(name))
    with pytest.raises(BuildError, match=r"_cffi_backend\S+ would not load in Lambda: .*for arm64: built for .*X86_64"):
        wheels._refuse_what_lambda_cannot_load(PurePosixPath(name), tmp_path / name, architecture="arm64")


@pytest.mark.parametrize(
    "values",
    [
        pytest.param({}, id="none"),
        pytest.param({"architecture": "riscv"}, id="another"),
        pytest.param([], id="no values"),
    ],
)
def test_a_stage_that_does_not_say_its_processor_is_told(tmp_path, values):
    context = {"stage": "dev", "stages": {"dev": values}}
    (tmp_path / "cdk.json").write_text(json.dumps({"app": "true", "context": context}))
    with pytest.raises(ProjectError, match="stage dev: architecture must be x86_64 or arm64"):
        _ = Project.read(tmp_path).architecture


def test_the_zip_is_at_most_18_mb_and_holds_no_ballast(built):
    with zipfile.ZipFile(built) as archive:
        names = archive.namelist()
    assert built.stat().st_size <= 18_000_000
    assert [name for name in names if name.endswith(("/RECORD", "/INSTALLER")) or "/tests/" in name] == []
    services = {name.split("/")[2] for name in names if name.startswith("botocore/data/") and name.count("/") > 2}
    assert services == {"dynamodb", "kms"}


def test_every_wheel_keeps_its_metadata_and_its_licence(built):
    with zipfile.ZipFile(built) as archive:
        names = archive.namelist()
    wheels = {name.split("/")[0] for name in names if ".dist-info/" in name}
    assert any(wheel.startswith("boto3-") for wheel in wheels)
    for wheel in wheels:
        assert f"{wheel}/METADATA" in names
        assert any(name.startswith(f"{wheel}/") and "LICENSE" in name for name in names), wheel


def test_entries_say_nothing_about_the_machine_that_built_them(built):
    with zipfile.ZipFile(built) as archive:
        infos = archive.infolist()
    assert [info.filename for info in infos] == sorted(info.filename for info in infos)
    assert {(info.date_time, info.external_attr, info.create_system) for info in infos} == {
        ((1980, 1, 1, 0, 0, 0), 0o100644 << 16, 3)
    }


def test_the_clients_that_the_functions_use_work_from_the_unpacked_zip_alone(built, tmp_path):
    """With the base interpreter, no site-packages: what is missing in the zip is missing in Lambda."""
    task_root = archive.unpack(built, tmp_path)
    script = """
import boto3, botocore.config, cryptography.hazmat.primitives.ciphers.aead, jwt, pydantic, sys
import aws_lambda_powertools.logging, aws_lambda_powertools.metrics
options = {"region_name": "eu-central-1", "aws_access_key_id": "a", "aws_secret_access_key": "b"}
for service in ("dynamodb", "kms"):
    client = boto3.client(service, config=botocore.config.Config(retries={"mode": "standard"}), **options)
    assert service in client.meta.endpoint_url
boto3.client("dynamodb", **options).get_paginator("query")
from importlib.metadata import version
print(version("cryptography"), all(m.__file__.startswith(sys.argv[1]) for m in (boto3, jwt, pydantic, cryptography)))
"""
    run = subprocess.run(
        [
            sys._base_executable,
            "-I",
            "-S",
            "-B",
            "-c",
            f"import sys; sys.path.insert(0, sys.argv[1]){script}",
            task_root,
        ],
        env={"HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.split()[1] == "True"


def test_unpacking_twice_gives_the_same_folder_untouched(built, tmp_path):
    first = archive.unpack(built, tmp_path)
    inode = first.stat().st_ino
    assert archive.unpack(built, tmp_path) == first
    assert first == tmp_path / archive.sha256(built)
    assert first.stat().st_ino == inode
    assert [path.name for path in tmp_path.iterdir()] == [first.name]


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda folder: (folder / "service/__init__.py").write_text("evil = True\n"), id="a file changed"),
        pytest.param(lambda folder: (folder / "service/__init__.py").unlink(), id="a file removed"),
        pytest.param(lambda folder: (folder / "added.py").write_text(""), id="a file added"),
        pytest.param(lambda folder: (folder / COMPILED).write_bytes(b"evil"), id="a compiled module changed"),
        pytest.param(lambda folder: (folder / COMPILED).with_name("x.pyc").touch(), id="a compiled module added"),
    ],
)
def test_an_unpacked_folder_that_was_touched_is_replaced(tmp_path, damage):
    zip_path = lean_build(lean_checkout(tmp_path / "root"))
    folder = archive.unpack(zip_path, tmp_path / "unpacked")
    damage(folder)
    assert archive.unpack(zip_path, tmp_path / "unpacked") == folder
    assert (folder / "service" / "__init__.py").read_text() == '"""A service."""\n'
    assert not (folder / "added.py").exists()


def test_caches_and_hidden_files_of_functions_stay_out(tmp_path):
    root = lean_checkout(tmp_path)
    for stray in (".DS_Store", ".idea/workspace.xml", "service/__pycache__/x.cpython-313.pyc", "service/.x.py.swp"):
        (root / "functions" / stray).parent.mkdir(parents=True, exist_ok=True)
        (root / "functions" / stray).write_bytes(b"stray")
    with zipfile.ZipFile(lean_build(root)) as archive:
        assert archive.namelist() == ["service/__init__.py", COMPILED]


def test_a_changed_source_changes_the_hash(tmp_path):
    root = lean_checkout(tmp_path)
    before = archive.sha256(lean_build(root))
    (root / "functions" / "service" / "__init__.py").write_text('"""Another service."""\n')
    assert archive.sha256(lean_build(root)) != before


def test_a_wheel_that_does_not_match_its_hash_is_refused_and_the_old_zip_stays(tmp_path):
    root = lean_checkout(tmp_path)
    before = archive.sha256(lean_build(root))
    (root / "requirements" / "runtime.txt").write_text(f"six==1.17.0 --hash=sha256:{'0' * 64}\n")
    with pytest.raises(BuildError, match=r"runtime\.txt could not be installed"):
        lean_build(root)
    assert archive.sha256(root / "build" / "functions.zip") == before
    assert [path.name for path in (root / "build").iterdir()] == ["functions.zip"]


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        pytest.param("fast.so", b"\x7fELF\x02\x01 nonsense", "would not load", id="a broken shared object"),
        pytest.param("libfast.so.1", b"not ELF at all", "would not load", id="a versioned name"),
    ],
)
def test_a_wheel_with_a_shared_object_that_lambda_cannot_load_is_refused(tmp_path, name, content, says):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BuildError, match=says):
        wheels._refuse_what_lambda_cannot_load(PurePosixPath(name), tmp_path / name, architecture="x86_64")


def test_a_wheel_that_needs_a_newer_glibc_is_refused_and_named(built, tmp_path):
    with zipfile.ZipFile(built) as archive:
        name = next(name for name in archive.namelist() if name.startswith("_cffi_backend"))
        data = archive.read(name)
    newest = "GLIBC_{}.{}".format(*glibc_of(data)).encode() + b"\0"
    (tmp_path / name).write_bytes(data.replace(newest, b"GLIBC_9.9".ljust(len(newest) - 1, b"9") + b"\0"))
    with pytest.raises(BuildError, match=r"_cffi_backend\S+ .* needs glibc 9\.9+, the runtime has 2\.34"):
        wheels._refuse_what_lambda_cannot_load(PurePosixPath(name), tmp_path / name, architecture="x86_64")


def test_a_file_that_both_a_wheel_and_our_source_bring_is_refused(tmp_path):
    root = lean_checkout(tmp_path)
    locked = (ROOT / "requirements" / "runtime.txt").read_text()
    (root / "requirements" / "runtime.txt").write_text(locked[locked.index("six==") : locked.index("typing-ext")])
    (root / "functions" / "six.py").write_text("")
    with pytest.raises(BuildError, match=r"functions/six\.py"):
        lean_build(root)


def test_wheels_are_installed_once_and_a_damaged_cache_is_not_used(tmp_path):
    root = lean_checkout(tmp_path)
    locked = (ROOT / "requirements" / "runtime.txt").read_text()
    (root / "requirements" / "runtime.txt").write_text(locked[locked.index("six==") : locked.index("typing-ext")])
    said = []
    out = root / "build" / "functions.zip"

    def built():
        said.clear()
        return archive.build(root, out, python=Path(sys.executable), progress=said.append)

    first = built()
    assert any("Installing" in line for line in said)
    (kept,) = (root / ".cache").glob("wheels-*/*.zip")
    (root / "functions" / "service" / "more.py").write_text("")
    assert built() != first
    assert not any("Installing" in line for line in said)
    (root / "functions" / "service" / "more.py").unlink()
    kept.write_bytes(kept.read_bytes()[:-100])
    assert built() == first
    assert any("Installing" in line for line in said)
    assert [path.name for path in (root / ".cache").iterdir() if path.name.startswith(".")] == []


def test_every_module_in_the_zip_is_compiled_and_its_source_is_not_looked_at(built, tmp_path):
    """The unchecked kind of PEP 552: what a source holds, or when it was written, makes no difference to a start."""
    with zipfile.ZipFile(built) as packed:
        names = set(packed.namelist())
    modules = {name for name in names if name.endswith(".py")}
    assert {importlib.util.cache_from_source(name) for name in modules} == {n for n in names if n.endswith(".pyc")}
    zip_path = lean_build(lean_checkout(tmp_path / "root"))
    folder = archive.unpack(zip_path, tmp_path / "unpacked")
    (folder / "service" / "__init__.py").write_text("raise SystemExit('compiled anew')\n")
    script = (
        f"import sys; sys.path.insert(0, {str(folder)!r}); import service; print(service.__doc__, service.__file__)"
    )
    run = subprocess.run([sys._base_executable, "-I", "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["A", "service.", str(folder / "service" / "__init__.py")]


def test_what_is_compiled_follows_from_the_source_alone():
    """Whatever this process holds already: objects that are shared by chance leave no trace."""
    source = b"NAMES = frozenset({'one', 'two', 'three'})\nTEXT = 'some text that is held elsewhere'\n"
    held = ["some text that is held elsewhere", frozenset({"one", "two", "three"})]
    (module,) = set(compiling.with_compiled({"a/b.py": source})) - {"a/b.py"}
    assert module == "a/__pycache__/b.cpython-313.pyc"
    script = f"from twinvault_local.artifact import compiling; print(compiling.with_compiled({{'a/b.py': {source!r}}}))"
    runs = [
        subprocess.run(
            [sys.executable, "-c", script], env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("0", "1", "2")
    ]
    assert len({*runs, f"{compiling.with_compiled({'a/b.py': source})}\n".encode()}) == 1, held


def test_a_file_of_another_python_is_carried_uncompiled():
    assert compiling.with_compiled({"old.py": b"print 'hello'\n"}) == {"old.py": b"print 'hello'\n"}


def test_only_lambdas_interpreter_compiles(monkeypatch):
    monkeypatch.setattr(sys.implementation, "cache_tag", "cpython-314")
    with pytest.raises(
        BuildError, match=r"^The artifact's modules are compiled for cpython-313; this is cpython-314\.$"
    ):
        compiling.with_compiled({})
