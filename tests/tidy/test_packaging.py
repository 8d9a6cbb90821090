"""The wheel holds the whole package, also when it is made from the sdist: links and lists are right.

Everything is built without an index: the build backend and the dependencies are those of the developer's
environment, which the clean one borrows by path (a path file inside a path isn't followed, so the editable
install stays out).
"""

import shutil
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest
from tests.tidy.tree import LAYERS, REPOSITORY, Tree

UV = Path(sys.executable).parent / "uv"
IMPORT_EVERYTHING = """
import importlib, pathlib, pkgutil, sys, penstock
assert pathlib.Path(penstock.__file__).is_relative_to(sys.prefix), penstock.__file__
def fail(name): raise ImportError(name)
names = [found.name for found in pkgutil.walk_packages(penstock.__path__, "penstock.", onerror=fail)]
for name in names:
    importlib.import_module(name)
print("\\n".join(names))
"""


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what belongs to the repository, so that nobody edits it between two builds."""
    copy = tmp_path_factory.mktemp("checkout")
    for name in Tree(REPOSITORY).names():
        if (REPOSITORY / name).exists():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(REPOSITORY / name, copy / name, follow_symlinks=False)
    return copy


@pytest.fixture(scope="module")
def built(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """dist/: the sdist and the wheel that was built from it; direct/: the wheel of the checkout."""
    out = tmp_path_factory.mktemp("built")
    build = [str(UV), "build", "--quiet", "--offline", "--no-build-isolation", "--python", sys.executable]
    subprocess.run([*build, "--out-dir", str(out / "dist"), str(checkout)], check=True)
    subprocess.run([*build, "--wheel", "--out-dir", str(out / "direct"), str(checkout)], check=True)
    return out


def contents(wheel_folder: Path) -> dict[str, bytes]:
    """Name and bytes of all that the only wheel of a folder holds, its own record of itself left out."""
    (wheel,) = wheel_folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist() if not name.endswith("/RECORD")}


def test_wheel_holds_every_module_under_its_package(built: Path, checkout: Path) -> None:
    wheel = contents(built / "direct")
    modules = {path.relative_to(checkout) for layer in LAYERS for path in (checkout / layer).rglob("*.py")}
    assert {f"penstock/{path.as_posix()}" for path in modules} <= set(wheel)
    assert {"penstock/__init__.py", "penstock/py.typed"} <= set(wheel)
    assert {name.split("/")[0] for name in wheel if ".dist-info" not in name} == {"penstock"}


def test_wheel_holds_the_schemas_and_the_migrations(built: Path, checkout: Path) -> None:
    wheel = contents(built / "direct")
    read = [
        path
        for suffix in ("avsc", "sql")
        for layer in LAYERS
        for path in (checkout / layer).rglob(f"*.{suffix}")
    ]
    assert len(read) > 50
    assert {f"penstock/{path.relative_to(checkout).as_posix()}" for path in read} <= set(wheel)


def test_wheel_from_the_sdist_is_the_wheel_from_the_checkout(built: Path) -> None:
    assert contents(built / "dist") == contents(built / "direct")


def test_sdist_holds_tests_and_licence_and_no_machine_files(built: Path) -> None:
    (sdist,) = (built / "dist").glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.split("/", 1)[1] for name in archive.getnames()}
    assert {"README.md", "LICENSE", "pyproject.toml", "tests/tidy/test_packaging.py"} <= names
    assert not [name for name in names if "__pycache__" in name or ".venv" in name or ".penstock" in name]


def test_wheel_alone_imports_every_module(built: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "clean", with_pip=False, symlinks=True)
    python = tmp_path / "clean" / "bin" / "python"
    (wheel,) = (built / "dist").glob("*.whl")
    install = [
        str(UV),
        "pip",
        "install",
        "--quiet",
        "--offline",
        "--no-deps",
        "--python",
        str(python),
        str(wheel),
    ]
    subprocess.run(install, check=True)
    packages = next((tmp_path / "clean" / "lib").glob("python*")) / "site-packages"
    (packages / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    done = subprocess.run(
        [python, "-I", "-c", IMPORT_EVERYTHING], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert {"penstock.streams.host", "penstock.producers.log"} <= set(done.stdout.split())
