"""However much targets print, answers fit and what is missing is told (A18, T20); none begins too late (B9)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import force_setattr
from tests.support.plans import plan, server, wave

from wavebreak.domain.commands.output_page import OutputPage
from wavebreak.domain.commands.runs import CommandTarget, TargetState
from wavebreak.store import keys
from wavebreak.use_cases import tail_output

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.support.commands import Commands
    from tests.support.stack import Stack

MOST_BYTES = 6 * 1024 * 1024
"""What a function may answer, as JSON in which the body is a string."""


def test_a18_a_page_of_results_fits_into_an_answer_whatever_was_printed(commands: Commands, stack: Stack) -> None:
    """Ten kilobytes that JSON writes with seven bytes each, on both outputs of 150 targets: 20 MB in all."""
    execution_id = commands.launched(1)
    command_id = str(commands.run("status", executionId=execution_id)["commandId"])
    store = stack.app().commands
    hostile = "\x01" * 10_000
    for number in range(2, 151):
        target = CommandTarget(number, f"s-{number}", f"i-{number}")
        store.table.put_many([{"pk": f"CMD#{command_id}", "sk": f"TARGET#{number:06d}", **target.record()}])
        result = {"target": target.name, "success": False, "stdout": hostile, "stderr": hostile}
        assert store.end(command_id, target, result)

    query, seen = {"limit": "1000"}, []
    for _ in range(20):
        answer = stack.api("GET", f"/commands/{command_id}/results", query=query)
        assert answer.status == 200
        assert len(json.dumps(answer.body)) < MOST_BYTES
        seen += [one["number"] for one in answer.json["items"]]
        if answer.json["nextToken"] is None:
            break
        query["nextToken"] = answer.json["nextToken"]

    assert seen == list(range(1, 151))


class Stream:
    """Log streams in memory; each call gives lines from where a token stands."""

    def __init__(self, lines: Sequence[str]) -> None:
        self.lines = lines

    def read(self, _stream: str, at: str | None, limit: int) -> OutputPage:
        """Read lines, a megabyte at most as the service does."""
        start = int(at or 0)
        taken: list[tuple[int, str]] = []
        size = 0
        for line in self.lines[start : start + limit]:
            size += len(line.encode()) + 26
            if size > 1_048_576:
                break
            taken.append((0, line))
        return OutputPage(tuple(taken), str(start + len(taken)))


@pytest.mark.parametrize("line", ["x", "\x01" * 200_000, "é" * 100_000, '"\\' * 50_000])
def test_a18_lines_fit_into_an_answer_whatever_was_printed_and_none_is_lost_or_told_twice(
    commands: Commands, stack: Stack, line: str
) -> None:
    execution_id = commands.launched(3)
    command_id = str(commands.run("status", executionId=execution_id)["commandId"])
    app = stack.app("CommandsFunction")
    lines = [f"{number}{line}" for number in range(40)]
    force_setattr(app, "output_at", lambda _site: Stream(lines))
    found: list[dict[str, Any]] = []
    at: str | None = None
    for _ in range(100):
        page, at = tail_output.lines(app, command_id, limit=1000, token=at)
        assert len(json.dumps(json.dumps({"items": page, "nextToken": at}, ensure_ascii=False))) < MOST_BYTES
        found += page
        if at is None:
            break
    assert at is None
    for number in (1, 2, 3):
        assert [one["line"] for one in found if one["target"] == server(number)] == lines


def test_t20_a_merge_tells_that_the_best_rows_may_be_missing(commands: Commands) -> None:
    execution_id = commands.launched(2)
    best_last = "".join(json.dumps({"score": n / 5000, "text": f"row {n}"}) + "\n" for n in range(5000))
    commands.answers(1, "query", stdout=best_last)
    commands.answers(2, "query", stdout='{"score": 0.4, "text": "whole"}\nno row\n\n[1]\n')

    run = commands.run("query", executionId=execution_id, limit=3)

    assert (run["mergeTruncated"], run["mergeLeftOut"]) == (1, 0)
    assert run["mergeSkipped"] >= 2
    assert run["merged"][0]["text"] == "whole", "what SSM did not return cannot be merged"
    assert [one["truncated"] for one in commands.results(run["commandId"])] == [True, False]


def test_b9_a_command_run_of_the_last_moment_is_cancelled_though_the_index_does_not_show_it_yet(
    commands: Commands, stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    execution_id = commands.launched(1)
    commands.answers(1, "status", seconds=120)
    table = stack.app("TerminationFunction").commands.table
    every = table.every
    late = {"IndexName": keys.PLAN_INDEX}.items()
    monkeypatch.setattr(table, "every", lambda query: [] if late <= query.items() else every(query))
    command_id = commands.start("status", executionId=execution_id)
    commands.in_flight()

    assert stack.api("POST", f"/executions/{execution_id}/terminate", {}).status == 202

    assert commands.ended(command_id, 15)["exitCode"] == 1
    assert stack.app().commands.active_of(execution_id) == [], "it is known as long as it runs"
    assert stack.cleaned_up(execution_id)["termination"]["status"] == "COMPLETED"


@pytest.mark.parametrize("call", ["terminate", "cancel"])
def test_b9_no_command_begins_once_the_end_of_its_instances_was_asked_for(
    commands: Commands, stack: Stack, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    """The request comes between the look at the execution and the write of the run."""
    if call == "terminate":
        execution_id = commands.launched(1)
    else:
        stack.put_servers([server(1), server(2)])
        execution_id = stack.start(plan(wave("one", 1), wave("two", 2, requiresApproval=True)))
        commands.half_way(execution_id)
    store = stack.app("CommandsFunction").commands
    original, asked = store.create, []

    def asked_meanwhile(*arguments: Any) -> bool:
        body = {} if call == "terminate" else {"then": "TERMINATE"}
        asked.append(stack.api("POST", f"/executions/{execution_id}/{call}", body).status)
        return bool(original(*arguments))

    monkeypatch.setattr(store, "create", asked_meanwhile)
    answer = commands.ask("uninstall", executionId=execution_id)

    assert asked == [202]
    assert (answer.status, answer.code) == (409, "INVALID_STATE")
    assert (stack.runs("command"), commands.sent_to()) == ([], [])
    assert [event for event in stack.events(execution_id) if event["type"].startswith("COMMAND")] == []
    assert TargetState.SENT not in {item.get("state", {}).get("S") for item in stack.items()}
    stack.cleaned_up(execution_id)
