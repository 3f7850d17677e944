"""The deployed product as tests and `make chaos` drive it: API, simulator, servers and plans of its own."""

from __future__ import annotations

import time
from functools import cache
from http import HTTPStatus
from itertools import count
from typing import TYPE_CHECKING, Any, TypeVar

from tools.local_stack.api_client import Client, UnexpectedError
from tools.local_stack.deployment import Emulator, log_group

from drs_simulator.client import SimulatorControl
from wavebreak.execution_utils import TERMINAL_STATUSES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from tools.local_stack.api_client import Answer
    from tools.local_stack.stack import LocalStack

Seen = TypeVar("Seen")

QUICK = 10
"""Launch seconds before scaling: the shortest launch that there is at a scale of 0.1, one second."""

_POLL_SECONDS = 0.04


def until(read: Callable[[], Seen], accept: Callable[[Seen], bool], within: float) -> Seen:
    """Poll until the value is accepted; fails, showing the value, when the seconds are over."""
    deadline = time.monotonic() + within
    while True:
        seen = read()
        if accept(seen):
            return seen
        if time.monotonic() > deadline:
            raise UnexpectedError(f"not within {within} s: {seen}")
        time.sleep(_POLL_SECONDS)


class Product:
    """One local stack in use."""

    def __init__(self, stack: LocalStack, description: Mapping[str, Any]) -> None:
        self.stack = stack
        self.description = description
        self.api = Client(description)
        self.control = SimulatorControl(description["simulatorUrl"])
        self._numbers = count(1)
        self._emulator = Emulator(stack.ports.emulator)
        self._clients: dict[str, Any] = {}

    @property
    def poll_seconds(self) -> float:
        """The poll interval under the stack's time scale."""
        return max(1.0, 30 * self.stack.time_scale)

    def close(self) -> None:
        """Close all connections."""
        self.api.close()
        for client in self._clients.values():
            client.close()

    def aws(self, service: str) -> Any:
        """Return a client of the emulator."""
        if service not in self._clients:
            self._clients[service] = self._emulator.client(service)
        return self._clients[service]

    def servers(self, number: int = 1, **settings: Any) -> list[str]:
        """Add source servers; they launch in the shortest time unless told otherwise."""
        names = [f"s-{next(self._numbers):017d}" for _ in range(number)]
        for name in names:
            self.control.put_source_server(name, **{"launchSeconds": QUICK, **settings})
        return names

    def new_plan_id(self) -> str:
        """Name a plan that there is not yet."""
        return f"plan-{next(self._numbers)}"

    def plan(self, *waves: dict[str, Any], **fields: Any) -> str:
        """Store a plan of these waves and give its id."""
        plan_id = self.new_plan_id()
        document = {"planId": plan_id, "name": f"Plan {plan_id}", "waves": list(waves), **fields}
        self.api.done("PUT", f"/plans/{plan_id}", document)
        return plan_id

    def start(self, plan_id: str, mode: str = "drills") -> str:
        """Start a plan and give the execution's id."""
        return str(self.api.post(f"/{mode}", {"planId": plan_id})["executionId"])

    def run(self, *waves: dict[str, Any], mode: str = "drills") -> str:
        """Store a plan of these waves, start it and give the execution's id."""
        return self.start(self.plan(*waves), mode)

    def execution(self, execution_id: str) -> dict[str, Any]:
        """Read an execution."""
        return self.api.get(f"/executions/{execution_id}")

    def operate(self, execution_id: str, action: str, body: Any = None) -> Answer:
        """Ask for something to be done to an execution, and return whatever the answer is."""
        return self.api.call("POST", f"/executions/{execution_id}/{action}", body or {})

    def seen(self, execution_id: str, accept: Callable[[dict[str, Any]], bool], within: float = 20) -> dict[str, Any]:
        """Wait for an execution to be as wanted."""
        return until(lambda: self.execution(execution_id), accept, within)

    def wave_seen(self, execution_id: str, number: int, status: str, within: float = 20) -> dict[str, Any]:
        """Wait for a wave to be in a status."""
        return self.seen(execution_id, lambda seen: seen["waves"][number - 1]["status"] == status, within)

    def ended(self, execution_id: str, within: float = 30) -> dict[str, Any]:
        """Wait for an execution to be over."""
        return self.seen(execution_id, lambda seen: seen["status"] in TERMINAL_STATUSES, within)

    def launching(self, execution_id: str, number: int, within: float = 20) -> dict[str, Any]:
        """Wait for a wave to have its DRS job."""
        return self.seen(execution_id, lambda seen: bool(seen["waves"][number - 1]["jobId"]), within)

    def terminated(self, execution_id: str, within: float = 20) -> dict[str, Any]:
        """Ask for the termination and wait for its end."""
        answer = self.operate(execution_id, "terminate")
        if answer.status != HTTPStatus.ACCEPTED or answer.document["termination"]["status"] != "IN_PROGRESS":
            raise UnexpectedError(f"the termination was not begun: {answer}")
        return self.seen(execution_id, lambda seen: seen["termination"]["status"] != "IN_PROGRESS", within)

    def instances_of(self, servers: Iterable[str]) -> list[str]:
        """Name the recovery instances of these servers that the simulator still has."""
        wanted = set(servers)
        found = self.control.state()["recoveryInstances"]
        return [one["recoveryInstanceID"] for one in found if one["sourceServerID"] in wanted]

    def machine_status(self, execution_id: str, machine: str = "recovery") -> str:
        """Return how the state machine's run stands that has this name."""
        arn = self.description["stateMachineArns"][machine].replace(":stateMachine:", ":execution:")
        return str(self.aws("stepfunctions").describe_execution(executionArn=f"{arn}:{execution_id}")["status"])

    def sleeping_since(self, execution_id: str) -> str | None:
        """Return when the recovery machine left the task token under which it sleeps; None while it is awake."""
        key = {"pk": {"S": f"EXEC#{execution_id}"}, "sk": {"S": "TOKEN"}}
        found = self.aws("dynamodb").get_item(TableName=self.description["tableName"], Key=key, ConsistentRead=True)
        return str(found["Item"]["heartbeatAt"]["S"]) if "token" in found["Item"] else None

    def quiet(self) -> None:
        """Wait until nothing runs that an earlier test has left behind."""
        until(lambda: [item["pk"]["S"] for item in self.items() if "activePk" in item], lambda found: not found, 30)
        until(self.control.state, lambda state: all(job["status"] == "COMPLETED" for job in state["jobs"]), 30)

    def history(self, execution_id: str) -> list[dict[str, Any]]:
        """Return the events that the emulator kept of the recovery machine's first run."""
        arn = self.description["stateMachineArns"]["recovery"].replace(":stateMachine:", ":execution:")
        pages = self.aws("stepfunctions").get_paginator("get_execution_history")
        asked = {"executionArn": f"{arn}:{execution_id}", "includeExecutionData": True}
        return [event for page in pages.paginate(**asked) for event in page["events"]]

    def invocations(self) -> dict[str, int]:
        """Count how often each function has been called, by its name in the template."""
        pages = self.aws("logs").get_paginator("filter_log_events")
        return {
            name: sum(
                event["message"].startswith("START ")
                for page in pages.paginate(logGroupName=log_group(name))
                for event in page["events"]
            )
            for name in _function_names(self)
        }

    def items(self) -> list[dict[str, Any]]:
        """Read the whole table, in DynamoDB's own notation."""
        pages = self.aws("dynamodb").get_paginator("scan").paginate(TableName=self.description["tableName"])
        return [item for page in pages for item in page["Items"]]

    def function(self, logical_id: str) -> str:
        """Return the name of a function of the template."""
        return _function_names(self)[logical_id]

    def lead(self, logical_ids: Iterable[str], service: str, url: str | None) -> None:
        """Point functions at another endpoint of a service, or at its own again."""
        for name in logical_ids:
            lead(self.aws("lambda"), self.function(name), service, url)

    def functions(self) -> list[str]:
        """Name all functions as the template does."""
        return list(_function_names(self))

    def scratch(self) -> Path:
        """Where the emulator keeps what its functions run from."""
        return self.stack.directory / "tmp"


