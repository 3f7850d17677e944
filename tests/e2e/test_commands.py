"""Commands forwarded through the deployed product to real processes on the simulator's instances.

`WAVEBREAK_TARGETS` sets the size of the large run (240 unless set; `make soak` takes 1,000).
"""

from __future__ import annotations

import os
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tools.local_stack.product import until, wave

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tools.local_stack.product import Product

TARGETS = int(os.environ.get("WAVEBREAK_TARGETS", "240"))
FEW = 60
"""Targets of the run that the large one is compared with."""
MOST_PAYLOAD_BYTES = 1_000
TARGET_FUNCTION = "RunTargetFunction"


def recovered(product: Product, *groups: list[str]) -> str:
    """Recover servers, a wave for each group, and give the execution's id."""
    waves = [wave(f"group {number}", group, dependsOn=[]) for number, group in enumerate(groups)]
    execution_id = product.run(*waves)
    assert product.ended(execution_id, within=300)["status"] == "COMPLETED"
    return execution_id


def forwarded(product: Product, command: str, within: float = 60, **body: Any) -> dict[str, Any]:
    """Forward a command and see its run to the end."""
    command_id = product.api.post("/commands", {"command": command, **body})["commandId"]
    return until(lambda: product.api.get(f"/commands/{command_id}"), lambda run: run["exitCode"] is not None, within)


def results(product: Product, run: dict[str, Any]) -> list[dict[str, Any]]:
    """Read all results of a run."""
    return [one for page in product.api.pages(f"/commands/{run['commandId']}/results", limit=200) for one in page]


def script(product: Product, instance: str, command: str, text: str) -> Path:
    """Put a script in a command's place on an instance, and give the instance's directory."""
    root = Path(product.control.instance(instance)["directory"])
    (root / "opt/wavebreak/commands" / command).write_text(text, encoding="utf-8")
    return root


def test_s1_3_fifteen_targets_of_two_seconds_take_two_rounds(product: Product) -> None:
    servers = product.servers(15)
    for server in servers:
        product.control.instance(server, commands={"status": {"seconds": 2}})
    product.control.instance(servers[4], commands={"status": {"seconds": 2, "exitCode": 3}})
    execution_id = recovered(product, servers)
    forwarded(product, "query", executionId=execution_id)  # the functions are warm from here on

    begun = time.monotonic()
    run = forwarded(product, "status", executionId=execution_id)
    took = time.monotonic() - begun

    assert (run["status"], run["exitCode"]) == ("PARTIAL_SUCCESS", 2)
    assert (run["total"], run["succeeded"], run["failed"]) == (15, 14, 1)
    assert run["summary"].endswith(f"  • {servers[4]}\n\nStatus: PARTIAL SUCCESS\n{'=' * 60}")
    assert 5 < product.control.state()["maxCommandsInFlight"] <= 10
    assert 4 <= took < 15, "one after another they would take thirty seconds"
    assert [one["target"] for one in results(product, run)] == servers


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at the process table in /proc")
def test_s0_6_and_s1_7_nothing_of_a_hung_command_survives_its_limit(product: Product) -> None:
    servers = product.servers(2)
    execution_id = recovered(product, servers)
    (instance,) = product.instances_of(servers[:1])
    hung = "#!/bin/sh\necho $$ >>pids\n(trap '' TERM; echo begun; exec sleep 987) &\necho $! >>pids\nwait\n"
    root = script(product, instance, "start", hung)

    run = forwarded(product, "start", executionId=execution_id, timeoutSeconds=5)

    first, second = results(product, run)
    assert (first["exitCode"], first["failureKind"]) == (-1, "timeout")
    assert (first["stdout"], first["stderr"]) == ("begun\n", "Command timed out after 5 seconds")
    assert (second["success"], run["exitCode"]) == (True, 2)
    pids = (root / "pids").read_text(encoding="utf-8").split()
    assert len(pids) == 2
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]


def test_s1_9_and_s1_12_hostile_arguments_and_output_do_no_harm(product: Product, tmp_path: Path) -> None:
    servers = product.servers(1)
    execution_id = recovered(product, servers)
    (instance,) = product.instances_of(servers)
    text = "#!/bin/sh\nfor word; do printf '%s|' \"$word\"; done\nprintf '\\377\\033[2J'\nyes x | head -c 2000000 >&2\n"
    script(product, instance, "query", text)
    arguments = [f"; touch {tmp_path}/pwned", f"$(touch {tmp_path}/pwned)", "a\nb\n", "", "é"]

    (result,) = results(product, forwarded(product, "query", executionId=execution_id, args=arguments))

    assert result["stdout"] == "".join(f"{argument}|" for argument in arguments) + "�\x1b[2J"
    assert result["truncated"]
    assert len(result["stderr"]) < 11_000
    assert list(tmp_path.iterdir()) == []
    refused = product.api.call("POST", "/commands", {"command": "query", "executionId": execution_id, "args": ["\0"]})
    assert (refused.status, refused.code) == (400, "VALIDATION_FAILED")


