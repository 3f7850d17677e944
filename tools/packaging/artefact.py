"""Check what is shipped: every handler imports from the built artefact alone, and the artefact is small.

The handlers are imported by a Python of its own that sees nothing but the standard library, the artefact, and the SDK
that the Lambda runtime brings along.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tools.packaging import build, sam
from tools.template import functions, load

if TYPE_CHECKING:
    from collections.abc import Iterable

LIMIT_BYTES: Final = 15_000_000
"""Unpacked. A small artefact starts fast; Lambda itself would take 250 MB."""

RUNTIME_PACKAGES: Final = ("boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six", "urllib3")
"""What the Lambda runtime for Python has installed: the SDK and what it needs."""

_IMPORT: Final = """
import importlib, sys
sys.path[:0] = sys.argv[1:3]
for handler in sys.argv[3:]:
    module, _, name = handler.rpartition(".")
    try:
        if not callable(getattr(importlib.import_module(module), name)):
            raise TypeError("is not callable")
    except Exception as error:
        print(f"{handler}: {type(error).__name__}: {error}")
"""


def size(directory: Path) -> int:
    """Return the bytes of all files below a directory."""
    return sum(file.stat().st_size for file in directory.rglob("*") if file.is_file())


def import_faults(code: Path, handlers: Iterable[str]) -> list[str]:
    """Import each `module.function` from the artefact alone; return a line for each that fails."""
    with tempfile.TemporaryDirectory() as directory:
        runtime = Path(directory)
        for package in RUNTIME_PACKAGES:
            _link(package, runtime)
        answer = subprocess.run(
            [sys.executable, "-I", "-S", "-B", "-c", _IMPORT, str(code), str(runtime), *handlers],
            env={},
            capture_output=True,
            text=True,
            check=False,
        )
    return [*answer.stdout.splitlines(), *answer.stderr.splitlines()]


def _link(package: str, directory: Path) -> None:
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        raise LookupError(f"{package} is not installed here")
    origin = Path(found.origin)
    source = origin.parent if origin.name == "__init__.py" else origin
    (directory / source.name).symlink_to(source)


def faults(artefact: build.Artefact) -> list[str]:
    """Name everything that is wrong with an artefact, in sentences."""
    handlers = sorted({function["Handler"] for function in functions(load()).values()})
    problems = import_faults(artefact.code, handlers)
    bytes_in_all = size(artefact.code)
    if bytes_in_all >= LIMIT_BYTES:
        problems.append(f"the artefact has {bytes_in_all:,} bytes, {LIMIT_BYTES:,} are the limit")
    problems += [
        f"{package} is in the artefact, but comes with the runtime"
        for package in ("boto3", "botocore")
        if (artefact.code / package).exists()
    ]
    return problems


def main() -> int:
    """Build and check."""
    try:
        artefact = build.build(sam.LOCAL / "logs" / "build.log")
    except sam.SamError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    problems = faults(artefact)
    for problem in problems:
        print(f"error: {problem}", file=sys.stderr)
    if not problems:
        print(f"The artefact is complete: {size(artefact.code) / 1e6:.1f} MB.")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
