"""The whole product in one process: API, tables and machines on moto, DRS in the simulator, handlers called."""

from __future__ import annotations

import importlib
import json
import threading
import time
from contextlib import contextmanager, suppress
from queue import SimpleQueue
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import boto3
from moto.dynamodb.models import dynamodb_backends
from tests.support import called_operations as called
from tests.support.blueprint import ACCOUNT, REGION, STACK_NAME, Blueprint, machine_arn
from tests.support.clock import TIME_SCALE
from tests.support.emulation import join_machines
from tests.support.eventually import eventually
from tests.support.gateway import Answer, Gateway
from tests.support.process_death import TaskKilled

from drs_simulator.client import SimulatorControl
from wavebreak import app as composition
from wavebreak.execution_utils import TERMINAL_STATUSES, TerminationStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tests.support.clock import JumpingClock

    from drs_simulator.drs.model import LaunchResult
    from drs_simulator.ssm.agents import OutputLines
    from wavebreak.app import App
    from wavebreak.settings import Settings

COMPOSE = composition.composed.__wrapped__
"""What puts an app together, whatever stands in for the app of a function."""
PATIENCE_SECONDS = 60.0
"""How long a test waits for what must come: long enough for a machine that is busy with other things."""
POLL_SECONDS = 0.1
LATE_SECONDS = 10 * TIME_SCALE
"""How late a service shows something at the latest."""

TaskTimedOut = type("Sandbox.Timedout", (Exception,), {})
"""What Step Functions is told of a function that was killed."""