@cache
def _function_names(product: Product) -> dict[str, str]:
    found = product.aws("lambda").list_functions()["Functions"]
    return {one["FunctionName"].split("-")[1]: one["FunctionName"] for one in found}


def lead(functions: Any, name: str, service: str, url: str | None) -> None:
    """Point one function at another endpoint of a service, or at its own again; `functions` is Lambda's client.

    The emulator starts the function again for it.
    """
    variables = dict(functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"])
    variables.pop(f"AWS_ENDPOINT_URL_{service}", None)
    if url:
        variables[f"AWS_ENDPOINT_URL_{service}"] = url
    functions.update_function_configuration(FunctionName=name, Environment={"Variables": variables})


def wave(name: str, servers: Iterable[str], **fields: Any) -> dict[str, Any]:
    """Write a wave of servers."""
    return {"name": name, "servers": [{"sourceServerId": server} for server in servers], **fields}


def chain(*groups: list[str]) -> list[dict[str, Any]]:
    """Write waves that wait for each other, one for each group of servers."""
    return [wave(f"wave {number}", servers) for number, servers in enumerate(groups, start=1)]


def launch_jobs(product: Product, servers: list[str]) -> list[list[str]]:
    """Return the launch jobs that each server was in."""
    jobs = [job for job in product.control.state()["jobs"] if job["type"] == "LAUNCH"]
    members = [(job["jobID"], {one["sourceServerID"] for one in job["participatingServers"]}) for job in jobs]
    return [[job_id for job_id, names in members if server in names] for server in servers]