def test_a_plan_runs_its_commands_and_a_required_one_that_fails_fails_its_wave(product: Product) -> None:
    first, second = product.servers(2), product.servers(1)
    product.control.instance(second[0], commands={"start": {"exitCode": 9}})
    execution_id = product.run(
        wave("database", first, after=[{"command": "status", "required": True}]),
        wave(
            "web",
            second,
            before=[{"command": "fix-config", "args": ["--from", "database"]}],
            after=[{"command": "start", "required": True}],
        ),
    )

    ended = product.ended(execution_id, within=60)

    assert ended["status"] == "PARTIAL_SUCCESS"
    assert [one["status"] for one in ended["waves"]] == ["COMPLETED", "FAILED"]
    outcomes = [(one["name"], one["status"]) for each in ended["waves"] for one in each["steps"]]
    assert outcomes == [
        ("status", "SUCCEEDED"),
        ("fix-config", "SUCCEEDED"),
        ("start", "FAILED"),
    ]
    before = product.api.get(f"/commands/{ended['waves'][1]['steps'][0]['commandId']}/results")
    assert [one["target"] for one in before["items"]] == first
    types = [event["type"] for event in product.api.get(f"/executions/{execution_id}/events", limit=100)["items"]]
    assert types.count("COMMAND_STARTED") == 3


def test_s1_14_watch_tells_lines_as_they_come_and_a_cancel_stops_it_everywhere(product: Product) -> None:
    servers = product.servers(2)
    execution_id = recovered(product, servers)
    for server, instance in zip(servers, map(product.instances_of, ([one] for one in servers)), strict=True):
        text = f"#!/bin/sh\nfor n in 1 2 3; do echo {server} $n; sleep 0.1; done\nsleep 600\n"
        script(product, instance[0], "watch", text)
    command_id = product.api.post("/commands", {"command": "watch", "executionId": execution_id})["commandId"]
    found: list[tuple[str, str]] = []
    query: dict[str, Any] = {"limit": 100}

    def read() -> int:
        page = product.api.get(f"/commands/{command_id}/lines", **query)
        found.extend((one["target"], one["line"]) for one in page["items"])
        query["nextToken"] = page["nextToken"]
        return len(found)

    until(read, lambda count: count == 6, within=30)
    assert sorted(found) == sorted((server, f"{server} {n}") for server in servers for n in (1, 2, 3))

    begun = time.monotonic()
    product.api.post(f"/commands/{command_id}/cancel", {})
    until(product.control.state, lambda state: not _running(state), within=5)
    run = until(lambda: product.api.get(f"/commands/{command_id}"), lambda one: one["exitCode"] is not None, within=10)
    assert time.monotonic() - begun < 10
    assert (run["status"], run["exitCode"], run["failed"]) == ("COMPLETE_SUCCESS", 0, 0)


def _running(state: dict[str, Any]) -> list[Any]:
    return [one for one in state["commandInvocations"] if one["StatusDetails"] in {"InProgress", "Cancelling"}]


def counted(product: Product, **body: Any) -> tuple[dict[str, Any], Counter[str]]:
    """Forward a command, and count the calls of functions and of SSM that it took."""

    def now() -> Counter[str]:
        return Counter(product.invocations()) + Counter(call["operation"] for call in product.control.calls())

    before = now()
    run = forwarded(product, "status", within=600, **body)
    assert (run["status"], run["succeeded"]) == ("COMPLETE_SUCCESS", run["total"])
    return run, now() - before


def payloads(product: Product, command_id: str) -> Iterator[str]:
    """Give every input and output in the history of a command machine."""
    sfn, machine = product.aws("stepfunctions"), product.description["stateMachineArns"]["command"]
    arn = machine.replace(":stateMachine:", ":execution:") + f":{command_id}"
    pages = sfn.get_paginator("get_execution_history").paginate(executionArn=arn, includeExecutionData=True)
    for event in (event for page in pages for event in page["events"]):
        details = [value for value in event.values() if isinstance(value, dict)]
        yield from (str(detail[key]) for detail in details for key in ("input", "output") if key in detail)


def test_a_large_run_keeps_its_payload_and_costs_the_same_for_each_target(product: Product) -> None:
    servers = product.servers(TARGETS)
    half = TARGETS // 2
    execution_id = recovered(product, servers[:half], servers[half:])

    few, small = counted(product, executionId=execution_id, targets=servers[:FEW])
    many, large = counted(product, executionId=execution_id)

    assert (few["total"], many["total"]) == (FEW, TARGETS)
    for count, total in ((small, FEW), (large, TARGETS)):
        assert count["PrepareCommandFunction"] == count["FinishCommandFunction"] == 1
        assert count[TARGET_FUNCTION] == count["SendCommand"] == total
        assert count["GetCommandInvocation"] <= 4 * total
        assert count["DescribeInstanceInformation"] == -(-total // 50)
    for run in (few, many):
        sizes = [len(text) for text in payloads(product, run["commandId"])]
        assert len(sizes) > run["total"]
        assert max(sizes) < MOST_PAYLOAD_BYTES
    assert [one["target"] for one in results(product, many)] == servers
