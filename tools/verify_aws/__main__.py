"""`make verify-aws STACK=... PLAN=...`: hold a deployed stack, and AWS behind it, against docs/aws-behaviour.md.

Without a drill it only reads. With one it starts a DRILL of the plan through the product's API, looks at the answers of
DRS beside it, and ends what was launched. Exit codes: 0 nothing differs, 1 something differs or was left running, 3
wrong usage or a refused drill, 4 unreachable, 130 Ctrl-C.
"""

from __future__ import annotations

import argparse
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

from tools.verify_aws import report, rows
from tools.verify_aws.catalogue import CHECKS
from tools.verify_aws.drill import Drill
from tools.verify_aws.evidence import DrillRecord, Evidence
from tools.verify_aws.findings import Finding, Verdict, examine
from tools.verify_aws.interrupts import Interrupts
from tools.verify_aws.parts import read_platform
from tools.verify_aws.preflight import MOST_SERVERS, Plan, Preflight, read_plan
from tools.verify_aws.reading import Reader
from tools.verify_aws.roles import read_rights
from tools.verify_aws.stack import Stack, find
from tools.verify_aws.surroundings import Surroundings
from tools.verify_aws.watching import Watcher

from wavebreak_cli.client.api import Api
from wavebreak_cli.errors import EXIT_FAILURE, EXIT_INTERRUPTED, EXIT_OK, EXIT_USAGE, CommandError

if TYPE_CHECKING:
    from collections.abc import Sequence

_YES: Final = frozenset({"yes", "true", "1"})
_NO: Final = frozenset({"", "no", "false", "0"})


class Usage(argparse.ArgumentParser):
    """A parser whose complaint ends with the exit code that wrong usage has everywhere in this product."""

    def error(self, message: str) -> NoReturn:
        """Print what is wrong and end."""
        self.print_usage(sys.stderr)
        print(f"error: {message}", file=sys.stderr)
        sys.exit(EXIT_USAGE)


def parse(words: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line; ends with exit code 3 where it makes no sense."""
    parser = Usage(prog="python -m tools.verify_aws", description="Hold AWS against what the product relies on.")
    parser.add_argument("--stack", required=True, help="name of a deployed stack, or a local stack's stack.json")
    parser.add_argument("--plan", required=True, help="a stored plan, with few servers if a drill of it is made")
    parser.add_argument("--region", default="us-east-1", help="Region of the deployed stack")
    parser.add_argument("--drill", type=_switch, default=False, help="make a drill of the plan: yes or no")
    parser.add_argument("--servers", type=_number, default=MOST_SERVERS, help="most servers that a drill may launch")
    parser.add_argument(
        "--replace", type=_switch, default=False, help="let the drill replace earlier drills' instances"
    )
    parser.add_argument("--json", type=_file, metavar="FILE", help="write everything that was seen to a file")
    return parser.parse_args(words)


def _switch(text: str) -> bool:
    if text.lower() not in _YES | _NO:
        raise argparse.ArgumentTypeError(f"yes or no, not {text!r}")
    return text.lower() in _YES


def _number(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"a number of servers, not {text!r}")
    return int(text)


def _file(text: str) -> Path:
    path = Path(text)
    if not path.parent.is_dir() or path.is_dir():
        raise argparse.ArgumentTypeError(f"a file in a directory that is there, not {text!r}")
    return path


class Verification:
    """One run: what was asked for, and what is seen."""

    def __init__(self, asked: argparse.Namespace, stack: Stack, api: Api) -> None:
        self._asked = asked
        self._stack = stack
        self._api = api
        self.evidence = Evidence(self.now(), stack.timing, stack.local)
        self.interrupted = False

    def now(self) -> datetime:
        """Return the moment that it is for AWS."""
        return datetime.now(UTC) + self._stack.skew

    def run(self) -> CommandError | None:
        """See everything; gives why a drill was ended early. Raise CommandError where nothing can be seen."""
        plan = read_plan(self._api, self._asked.plan, self._stack.region, self._stack.account)
        earlier = self._preflight(plan) if self._asked.drill else {}
        read_platform(self._stack, self.evidence)
        if not self._stack.local:
            read_rights(self._stack, self.evidence, print_progress)
        trouble = self._drill(plan, earlier) if self._asked.drill else None
        print_progress("reading what DRS tells ...")
        self.evidence.at = self.now()
        Reader(self._stack, plan.servers or {self._stack.region: frozenset()}).read(self.evidence)
        return trouble

    def _preflight(self, plan: Plan) -> dict[str, str]:
        return Preflight(self._stack, self._api, plan, self._asked.servers, self._asked.replace).check()

    def _drill(self, plan: Plan, earlier: dict[str, str]) -> CommandError | None:
        record = self.evidence.drill = DrillRecord(plan.all_servers, earlier=earlier)
        watcher = Watcher(self._stack, plan.servers, record, self.now, commands=plan.has_commands)
        with Interrupts(print_progress) as interrupts:
            around = Surroundings(self.now, time.sleep, print_progress, interrupts)
            drill = Drill(self._stack, self._api, plan.plan_id, watcher, around)
            try:
                drill.run()
            except KeyboardInterrupt:
                self.interrupted = True
            return drill.trouble


def print_progress(text: str) -> None:
    """Print the progress beside the table."""
    print(f"{datetime.now(UTC):%H:%M:%SZ} {text}", file=sys.stderr, flush=True)


def main(words: Sequence[str] | None = None) -> int:
    """Verify, and print what was found."""
    asked = parse(words)
    try:
        stack = find(asked.stack, asked.region)
        run = Verification(asked, stack, Api(stack.endpoint, sleep=time.sleep))
        trouble = run.run()
    except CommandError as failure:
        print(f"error: {failure}", file=sys.stderr)
        return failure.exit_code
    findings = examine(CHECKS, run.evidence)
    left = run.evidence.drill.left if run.evidence.drill else {}
    behaviours = {row.id: row.behaviour for row in rows.read()}
    print(*report.lines(findings, behaviours), *report.left_lines(left), sep="\n")
    if asked.json:
        report.write(asked.json, report.document(stack, asked.plan, run.evidence, findings))
    return exit_code(findings, trouble, interrupted=run.interrupted, left=bool(left))


def exit_code(findings: Sequence[Finding], trouble: CommandError | None, *, interrupted: bool, left: bool) -> int:
    """Return the exit code that says the worst of what came of a run."""
    if left:
        return EXIT_FAILURE
    if interrupted:
        return EXIT_INTERRUPTED
    if trouble is not None:
        return trouble.exit_code
    return EXIT_FAILURE if any(each.verdict is Verdict.DIFFERS for each in findings) else EXIT_OK


if __name__ == "__main__":
    sys.exit(main())
