import re
import subprocess
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest
from tools.template import ROOT

# Written in pieces, so that this file does not hold what it looks for.
REGISTRIES = [".".join(name) for name in (("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"), ("npmjs", "com"))]
ROOTS = "root|home/[a-z]+|Users|work|tmp/scratch"
MACHINE_PATHS = re.compile(rf"(?<![\w.])/({ROOTS})/")


@pytest.fixture(scope="module")
def files() -> list[Path]:
    """Every file of the repository that git does not ignore."""
    ignored = [line.rstrip("/") for line in (ROOT / ".gitignore").read_text(encoding="utf-8").split()] + [".git"]

    def kept(directory: Path) -> Iterator[Path]:
        for entry in sorted(directory.iterdir()):
            if any(fnmatch(entry.name, pattern) for pattern in ignored):
                continue
            if entry.is_dir():
                yield from kept(entry)
            else:
                yield entry

    return list(kept(ROOT))


def readable(file: Path) -> str:
    return file.read_text(encoding="utf-8", errors="ignore")


def test_no_file_names_a_package_registry(files: list[Path]) -> None:
    assert len(files) > 20
    found = [f"{file.relative_to(ROOT)}: {host}" for file in files for host in REGISTRIES if host in readable(file)]
    assert not found


def test_no_file_names_a_path_of_one_machine(files: list[Path]) -> None:
    found = {file.relative_to(ROOT) for file in files if MACHINE_PATHS.search(readable(file))}
    assert not found


def test_every_package_is_pinned_exactly(pins: dict[Path, dict[str, str]]) -> None:
    for file, packages in pins.items():
        lines = [line for line in readable(file).splitlines() if line and not line.startswith(("#", "-r "))]
        assert len(lines) == len(packages) > 0, f"{file.name} has a line that is no exact pin"


def test_tests_run_with_the_versions_that_are_shipped(pins: dict[Path, dict[str, str]]) -> None:
    shipped = pins[ROOT / "lambda" / "requirements.txt"]
    installed = pins[ROOT / "requirements" / "demo.txt"]
    assert shipped.items() <= installed.items()
    assert "boto3" not in shipped
    assert not installed.keys() & pins[ROOT / "requirements" / "test.txt"].keys()


def test_make_and_continuous_integration_know_the_same_command() -> None:
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o111
    assert "exec make test" in readable(ROOT / ".ci" / "run")
    makefile = readable(ROOT / "Makefile")
    documented = set(re.findall(r"^([a-z0-9-]+):[^#\n]*## ", makefile, re.MULTILINE))
    promised = "help demo test up down status unit integration e2e"
    promised += " lint typecheck soak chaos bench build deploy verify-aws console browser"
    assert documented == set(promised.split())


def test_b10_the_list_of_commands_keeps_every_name_apart_from_its_text() -> None:
    reported = subprocess.run(["make", "-s", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout  # noqa: S607 - the one on the path
    listed = [line for line in reported.splitlines() if line.startswith("  make ")]
    assert len(listed) > 10
    assert [line for line in listed if re.match(r"  make [a-z0-9-]+  +\S", line) is None] == []
