"""Command runs for the tests of `wavebreak command`: three targets, of which the second fails."""

from datetime import UTC, datetime

from tests.cli.fake_api import DRILL, FakeApi, run_reading

from wavebreak.domain.commands.results import ExecutionResult
from wavebreak.domain.commands.runs import Asked
from wavebreak.domain.commands.summary import generate_summary

GOOD = ExecutionResult.completed("s-1", 0, "auth is up\n").timed(datetime(2026, 11, 21, 12, 3, 1, tzinfo=UTC), 1)
BAD = ExecutionResult.completed("s-2", 1, "partly\n", "Cannot connect to Qdrant service\nat all\n").timed(
    datetime(2026, 11, 21, 12, 3, 1, tzinfo=UTC), 2
)
LATE = ExecutionResult.completed("s-3", 0, "web is up").timed(datetime(2026, 11, 21, 12, 3, 2, tzinfo=UTC), 3)
ON_DRILL = ("--execution", DRILL)


def started(api: FakeApi, total: int = 3, command: str = "status") -> None:
    """Let the API accept a command."""
    api.answers["POST", "/commands"] = (202, run_reading({}, total, asked=Asked(command))[0])


def story(api: FakeApi, command: str = "status") -> str:
    """Let three targets end, the second one badly, in another order than given; gives the summary."""
    asked = Asked(command)
    started(api, command=command)
    api.runs = [
        run_reading({}, 3, asked=asked),
        run_reading({3: LATE}, 3, asked=asked),
        run_reading({1: GOOD, 2: BAD, 3: LATE}, 3, asked=asked, over=True),
    ]
    return generate_summary([GOOD, BAD, LATE])
