"""The built page: its files in memory, compressed once."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from wavebreak_cli.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

INDEX: Final = "index.html"
ROUTES: Final = "routes.json"
"""What the API has, written when the page is built."""

_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
}
_COMPRESSED: Final = frozenset({".css", ".html", ".js", ".svg"})


@dataclass(frozen=True, slots=True)
class File:
    """A file as it is sent; `zipped` is None where compression would not make it smaller."""

    media_type: str
    content: bytes
    zipped: bytes | None


def read_page(directory: Path) -> Mapping[str, File]:
    """Read the files of the page by their paths; raise ConfigError if there is none."""
    if not (directory / INDEX).is_file() or not (directory / ROUTES).is_file():
        raise ConfigError.because("the page is not built: run make console in a checkout, or pip install it")
    found = (path for path in sorted(directory.rglob("*")) if path.is_file() and path.suffix in _TYPES)
    return {path.relative_to(directory).as_posix(): _file(path) for path in found}


def _file(path: Path) -> File:
    content = path.read_bytes()
    zipped = gzip.compress(content, 6, mtime=0) if path.suffix in _COMPRESSED else None
    return File(_TYPES[path.suffix], content, zipped)
