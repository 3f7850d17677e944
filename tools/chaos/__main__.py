"""Bad days, rehearsed: `make chaos` plays them on a local stack of its own and checks what each must come to.

Exit code 0 when every outcome is as expected, 1 when one differs. `make chaos DAYS="drs-down restart"` plays some.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

import httpx
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from tools.chaos import channels, drs, dynamodb_and_restart
from tools.chaos.outcomes import Day, Outcome
from tools.local_stack.api_client import UnexpectedError
from tools.local_stack.product import Product
from tools.local_stack.stack import LocalStack, Ports, StackError, seed
from tools.packaging.sam import SamError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

TIME_SCALE: Final = 0.1

CATALOGUE: Final[Sequence[Day]] = (
    Day("drs-down", "DRS is down for two simulated minutes in the middle of a drill", drs.is_down),
    Day("drs-throttling", "DRS throttles every other call", drs.throttles),
    Day("dynamodb-throttling", "DynamoDB throttles, in the end every call", dynamodb_and_restart.dynamodb_throttles),
    Day("channel-down", "the notification channel is down for a whole drill", channels.channel_is_down),
    Day("ssm-down", "servers, then SSM itself, are out of reach of commands", channels.ssm_is_down),
    Day("restart", "everything is restarted in the middle of a drill", dynamodb_and_restart.emulator_restarts),
)

console = Console(highlight=False)


@dataclass(frozen=True, slots=True)
class Played:
    """How a day went: its outcomes, how long it took, and the errors recorded in it by category."""

    day: Day
    outcomes: Sequence[Outcome]
    seconds: float
    errors: str

    @property
    def right(self) -> bool:
        """Whether everything came out as expected."""
        return all(outcome.right for outcome in self.outcomes)


def _mark(right: bool) -> str:
    return "[green]✓[/green]" if right else "[red]✗[/red]"


def _outcomes(day: Day, product: Product) -> Iterator[Outcome]:
    """Play a day; what keeps it from its end is an outcome too."""
    try:
        yield from day.play(product)
    except UnexpectedError as error:
        yield Outcome("the day", "goes to its end", str(error), right=False)
    except (httpx.HTTPError, BotoCoreError, ClientError, OSError) as error:
        yield Outcome("the day", "goes to its end", f"{type(error).__name__}: {error}", right=False)
    finally:
        product.control.clear_faults()


def _recorded(product: Product) -> dict[str, int]:
    counted: dict[str, int] = product.api.get("/errors/summary")["byCategory"]
    return counted


def play(day: Day, product: Product) -> Played:
    """Play a day and tell every outcome as soon as it is known."""
    began, before = time.monotonic(), _recorded(product)
    console.print(f"\n[bold]{day.name}[/bold]: {day.title}")
    outcomes = []
    for outcome in _outcomes(day, product):
        outcomes.append(outcome)
        text = f"{outcome.what}: {outcome.found}" + ("" if outcome.right else f" (expected: {outcome.expected})")
        console.print(f"  {_mark(outcome.right)} {escape(text)}", soft_wrap=True)
    added = {category: count - before.get(category, 0) for category, count in _recorded(product).items()}
    errors = ", ".join(f"{category} {count}" for category, count in sorted(added.items()) if count) or "none"
    seconds = time.monotonic() - began
    console.print(f"  errors recorded: {errors}; {seconds:.0f} s")
    return Played(day, outcomes, seconds, errors)


def table(days: Sequence[Played]) -> Table:
    """Lay out what came of it all."""
    shown = Table("bad day", "outcome", "expected", "found", "", title="Bad days", show_lines=False)
    for played in days:
        for number, outcome in enumerate(played.outcomes):
            name = played.day.name if not number else ""
            cells = (name, outcome.what, outcome.expected, outcome.found)
            shown.add_row(*map(escape, cells), _mark(outcome.right))
        shown.add_row("", f"errors recorded, in {played.seconds:.0f} s", "", played.errors, "", end_section=True)
    return shown


@contextmanager
def _local_product(chosen: int) -> Iterator[Product]:
    """Bring up a stack of its own, beside any that is up, and stop it whatever happens."""
    with tempfile.TemporaryDirectory(prefix="wavebreak-chaos-") as directory:
        stack = LocalStack(Path(directory), Ports.free(), TIME_SCALE, keeps_state=True, seed=chosen)
        try:
            console.print("Local stack: AWS emulator, DRS simulator, sam build, sam deploy of the real template …")
            product = Product(stack, stack.start())
            try:
                yield product
            finally:
                product.close()
        finally:
            stack.stop()


def rehearse(days: Sequence[Day]) -> int:
    """Play days one after the other; return the exit code."""
    began = time.monotonic()
    chosen = seed(os.environ)
    with _local_product(chosen) as product:
        played = [play(day, product) for day in days]
    if console.is_terminal:
        console.print(table(played))
    wrong = [one.day.name for one in played if not one.right]
    verdict = f"different from what is expected: {', '.join(wrong)}" if wrong else "all as expected"
    console.print(f"\n{_mark(not wrong)} {len(played)} bad days, {verdict} ({time.monotonic() - began:.0f} s)")
    if wrong:
        console.print(f"WAVEBREAK_SEED={chosen} repeats how the simulated services behaved.")
    return 1 if wrong else 0


def _interrupted(_number: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt


def main() -> int:
    """Run what the command line names; leaves nothing behind, whatever ends it."""
    names = [day.name for day in CATALOGUE]
    parser = argparse.ArgumentParser(prog="python -m tools.chaos", description="Bad days, rehearsed.")
    parser.add_argument("days", nargs="*", metavar="DAY", help=f"some of {', '.join(names)}; all if none is named")
    chosen = parser.parse_args().days
    if unknown := sorted(set(chosen) - set(names)):
        parser.error(f"no such day: {', '.join(unknown)}; there are {', '.join(names)}")
    signal.signal(signal.SIGTERM, _interrupted)
    try:
        return rehearse([day for day in CATALOGUE if not chosen or day.name in chosen])
    except (StackError, SamError, UnexpectedError, httpx.HTTPError) as error:
        console.print(f"\n[red]✗[/red] {escape(str(error))}")
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
