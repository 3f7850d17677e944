"""Bad days of what the product itself runs on: DynamoDB, and everything at once."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from tools.chaos import outcomes as judge
from tools.local_stack.counting_proxy import CountingProxy
from tools.local_stack.product import chain, until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tools.chaos.outcomes import Outcome
    from tools.local_stack.product import Product

THROTTLED_SECONDS: Final = 12.0
"""In real time: the pauses between attempts at DynamoDB do not scale."""
TAKEN_UP_SECONDS: Final = 240
"""A machine that was silent for three polls and two minutes is searched for by a sweep that comes every minute."""
_EVERY: Final = 3
_PAUSE_SECONDS: Final = 0.3
_PATIENCE_SECONDS: Final = 60
_REFUSAL: Final = json.dumps(
    {
        "__type": "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException",
        "message": "The level of configured provisioned throughput for the table was exceeded",
    }
).encode()


class ThrottlingProxy(CountingProxy):
    """Hands DynamoDB's calls on, of which it refuses none (0), all (1) or every n-th."""

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self.every = 0
        self.refused = 0
        self._calls = 0

    def refusal(self, operation: str) -> bytes | None:
        """Refuse a call if it is its turn."""
        del operation
        self._calls += 1
        if not self.every or self._calls % self.every:
            return None
        self.refused += 1
        return _REFUSAL


@contextmanager
def _throttling(product: Product) -> Iterator[ThrottlingProxy]:
    """Lead every function's calls of DynamoDB through a door that may refuse them."""
    with ThrottlingProxy(product.stack.ports.emulator) as proxy:
        product.lead(product.functions(), "DYNAMODB", proxy.url)
        try:
            yield proxy
        finally:
            product.lead(product.functions(), "DYNAMODB", None)


class _Caller:
    """A client that keeps reading an execution and storing plans, and records the answers."""

    def __init__(self, product: Product, execution_id: str) -> None:
        self._product, self._execution_id = product, execution_id
        self._server = product.servers()
        self.stored: list[str] = []
        self.answers: dict[str, int] = {}

    def call(self, seconds: float) -> None:
        """Go on for some time."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            plan_id = self._product.new_plan_id()
            plan = {"planId": plan_id, "name": "Stored on a bad day", "waves": chain(self._server)}
            if self._noted("PUT", f"/plans/{plan_id}", plan):
                self.stored.append(plan_id)
            self._noted("GET", f"/executions/{self._execution_id}")
            time.sleep(_PAUSE_SECONDS)

    def _noted(self, method: str, path: str, body: object = None) -> bool:
        answer = self._product.api.call(method, path, body)
        done = answer.status in {HTTPStatus.OK, HTTPStatus.CREATED}
        refused_for_now = answer.status == HTTPStatus.SERVICE_UNAVAILABLE and "Retry-After" in answer.headers
        name = "done" if done else "503 with Retry-After" if refused_for_now else f"{answer.status} {answer.code}"
        self.answers[name] = self.answers.get(name, 0) + 1
        return done


def dynamodb_throttles(product: Product) -> Iterator[Outcome]:
    """Make DynamoDB throttle every third call for a while, then every call, then none, in the middle of a drill."""
    servers = product.servers(4, launchSeconds=60)
    with _throttling(product) as proxy:
        execution_id = product.run(*chain(servers[:2], servers[2:]))
        product.launching(execution_id, 1)
        caller = _Caller(product, execution_id)
        for every in (_EVERY, 1):
            proxy.every = every
            caller.call(THROTTLED_SECONDS)
        proxy.every = 0
        yield judge.between("calls of DynamoDB throttled", proxy.refused, 10, proxy.counts().total())
        fair = set(caller.answers) <= {"done", "503 with Retry-After"}
        answers = ", ".join(f"{name} {count}" for name, count in sorted(caller.answers.items()))
        yield judge.Outcome("answers of the API meanwhile", "done or 503 with Retry-After", answers, fair)
        _well_again(product, "/plans", f"/executions/{execution_id}", "/errors/summary")
        yield from judge.drill(product, execution_id, servers, TAKEN_UP_SECONDS)
        lost = [name for name in caller.stored if product.api.call("GET", f"/plans/{name}").status != HTTPStatus.OK]
        yield judge.same(f"plans lost of {len(caller.stored)} that were stored meanwhile", lost, [])


def _well_again(product: Product, *paths: str) -> None:
    """Wait for each function by itself: they know only of their own circuits of DynamoDB."""

    def refused() -> list[str]:
        return [path for path in paths if product.api.call("GET", path).status != HTTPStatus.OK]

    until(refused, lambda found: not found, _PATIENCE_SECONDS)


def emulator_restarts(product: Product) -> Iterator[Outcome]:
    """End the emulator in the middle of a drill and start it again: functions and state machines have died with it."""
    servers = product.servers(3, launchSeconds=60)
    execution_id = product.run(*chain(servers[:2], servers[2:]))
    product.launching(execution_id, 1)
    product.stack.restart_emulator()
    back = time.monotonic()
    yield judge.same("the run of its state machine", product.machine_status(execution_id), "FAILED")
    product.launching(execution_id, 2, within=TAKEN_UP_SECONDS)
    yield judge.between("seconds until the sweep took it up", round(time.monotonic() - back), 0, TAKEN_UP_SECONDS)
    yield from judge.drill(product, execution_id, servers)
    yield judge.same("the run after it", product.machine_status(f"{execution_id}-r2"), "SUCCEEDED")
