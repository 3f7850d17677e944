"""Commands forwarded to recovered servers, as the tests ask for them and look at them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3
from tests.support.eventually import eventually
from tests.support.plans import plan, server, wave
from tests.support.stack import PATIENCE_SECONDS, POLL_SECONDS, read_until
from tools.local_stack.ssm_documents import documents

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.support.gateway import Answer
    from tests.support.stack import Stack


class Commands:
    """Command runs of a stack whose SSM has the product's documents."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        for name, content in documents().items():
            stack.control.put_document(name, content)

    def launched(self, count: int, first: int = 1) -> str:
        """Recover servers, numbered from `first`, and give the id of the execution that did, once agents answer.

        Each agent comes a little after its instance, and a server whose agent is not there yet loses its turn.
        """
        numbers = range(first, first + count)
        self.stack.put_servers(map(server, numbers))
        execution = self.stack.ended(self.stack.start(plan(wave("all", *numbers), plan_id=f"plan-{first}")))
        assert execution["status"] == "COMPLETED"
        self.agents_answer(execution)
        return str(execution["executionId"])

    def half_way(self, execution_id: str) -> None:
        """Wait until the second wave awaits its approval, and DRS has told of the instances of the first."""
        self.stack.wait(
            execution_id,
            lambda seen: (
                seen["waves"][1]["status"] == "AWAITING_APPROVAL"
                and all(one["recoveryInstanceId"] for one in seen["waves"][0]["servers"])
            ),
        )

    def agents_answer(self, execution: dict[str, Any]) -> None:
        """Wait until SSM shows the agents of an execution's instances."""
        ssm = boto3.client("ssm")
        instances = {each["recoveryInstanceId"] for wave in execution["waves"] for each in wave["servers"]}

        def shown() -> set[str]:
            pages = ssm.get_paginator("describe_instance_information").paginate()
            return {one["InstanceId"] for page in pages for one in page["InstanceInformationList"]}

        eventually(shown, instances.issubset, "an agent does not answer", seconds=PATIENCE_SECONDS, pause=POLL_SECONDS)

    def instance(self, number: int) -> str:
        """Give the recovery instance of a source server."""
        found = self.stack.control.state()["recoveryInstances"]
        return next(str(one["recoveryInstanceID"]) for one in found if one["sourceServerID"] == server(number))

    def answers(self, number: int, command: str, **settings: Any) -> None:
        """Say how a server answers a command: exitCode, stdout, stderr, seconds."""
        self.stack.control.instance(server(number), commands={command: settings})

    def ask(self, command: str, *, headers: dict[str, str] | None = None, **body: Any) -> Answer:
        """Ask for a command, and give whatever the answer is."""
        return self.stack.api("POST", "/commands", {"command": command, **body}, headers=headers)

    def start(self, command: str, **body: Any) -> str:
        """Have a command accepted, and give the id of its run."""
        answer = self.ask(command, **body)
        assert answer.status == 202, answer
        return str(answer.json["commandId"])

    def run(self, command: str, **body: Any) -> dict[str, Any]:
        """Forward a command and see its run to the end."""
        return self.ended(self.start(command, **body))

    def get(self, command_id: str) -> dict[str, Any]:
        """Read a run."""
        answer = self.stack.api("GET", f"/commands/{command_id}")
        assert answer.status == 200, answer
        found: dict[str, Any] = answer.json
        return found

    def seen(
        self, command_id: str, until: Callable[[dict[str, Any]], Any], seconds: float = PATIENCE_SECONDS
    ) -> dict[str, Any]:
        """Read a run until it is as wanted; fails showing it when it never is."""
        return read_until(lambda: self.get(command_id), until, seconds)

    def ended(self, command_id: str, seconds: float = PATIENCE_SECONDS) -> dict[str, Any]:
        """Wait for the end of a run."""
        return self.seen(command_id, lambda run: run["exitCode"] is not None, seconds)

    def come_to_rest(self, seconds: float = PATIENCE_SECONDS) -> None:
        """Wait until no command machine runs: the run's end is written a moment before the machine's own."""
        eventually(
            lambda: self.stack.runs("command"),
            lambda runs: all(run["status"] != "RUNNING" for run in runs),
            "a machine runs on",
            seconds=seconds,
            pause=POLL_SECONDS,
        )

    def results(self, command_id: str, limit: int = 1000) -> list[dict[str, Any]]:
        """Read all results, page by page."""
        items: list[dict[str, Any]] = []
        query = {"limit": str(limit)}
        while True:
            answer = self.stack.api("GET", f"/commands/{command_id}/results", query=query)
            assert answer.status == 200, answer
            assert len(answer.json["items"]) <= limit
            items += answer.json["items"]
            if answer.json["nextToken"] is None:
                return items
            query["nextToken"] = answer.json["nextToken"]

    def cancel(self, command_id: str, headers: dict[str, str] | None = None) -> Answer:
        """Ask for the end of a run, and give whatever the answer is."""
        return self.stack.api("POST", f"/commands/{command_id}/cancel", {}, headers=headers)

    def in_flight(self, count: int = 1, seconds: float = PATIENCE_SECONDS) -> None:
        """Wait until this many commands run on their instances."""
        eventually(
            self.running,
            lambda running: len(running) >= count,
            f"not {count} commands run",
            seconds=seconds,
            pause=POLL_SECONDS,
        )

    def running(self) -> list[str]:
        """Name the instances on which a command runs."""
        found = self.stack.control.state()["commandInvocations"]
        return [str(one["InstanceId"]) for one in found if one["StatusDetails"] == "InProgress"]

    def sent_to(self) -> list[str]:
        """Name the instances that commands were made for, in order: what SSM carried out, whatever it answered."""
        found = self.stack.control.state()["commandInvocations"]
        return [str(one["InstanceId"]) for one in sorted(found, key=lambda one: str(one["RequestedDateTime"]))]


def outcome(results: Sequence[dict[str, Any]]) -> list[tuple[str, int, str | None]]:
    """Give target, exit code and kind of failure of each result."""
    return [(one["target"], one["exitCode"], one["failureKind"]) for one in results]
