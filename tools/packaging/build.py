"""The artefact of the functions, made by the real `sam build` and kept by the content it was made from.

SAM packs a directory again for every function. All functions share one CodeUri, so the artefact is packed here once
and the built template names that file: a deployment of fifteen functions then takes two seconds instead of seven.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import platform
import re
import shutil
import sys
import zipfile
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tools.packaging import sam
from tools.template import ROOT, TEMPLATE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

RUNTIME: Final = f"python{sys.version_info.major}.{sys.version_info.minor}"
ARCHITECTURE: Final = "arm64" if platform.machine().lower() in ("arm64", "aarch64") else "x86_64"
CACHE: Final = sam.LOCAL / "artefacts"

_SOURCES: Final = (ROOT / "lambda", ROOT / "statemachine", ROOT / "infra", TEMPLATE)
_KEPT: Final = 3
_CODE_URI: Final = re.compile(r"^(?P<key>\s+CodeUri: )(?P<directory>\S+)$", re.MULTILINE)
_PACKED: Final = "functions.zip"
_FAST: Final = 1
"""Compression level: the artefact travels to the same machine."""


@dataclass(frozen=True, slots=True)
class Artefact:
    """What `sam deploy` takes."""

    digest: str
    """Of everything that it was built from."""
    template: Path
    code: Path
    """The unpacked functions with their packages."""


def digest(paths: Iterable[Path] = _SOURCES) -> str:
    """Return the SHA-256 (hex) over the names and the content of files and directories, byte code left out."""
    total = hashlib.sha256(f"{RUNTIME} {ARCHITECTURE}".encode())
    for path in paths:
        files = sorted(path.rglob("*")) if path.is_dir() else [path]
        for file in files:
            if file.is_file() and file.suffix != ".pyc":
                content = hashlib.sha256(file.read_bytes()).hexdigest()
                total.update(f"\n{file.relative_to(ROOT)} {content}".encode())
    return total.hexdigest()


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Lock the block to one process at a time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def build(log: Path, cache: Path = CACHE) -> Artefact:
    """Return the artefact of the present sources, built unless the cache has it; raise SamError."""
    with locked(cache / "lock"):
        name = digest()
        place = cache / name[:16]
        if not (place / "ready").exists():
            shutil.rmtree(place, ignore_errors=True)
            _build(place, log)
            (place / "ready").touch()
        os.utime(place)
        _forget_old(cache)
    template = place / "build" / "template.yaml"
    return Artefact(name, template, _code(template))


def _build(place: Path, log: Path) -> None:
    variables = sam.environment({**sam.without_aws(os.environ), "AWS_DEFAULT_REGION": "us-east-1"}, place / "sam")
    overrides = [f"Runtime={RUNTIME}", f"Architecture={ARCHITECTURE}"]
    out = place / "build"
    arguments = ["build", "--template", str(TEMPLATE), "--build-dir", str(out), "--parameter-overrides", *overrides]
    sam.run(arguments, variables=variables, log=log)
    template = out / "template.yaml"
    text = template.read_text(encoding="utf-8")
    (directory,) = {found["directory"] for found in _CODE_URI.finditer(text) if (out / found["directory"]).is_dir()}
    _pack(out / directory, out / _PACKED)
    (out / directory).rename(out / "code")
    template.write_text(_CODE_URI.sub(rf"\g<key>{_PACKED}", text), encoding="utf-8")


def _code(template: Path) -> Path:
    return template.parent / "code"


def _pack(directory: Path, target: Path) -> None:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=_FAST) as archive:
        for file in sorted(directory.rglob("*")):
            if file.is_file():
                archive.write(file, file.relative_to(directory))


def _forget_old(cache: Path) -> None:
    places = sorted((place for place in cache.iterdir() if place.is_dir()), key=lambda place: place.stat().st_mtime)
    for place in places[:-_KEPT]:
        shutil.rmtree(place, ignore_errors=True)