class Stack:
    """The deployed product; `api` calls it as API Gateway does, `control` steers the DRS behind it."""

    def __init__(self, blueprint: Blueprint, clock: JumpingClock, quotas: dict[str, int]) -> None:
        self.blueprint = blueprint
        self.clock = clock
        self.applied_quotas = quotas
        self.gateway = Gateway(blueprint.routes(), self.invoke)
        self.before: dict[str, Callable[[dict[str, Any]], None]] = {}
        self.after: dict[str, Callable[[dict[str, Any]], None]] = {}
        self.functions: dict[str, Callable[[dict[str, Any]], Any]] = {}
        """Functions that are not of the product: what steps of plans invoke."""
        self.failures: list[str] = []
        self.dropped: list[str] = []
        """Errors of functions on events that nobody waited for; a test that expects one takes it out."""
        self.table_actions: list[str] = []
        self._handlers = {name: _imported(path) for name, path in blueprint.handlers().items()}
        self._apps: dict[str, App] = {}
        self._lock = threading.RLock()
        self._running = threading.local()
        self._launches: SimpleQueue[LaunchResult | None] = SimpleQueue()
        self._torn_down = False
        self._printing = threading.Lock()
        self._logs: Any
        self._events = threading.Thread(target=self._deliver, name="launch-events", daemon=True)
        self.control: SimulatorControl
        self.sfn: Any

    def deploy(self, simulator_url: str) -> None:
        """Make tables and machines, and begin to deliver launch events."""
        self.control = SimulatorControl(simulator_url)
        dynamodb = boto3.client("dynamodb", region_name=REGION)
        for table in self.blueprint.tables():
            dynamodb.create_table(**table)
        for bucket in self.blueprint.buckets():
            boto3.client("s3", region_name=REGION).create_bucket(Bucket=bucket)
        boto3.client("scheduler", region_name=REGION).create_schedule_group(Name=STACK_NAME)
        self.sfn = boto3.client("stepfunctions", region_name=REGION)
        self._logs = boto3.client("logs", region_name=REGION)
        for name, definition in self.blueprint.machines().items():
            self.sfn.create_state_machine(name=name, definition=definition, roleArn=f"arn:aws:iam::{ACCOUNT}:role/r")
        for function in self._handlers:
            self.app(function)
        self._events.start()

    def tear_down(self) -> None:
        """Stop every machine and thread."""
        self._torn_down = True
        self._launches.put(None)
        self._events.join()
        for machine in ("recovery", "termination", "command", "step"):
            for run in self.runs(machine):
                if run["status"] == "RUNNING":
                    self._stop_run(run["executionArn"])
        join_machines()

    def _stop_run(self, arn: str) -> None:
        """Stop a run; moto has nothing to stop before the run's thread has set itself up, and says so by a crash."""

        def stopped() -> bool:
            try:
                self.sfn.stop_execution(executionArn=arn)
            except AttributeError:
                return False
            return True

        eventually(stopped, complaint=f"{arn} cannot be stopped", seconds=PATIENCE_SECONDS, pause=POLL_SECONDS)

    def runs(self, machine: str) -> list[dict[str, Any]]:
        """List the runs of a machine."""
        runs: list[dict[str, Any]] = self.sfn.list_executions(stateMachineArn=machine_arn(machine))["executions"]
        return runs

    def app(self, function: str = "SweepFunction") -> App:
        """Give the app of a function, with the settings that the template gives this one."""
        with self._lock:
            if function not in self._apps:
                previous = getattr(self._running, "function", None)
                self._running.function = function
                self._apps[function] = COMPOSE()
                self._running.function = previous
            return self._apps[function]

    def renew_apps(self) -> None:
        """Have every function read its settings again."""
        with self._lock:
            self._apps.clear()
        for function in self._handlers:
            self.app(function)

    def current_app(self) -> App:
        """Give the app of the function that runs in this thread; stands in for `app.composed`."""
        return self.app(self._running.function)

    def current_settings(self) -> Settings:
        """Give the settings of the function that runs in this thread; stands in for `settings.of_environment`."""
        return self.blueprint.settings(self._running.function)

    def invoke(self, function: str, event: dict[str, Any]) -> dict[str, Any]:
        """Call a function as Lambda does.

        What `before` holds for it is called with the event, what `after` holds with the answer; either may raise.
        """
        if function in self.functions:
            foreign: dict[str, Any] = self.functions[function](event)
            return foreign
        self.before.get(function, _nothing)(event)
        context = SimpleNamespace(
            aws_request_id="11111111-2222-3333-4444-555555555555",
            function_name=function,
            invoked_function_arn=f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{function}",
            memory_limit_in_mb=512,
            get_remaining_time_in_millis=lambda: 1000 * int(self.blueprint.functions[function]["Timeout"]),
        )
        try:
            with self.acting_as(function):
                answer: dict[str, Any] = self._handlers[function](event, context)
        except TaskKilled:
            raise TaskTimedOut(function) from None
        self.after.get(function, _nothing)(answer)
        return answer

    @contextmanager
    def acting_as(self, function: str) -> Iterator[App]:
        """Have what this thread does within the block be a function's doing, and give the function's app."""
        previous = getattr(self._running, "function", None)
        self._running.function = function
        try:
            with called.running(function):
                yield self.app(function)
        finally:
            self._running.function = previous

    def drop(self, function: str, error: Exception) -> None:
        """Take it that a function failed on an event that nobody waits for; one that was killed is no surprise."""
        if not isinstance(error, TaskTimedOut):
            self.dropped.append(f"{function}: {error!r}")

    def launched(self, result: LaunchResult) -> None:
        """Take a launch result from the simulator."""
        self._launches.put(result)

    def printed(self, output: OutputLines) -> None:
        """Put what a command printed on CloudWatch Logs, as the agent of its instance does."""
        stream = {"logGroupName": output.log_group, "logStreamName": output.log_stream}
        at = int(output.at.timestamp() * 1000)
        with self._printing:
            for make, name in ((self._logs.create_log_group, "logGroupName"), (self._logs.create_log_stream, None)):
                with suppress(self._logs.exceptions.ResourceAlreadyExistsException):
                    make(**({name: stream[name]} if name else stream))
            events = [{"timestamp": at, "message": line or " "} for line in output.lines]
            self._logs.put_log_events(**stream, logEvents=events)

    def _deliver(self) -> None:
        while (result := self._launches.get()) is not None:
            if self._torn_down:
                continue
            state = "RECOVERY_LAUNCH_SUCCEEDED" if result.launched else "RECOVERY_LAUNCH_FAILED"
            detail = {"state": state, "job-id": result.job_id, "is-drill": str(result.is_drill).upper()}
            event = {"source": "aws.drs", "resources": [result.source_server_arn], "detail": detail}
            try:
                self.report_launches(event)
            except Exception as error:  # noqa: BLE001  the thread's end would only hide it: the fixture raises it
                self.failures.append(f"launch event: {error!r}")

    def report_launches(self, *events: dict[str, Any]) -> int:
        """Hand launch events to their function as their queue does, and give how many executions it woke."""
        records = {"Records": [{"messageId": str(n), "body": json.dumps(event)} for n, event in enumerate(events)]}
        return int(self.invoke("LaunchEventsFunction", records)["woken"])

    def api(self, method: str, path: str, body: Any = None, **options: Any) -> Answer:
        """Call the API; `body` is sent as JSON. Options: text, query, headers."""
        return self.gateway.call(method, path, body, **options)

    def put_servers(self, ids: Iterable[str], **settings: Any) -> None:
        """Have DRS know source servers."""
        for identifier in ids:
            self.control.put_source_server(identifier, **settings)

    def put_plan(self, document: dict[str, Any]) -> None:
        """Store a plan."""
        answer = self.api("PUT", f"/plans/{document['planId']}", document)
        assert answer.status in {200, 201}, answer

    def start(self, document: dict[str, Any], mode: str = "drills", **asked: Any) -> str:
        """Store a plan, start it and give the execution's id."""
        self.put_plan(document)
        answer = self.api("POST", f"/{mode}", {"planId": document["planId"], **asked})
        assert answer.status == 202, answer
        return str(answer.json["executionId"])

    def get(self, execution_id: str) -> dict[str, Any]:
        """Read an execution."""
        answer = self.api("GET", f"/executions/{execution_id}")
        assert answer.status == 200, answer
        execution: dict[str, Any] = answer.json
        return execution

    def everything_shows(self) -> None:
        """Let so much time pass that every look at a service shows what has happened so far."""
        self.clock.forward(LATE_SECONDS)

    def comes_to_rest(self) -> None:
        """Let what is still under way arrive (late events, reports), until nothing is written any more."""
        self.everything_shows()
        before = self.items()
        for _ in range(100):
            time.sleep(0.3)
            after = self.items()
            if after == before:
                return
            before = after
        raise AssertionError("something writes without end")

    def wait(
        self, execution_id: str, until: Callable[[dict[str, Any]], Any], seconds: float = PATIENCE_SECONDS
    ) -> dict[str, Any]:
        """Read an execution until it is as wanted; fails showing it when it never is."""
        return read_until(lambda: self.get(execution_id), until, seconds)

    def ended(self, execution_id: str, seconds: float = PATIENCE_SECONDS) -> dict[str, Any]:
        """Wait for the end of an execution."""
        return self.wait(execution_id, lambda execution: execution["status"] in TERMINAL_STATUSES, seconds)

    def cleaned_up(self, execution_id: str) -> dict[str, Any]:
        """Wait for the end of a termination."""
        ends = {TerminationStatus.COMPLETED, TerminationStatus.INCOMPLETE}
        return self.wait(execution_id, lambda execution: execution["termination"]["status"] in ends)

    def events(self, execution_id: str) -> list[dict[str, Any]]:
        """Read an execution's audit trail."""
        answer = self.api("GET", f"/executions/{execution_id}/events", query={"limit": "1000"})
        items: list[dict[str, Any]] = answer.json["items"]
        return items

    def items(self) -> list[dict[str, Any]]:
        """Give every item of every table but recorded errors, sorted; read behind the product's back."""
        return [item for item in self._all_items() if "errorId" not in item]

    def error_items(self) -> list[dict[str, Any]]:
        """Give the items of the recorded errors."""
        return [item for item in self._all_items() if "errorId" in item]

    def _all_items(self) -> list[dict[str, Any]]:
        tables = list(dynamodb_backends[ACCOUNT][REGION].tables.values())
        while True:
            try:
                return sorted((item.to_json()["Attributes"] for table in tables for item in table.all_items()), key=str)
            except RuntimeError:  # a machine of the stack wrote meanwhile: moto's own records are read without a lock
                time.sleep(0.01)

    def items_of(self, sort_key: str) -> list[dict[str, Any]]:
        """Give the items with a sort key."""
        return [item for item in self.items() if item.get("sk") == {"S": sort_key}]

    def launched_servers(self) -> list[str]:
        """Give the servers of every StartRecovery call that DRS carried out, in order."""
        state = self.control.state()
        launches = sorted(
            (job for job in state["jobs"] if job["type"] == "LAUNCH"), key=lambda job: job["creationDateTime"]
        )
        return [member["sourceServerID"] for job in launches for member in job["participatingServers"]]


def read_until(
    read: Callable[[], dict[str, Any]], until: Callable[[dict[str, Any]], Any], seconds: float
) -> dict[str, Any]:
    """Read something until it is as wanted; fails showing it when it never is."""
    return eventually(read, until, "it is not as wanted", seconds=seconds, pause=POLL_SECONDS)


def ended_while_time_passes(stack: Stack, clock: JumpingClock, execution_id: str, seconds: float = 1) -> dict[str, Any]:
    """Wait for the end of a termination, time passing with each look: a minute of the product's is three seconds."""
    for _ in range(400):
        execution = stack.get(execution_id)
        if execution["termination"]["status"] in {"COMPLETED", "INCOMPLETE"}:
            return execution
        time.sleep(0.1)
        clock.forward(seconds)
    raise AssertionError(execution)


def _nothing(_content: dict[str, Any]) -> None:
    pass


def _imported(path: str) -> Callable[..., Any]:
    module, _, name = path.rpartition(".")
    handler: Callable[..., Any] = getattr(importlib.import_module(module), name)
    return handler
