"""What cost operators time, each proved gone: the order of what is told, how a watch ends, what can be done next."""

import json
from typing import Any

import pytest
from rich.console import Console
from tests.cli.conftest import Terminal
from tests.cli.fake_api import DRILL, FakeApi, execution, run_reading, server, wave
from tests.cli.run_stories import ON_DRILL, started, story
from tools import demo

from wavebreak.domain.commands.results import ExecutionResult
from wavebreak.domain.commands.runs import Asked
from wavebreak.domain.plans.document import parse_plan


def test_b13_a_plan_with_checks_is_valid_where_it_is_stored_too(api: FakeApi, wavebreak: Terminal) -> None:
    check = {
        "name": "smoke",
        "type": "DOCUMENT",
        "command": "status",
        "factors": {"f_up": {"of": "up", "reducer": "sum"}},
    }
    waves = [{"name": "all", "servers": [{"sourceServerId": f"s-{1:017}"}], "checks": [check]}]
    file = wavebreak.directory / "p.json"
    content = {"planId": "p", "name": "P", "waves": waves}
    file.write_text(json.dumps(content))
    parse_plan(content)
    api.answers["PUT", "/plans/p"] = (201, {"plan": content, "version": 1})
    outcome = wavebreak("plan", "validate", str(file))
    assert (outcome.exit_code, outcome.err) == (0, "")
    assert wavebreak("plan", "apply", str(file)).exit_code == 0
    assert api.requests[-1].body == content


@pytest.mark.parametrize("watched", [False, True])
def test_f13_a_run_in_progress_offers_its_pause(api: FakeApi, wavebreak: Terminal, watched: bool) -> None:
    running = execution("IN_PROGRESS", [wave(1, "db", "IN_PROGRESS", [server(1, "IN_PROGRESS")])])
    api.readings[DRILL] = [running, running, execution("COMPLETED", [])]
    wavebreak.live = watched
    printed = wavebreak("watch" if watched else "show", DRILL).out
    assert f"wavebreak pause {DRILL}" in printed
    api.readings[DRILL] = [execution("PAUSED", running["waves"], pausedBy=["OPERATOR"])]
    assert f"wavebreak pause {DRILL}" not in wavebreak("show", DRILL).out


def test_f22_a_failure_is_told_of_the_server_then_the_wave_then_the_execution(
    api: FakeApi, wavebreak: Terminal
) -> None:
    running = wave(1, "db", "IN_PROGRESS", [server(1, "IN_PROGRESS")])
    failed = wave(1, "db", "FAILED", [server(1, "FAILED", error="no capacity")], error="1 critical server(s) failed")
    api.readings[DRILL] = [execution("IN_PROGRESS", [running]), execution("FAILED", [failed])]
    outcome = wavebreak("watch", DRILL)
    assert outcome.exit_code == 1
    printed = [row.partition("Z ")[2] for row in outcome.out.splitlines()]
    at = [
        printed.index(row)
        for row in (
            f"server s-{1:017} FAILED: no capacity",
            "wave 1 db FAILED: 1 critical server(s) failed",
            f"execution {DRILL} FAILED",
        )
    ]
    assert at == sorted(at)


def test_f23_the_limit_of_a_watch_and_the_end_that_its_caller_sets_are_no_failures(
    api: FakeApi, wavebreak: Terminal
) -> None:
    asked = Asked("watch")
    ends = [ExecutionResult.timed_out("s-1", 300).of_watch(), ExecutionResult.cancelled("s-2").of_watch()]
    started(api, 2, "watch")
    api.runs = [run_reading(dict(enumerate(ends, start=1)), 2, asked=asked, over=True)]
    api.lines = [[{"target": "s-1", "at": "2026-11-21T12:00:00.002Z", "line": "one"}], []]
    outcome = wavebreak("command", "watch", *ON_DRILL)
    assert outcome.exit_code == 0
    assert "✗" not in outcome.out
    assert "Failed: 0" in outcome.out
    assert "Status: COMPLETE SUCCESS" in outcome.out


def test_f25_targets_are_called_targets_beside_the_summary_that_the_contract_words(
    api: FakeApi, wavebreak: Terminal
) -> None:
    summary = story(api)
    printed = wavebreak("command", "status", *ON_DRILL).out
    assert " status on 3 targets IN_PROGRESS" in printed
    assert "Total repositories: 3" in summary
    assert summary in printed, "word for word"


class _Operator:
    """Somebody at the demo's terminals: what they type and see is written down in its order."""

    def __init__(self, printed: list[str]) -> None:
        self.printed = printed

    def types(self, *words: str) -> int:
        """Type a command."""
        self.printed.append(f"$ {' '.join(words)}")
        return 2

    def begins(self, *words: str, quietly: bool = False) -> "_Operator":
        """Begin a command."""
        self.printed.append(f"{'quietly ' if quietly else ''}$ {' '.join(words)}")
        return self

    def wait(self, _seconds: float | None = None) -> int:
        """End it."""
        return 2

    def kill(self) -> None:
        """Be over already."""

    def latest(self) -> str:
        """Name the drill."""
        return DRILL

    def sees(self, _execution_id: str) -> dict[str, Any]:
        """Have wave 2 running."""
        return {"waves": [{"jobId": "drsjob-1"}, {"jobId": "drsjob-2"}]}


class _Simulator:
    def put_source_server(self, *_: object, **__: object) -> None:
        """Take any."""

    def instance(self, *_: object, **__: object) -> None:
        """Take any."""


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Write down what the demo tells, between what is typed."""
    printed: list[str] = []
    console = Console(width=300)
    monkeypatch.setattr(console, "print", lambda *parts, **_: printed.extend(map(str, parts)))
    monkeypatch.setattr(demo, "console", console)
    monkeypatch.setattr(demo, "outcome", lambda *_: printed.append("outcome"))
    return printed


def test_f28_the_demo_tells_of_a_cancel_before_it_comes(played: list[str]) -> None:
    operator: Any = _Operator(played)
    demo.is_cancelled(operator, _Simulator(), {"application": ["s-1", "s-2"]})  # type: ignore[arg-type]
    typed = f"cancel {DRILL} --reason 'wrong maintenance window'"
    announced = next(
        n for n, row in enumerate(played) if f"in another terminal, as soon as wave 2 runs: wavebreak {typed}" in row
    )
    assert announced < played.index(f"$ watch {DRILL}") < played.index(f"quietly $ {typed.replace(chr(39), '')}")
    assert played[-1] == "outcome"


def test_f28_the_demo_says_when_it_goes_back_to_the_drill(played: list[str]) -> None:
    operator: Any = _Operator(played)
    demo.completes(operator, _Simulator(), {"application": ["s-1", "s-2"]})  # type: ignore[arg-type]
    back = next(n for n, row in enumerate(played) if "back to the drill: what it came to, and its termination" in row)
    assert played.index("$ command status --targets s-1,s-2") < back < played.index("outcome")
