"""Bad days of the ways to people and to servers: the notification channel and SSM."""

from __future__ import annotations

import time
from collections import Counter
from contextlib import contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from tools.chaos import outcomes as judge
from tools.chaos.drs import failing
from tools.chaos.inbox import CHANNELS, Inbox, delivered, expected, waiting
from tools.local_stack.processes import LOOPBACK, free_ports
from tools.local_stack.product import chain, until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tools.chaos.outcomes import Outcome
    from tools.local_stack.product import Product

SSM_OPERATIONS: Final = (
    "SendCommand",
    "GetCommandInvocation",
    "ListCommandInvocations",
    "CancelCommand",
    "DescribeInstanceInformation",
)
CANCEL_SECONDS: Final = 15
_PATIENCE_SECONDS: Final = 120
_QUIET_SECONDS: Final = 2
_WINDOW_SECONDS: Final = 60
"""How long a circuit of SSM stays open, before scaling."""


def channel_is_down(product: Product) -> Iterator[Outcome]:
    """Make the endpoint of SNS unreachable during a whole drill."""
    inbox = Inbox(product, f"inbox-{time.time_ns()}", product.description["topicArn"])
    servers = product.servers(3)
    (closed,) = free_ports(1)
    product.lead(CHANNELS, "SNS", f"http://{LOOPBACK}:{closed}")
    try:
        execution_id = product.run(*chain(servers[:2], servers[2:]))
        yield from judge.drill(product, execution_id, servers)
        kept = waiting(product, execution_id)
    finally:
        product.lead(CHANNELS, "SNS", None)
    wanted = expected(product, execution_id)
    kept_all = {sequence for _, sequence in wanted} <= set(kept)
    yield judge.same("messages told meanwhile", delivered(inbox, execution_id), [])
    yield judge.same("their events wait in the outbox", kept_all, expected=True)
    until(lambda: _swept(product, inbox, execution_id), lambda seen: len(seen) >= len(wanted), _PATIENCE_SECONDS)
    time.sleep(_QUIET_SECONDS)
    found = _swept(product, inbox, execution_id)
    inbox.close()
    yield judge.same("messages told afterwards, each once and in order", _text(found), _text(wanted))


def _swept(product: Product, inbox: Inbox, execution_id: str) -> list[tuple[str, int]]:
    """Run the sweep now, which otherwise comes every minute."""
    product.aws("lambda").invoke(FunctionName=product.function(CHANNELS[1]))
    return delivered(inbox, execution_id)


def _text(messages: list[tuple[str, int]]) -> str:
    return ", ".join(f"{sequence} {kind}" for kind, sequence in messages)


def _forwarded(product: Product, execution_id: str, command: str = "status") -> tuple[str, str]:
    """Forward a command to all servers of an execution; return how the run ended and how its targets fared."""
    body = {"command": command, "executionId": execution_id, "timeoutSeconds": 5}
    command_id = product.api.post("/commands", body)["commandId"]

    def read() -> dict[str, Any]:
        return product.api.get(f"/commands/{command_id}")

    run = until(read, lambda seen: seen["exitCode"] is not None, _PATIENCE_SECONDS)
    (page,) = product.api.pages(f"/commands/{command_id}/results", limit=200)
    kinds = Counter(str(result["failureKind"] or "ok") for result in page)
    fared = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
    return f"{run['status']}, exit code {run['exitCode']}", fared


@contextmanager
def _unreachable(product: Product, server: str) -> Iterator[None]:
    product.control.instance(server, reachable=False)
    try:
        yield
    finally:
        product.control.instance(server, reachable=True)


def ssm_is_down(product: Product) -> Iterator[Outcome]:
    """Forward commands while one server is out of reach, then while SSM does not answer, then after the fault."""
    servers = product.servers(6)
    execution_id = product.run(*chain(servers))
    product.ended(execution_id)
    with _unreachable(product, servers[1]):
        ended, kinds = _forwarded(product, execution_id)
    yield judge.same("one server out of reach: the run ends", ended, "PARTIAL_SUCCESS, exit code 2")
    yield judge.same("one server out of reach: its targets", kinds, "5 ok, 1 unreachable")
    with failing(product, SSM_OPERATIONS, httpStatus=HTTPStatus.SERVICE_UNAVAILABLE):
        ended, kinds = _forwarded(product, execution_id)
        yield judge.same("SSM down: the run ends", ended, "COMPLETE_FAILURE, exit code 1")
        truthful = {kind.split()[1] for kind in kinds.split(", ")} <= {"circuit_open", "exception"}
        yield judge.Outcome("SSM down: its targets", "6 of exception or circuit_open", kinds, truthful)
        yield from _cancelled(product)
    with failing(product, ("SendCommand",), error="ThrottlingException"):
        ended, kinds = _forwarded(product, execution_id)
    yield judge.same("SSM throttling: the run ends", ended, "COMPLETE_FAILURE, exit code 1")
    yield judge.same("SSM throttling: its targets", kinds, "6 circuit_open")
    time.sleep(_WINDOW_SECONDS * product.stack.time_scale)
    ended, kinds = _forwarded(product, execution_id)
    yield judge.same("SSM back: the run ends", ended, "COMPLETE_SUCCESS, exit code 0")
    yield judge.same("SSM back: its targets", kinds, "6 ok")


def _cancelled(product: Product) -> Iterator[Outcome]:
    """Cancel a drill whose wave waits for a command that SSM does not take."""
    (wave,) = chain(product.servers(1))
    execution_id = product.run({**wave, "after": [{"command": "start", "required": True}]})
    product.seen(execution_id, lambda seen: seen["waves"][0]["servers"][0]["launchStatus"] == "LAUNCHED")
    begun = time.monotonic()
    answer = product.operate(execution_id, "cancel")
    yield judge.same("SSM down: a cancel during a plan's command", answer.status, HTTPStatus.ACCEPTED.value)
    ended = product.ended(execution_id, within=_PATIENCE_SECONDS)
    yield judge.same("SSM down: the cancelled drill ends", ended["status"], "CANCELLED")
    yield judge.between("SSM down: seconds until then", round(time.monotonic() - begun, 1), 0, CANCEL_SECONDS)
