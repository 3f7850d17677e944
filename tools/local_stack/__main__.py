"""`python -m tools.local_stack up|down|status`: what `make up`, `make down` and `make status` do."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError
from tools.local_stack.first_minutes import add_example_networks, add_example_servers, next_lines, places
from tools.local_stack.stack import StackError, configured
from tools.packaging import sam

if TYPE_CHECKING:
    from collections.abc import Callable

    from tools.local_stack.stack import LocalStack

_BROKEN_PIPE: Final = 141
"""The exit code of a program that SIGPIPE ended, as a shell shows it."""


def up(stack: LocalStack, *, forced: bool) -> int:
    """Bring the stack up and say what to do next; raise StackError where one runs that it would end, unless forced."""
    ends = stack.would_end()
    if ends and not forced:
        raise StackError(
            f"a local stack is up with {ends}. To start it anew ends it, with its plans and executions: FORCE=1 make up"
        )
    was_up = ends is None and stack.status() is not None
    begin = time.monotonic()
    description = stack.start()
    added = add_example_servers(description["simulatorUrl"])
    add_example_networks(description["simulatorUrl"])
    seconds = time.monotonic() - begin
    head = "The local stack was up already." if was_up else f"The local stack is up ({seconds:.1f} s)."
    return _print(0, head, *_places(stack, description, added), *next_lines())


def _places(stack: LocalStack, description: dict[str, Any], added: int = 0) -> list[str]:
    return places(description, stack.directory / "stack.json", stack.seed_in_force(), added)


def _up(stack: LocalStack) -> int:
    return up(stack, forced=bool(os.environ.get("FORCE")))


def _down(stack: LocalStack) -> int:
    return _print(0, "The local stack is down." if stack.stop() else "No local stack was up.")


def status(stack: LocalStack, *, as_json: bool) -> int:
    """Say whether the stack is up, and where: in words, or as the content of stack.json."""
    description = stack.status()
    if description is None:
        return _print(1, "null" if as_json else "No local stack is up: make up")
    if as_json:
        return _print(0, json.dumps(description, indent=2))
    scale = f", time scale {stack.time_scale_in_force():g}"
    return _print(0, f"The local stack is up{scale}.", *_places(stack, description))


def _print(code: int, *lines: str) -> int:
    """Print lines and give the exit code: that of SIGPIPE, and no complaint, if their reader is gone."""
    try:
        print(*lines, sep="\n", flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # where what Python still holds goes at its exit
        return _BROKEN_PIPE
    return code


def main() -> int:
    """Run one of the commands."""
    parser = argparse.ArgumentParser(prog="python -m tools.local_stack", description="The local stack.")
    parser.add_argument("command", choices=("up", "down", "status"))
    parser.add_argument("--json", action="store_true", help="of status: all of it (WAVEBREAK_JSON=1 does the same)")
    given = parser.parse_args()
    as_json = given.json or os.environ.get("WAVEBREAK_JSON") == "1"
    commands: dict[str, Callable[[LocalStack], int]] = {
        "up": _up,
        "down": _down,
        "status": partial(status, as_json=as_json),
    }
    try:
        return commands[given.command](configured(os.environ))
    except (StackError, sam.SamError, BotoCoreError, ClientError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
