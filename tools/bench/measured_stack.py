"""A local stack under measurement: plans run on it, and everything that they cause is counted."""

from __future__ import annotations

import json
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from tools.local_stack.counting_proxy import CountingProxy
from tools.local_stack.deployment import Emulator, log_group
from tools.local_stack.product import lead

from drs_simulator.client import SimulatorControl
from wavebreak_cli.client.api import Api
from wavebreak_cli.client.endpoint import Endpoint, StaticKeys
from wavebreak_cli.client.request import Call

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from tools.local_stack.stack import LocalStack

_POLL_SECONDS: Final = 0.1
_SETTLED_SECONDS: Final = 0.5
"""After it, a finished invocation is in the emulator's log."""
_QUIET_SECONDS: Final = 3
"""Without a call of DynamoDB, whatever a run caused is over: notifications and the report come after its end."""
_WRITERS: Final = 8


class BenchError(Exception):
    """Something did not go as it must for the figures to mean anything; the message says what."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Calls so far: of functions by logical id, of DRS and of DynamoDB by operation."""

    functions: Counter[str]
    drs: Counter[str]
    dynamodb: Counter[str]

    def since(self, earlier: Counts) -> Counts:
        """Return what was added."""
        return Counts(self.functions - earlier.functions, self.drs - earlier.drs, self.dynamodb - earlier.dynamodb)


class BenchStack:
    """One local stack in use by the measurements alone."""

    def __init__(self, stack: LocalStack, description: Mapping[str, Any], proxy: CountingProxy) -> None:
        self.control = SimulatorControl(description["simulatorUrl"])
        self._description = description
        self._proxy = proxy
        keys = description["credentials"]
        endpoint = Endpoint(
            description["apiUrl"], description["region"], StaticKeys(keys["accessKeyId"], keys["secretAccessKey"])
        )
        self._api = Api(endpoint, sleep=time.sleep)
        self._emulator = Emulator(stack.ports.emulator)
        self._machines = self._emulator.client("stepfunctions")
        machine_arn = str(description["stateMachineArns"]["recovery"])
        self._runs_arn = machine_arn.replace(":stateMachine:", ":execution:")
        self._functions = {
            one["FunctionName"].split("-")[1]: one["FunctionName"]
            for one in self._emulator.client("lambda").list_functions()["Functions"]
        }

    def close(self) -> None:
        """Close the connections."""
        self._api.close()

    def count_dynamodb(self) -> None:
        """Lead every function's DynamoDB calls through the counting proxy."""
        client = self._emulator.client("lambda")
        for name in self._functions.values():
            lead(client, name, "DYNAMODB", self._proxy.url)

    def hold_sweep(self) -> None:
        """Keep the sweep, which comes every minute whatever runs, out of the counts."""
        client = self._emulator.client("events")
        for rule in client.list_rules()["Rules"]:
            if "ScheduleExpression" in rule:
                client.disable_rule(Name=rule["Name"])

    def add_servers(self, names: Sequence[str], **settings: Any) -> None:
        """Add source servers to the simulator."""
        with ThreadPoolExecutor(_WRITERS) as pool:
            for done in [pool.submit(self.control.put_source_server, name, **settings) for name in names]:
                done.result()

    def start(self, plan: Mapping[str, Any]) -> str:
        """Store a plan and start it as a drill; return the execution's id."""
        self._api.answer(Call("PUT", f"/plans/{plan['planId']}", body=plan))
        return str(self._api.post("/drills", {"planId": plan["planId"]})["executionId"])

    def post(self, path: str) -> None:
        """Ask for something to be done."""
        self._api.post(path)

    def seen(self, execution_id: str, accept: Callable[[dict[str, Any]], bool], within: float) -> dict[str, Any]:
        """Wait for an execution to be as wanted; raise BenchError."""
        deadline = time.monotonic() + within
        while not accept(execution := self._api.get(f"/executions/{execution_id}")):
            if time.monotonic() > deadline:
                raise BenchError(f"{execution_id} is still {execution['status']} after {within:g} s")
            time.sleep(_POLL_SECONDS)
        return execution

    def completed(self, execution_id: str, within: float) -> dict[str, Any]:
        """Wait for the end of an execution without disturbing the counts; raise BenchError unless it completed.

        The state machine is polled, and the execution read once.
        """
        deadline = time.monotonic() + within
        while self._machine_runs(execution_id) and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
        ended: dict[str, Any] = self._api.get(f"/executions/{execution_id}")
        if ended["status"] != "COMPLETED":
            raise BenchError(f"{execution_id} is {ended['display']['label']} after {within:g} s at most")
        return ended

    def _machine_runs(self, execution_id: str) -> bool:
        arn = f"{self._runs_arn}:{execution_id}"
        return bool(self._machines.describe_execution(executionArn=arn)["status"] == "RUNNING")

    def counts(self) -> Counts:
        """Count everything so far."""
        time.sleep(_SETTLED_SECONDS)
        pages = self._emulator.client("logs").get_paginator("filter_log_events")
        called = {
            name: sum(
                event["message"].startswith("START ")
                for page in pages.paginate(logGroupName=log_group(name))
                for event in page["events"]
            )
            for name in self._functions
        }
        drs = Counter(call["operation"] for call in self.control.calls())
        return Counts(Counter(called), drs, self._proxy.counts())

    def settle(self) -> None:
        """Wait until nothing that earlier runs caused calls DynamoDB any more; the sweep is held."""
        known = self._proxy.counts()
        while True:
            time.sleep(_QUIET_SECONDS)
            if (present := self._proxy.counts()) == known:
                return
            known = present

    def items(self) -> list[dict[str, Any]]:
        """Read the whole table, in DynamoDB's own notation."""
        pages = self._emulator.client("dynamodb").get_paginator("scan")
        return [item for page in pages.paginate(TableName=self._description["tableName"]) for item in page["Items"]]

    def largest_payload(self, execution_id: str) -> int:
        """Return the bytes of the largest input, output or variable in the history of the recovery machine."""
        pages = self._machines.get_paginator("get_execution_history")
        asked = {"executionArn": f"{self._runs_arn}:{execution_id}", "includeExecutionData": True}
        return max(_payload(event) for page in pages.paginate(**asked) for event in page["events"])


def _payload(event: Mapping[str, Any]) -> int:
    details = [value for name, value in event.items() if name.endswith("EventDetails")]
    texts = [text if isinstance(text, str) else json.dumps(text) for one in details for text in one.values()]
    return max((len(text.encode()) for text in texts), default=0)


@contextmanager
def in_use(stack: LocalStack) -> Iterator[BenchStack]:
    """Bring a stack up, count what happens on it, and stop it in every case."""
    try:
        description = stack.start()
        with CountingProxy(stack.ports.emulator) as proxy:
            used = BenchStack(stack, description, proxy)
            try:
                yield used
            finally:
                used.close()
    finally:
        stack.stop()
