"""The product of the integration tests as `tools.verify_aws` sees a deployed stack."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import boto3
import httpx
from tests.support.blueprint import ACCOUNT, REGION, machine_arn
from tools.verify_aws.evidence import DrillRecord, Evidence
from tools.verify_aws.findings import SIMULATED
from tools.verify_aws.stack import Stack as Verified
from tools.verify_aws.surroundings import Surroundings
from tools.verify_aws.watching import Watcher

from wavebreak_cli.client.api import Api
from wavebreak_cli.client.endpoint import Endpoint, StaticKeys

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.stack import Stack
    from tools.verify_aws.interrupts import Interrupts

POLL_SECONDS = 0.1


class InProcess(httpx.BaseTransport):
    """Hands requests to the API in this process; `before` may raise in their place."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self.before: Callable[[httpx.Request], None] = lambda _request: None

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.before(request)
        text = request.content.decode() or None
        query = dict(request.url.params) or None
        headers = {name: value for name, value in request.headers.items() if name == "idempotency-key"}
        answer = self._stack.api(request.method, request.url.path, text=text, query=query, headers=headers)
        return httpx.Response(answer.status, headers=answer.headers, content=answer.body.encode())


def verified(simulator_url: str) -> Verified:
    """Describe the product as a local stack."""

    def make(service: str, region: str) -> Any:
        endpoint = {"endpoint_url": simulator_url} if service in SIMULATED else {}
        return boto3.client(service, region_name=region, **endpoint)  # type: ignore[call-overload]  # of any service

    return Verified(
        name="wavebreak",
        region=REGION,
        account=ACCOUNT,
        partition="aws",
        local=True,
        endpoint=Endpoint("http://127.0.0.1:1", REGION, StaticKeys("test", "test")),
        machines={name: machine_arn(name) for name in ("recovery", "termination", "command")},
        parameters={"TimeScale": "0.05", "RenewAfterRounds": "1000"},
        resources={},
        make=make,
    )


class Verifier:
    """A drill as the tool makes it, of a plan that is stored; nobody sees anything but `reported`."""

    def __init__(self, stack: Stack, simulator_url: str) -> None:
        self.stack = stack
        self.described = verified(simulator_url)
        self.transport = InProcess(stack)
        self.api = Api(self.described.endpoint, sleep=lambda _seconds: None, transport=self.transport)
        self.reported: list[str] = []
        self.pauses: list[Callable[[], None]] = []
        """What is done in the next pauses, one after another."""

    def around(self, interrupts: Interrupts) -> Surroundings:
        """Give time that goes as the product's does."""
        return Surroundings(self.stack.clock.now, self._sleep, self.reported.append, interrupts)

    def watcher(self, servers: list[str], **options: Any) -> Watcher:
        """Look at a plan's servers."""
        names = frozenset(servers)
        return Watcher(self.described, {REGION: names}, DrillRecord(names), self.stack.clock.now, **options)

    def evidence(self, record: DrillRecord) -> Evidence:
        """Begin to see."""
        return Evidence(self.stack.clock.now(), self.described.timing, local=True, drill=record)

    def _sleep(self, _seconds: float) -> None:
        if self.pauses:
            self.pauses.pop(0)()
        time.sleep(POLL_SECONDS)
