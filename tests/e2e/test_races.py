"""Calls that meet: whatever order they are taken in, the outcome is one that a single order of them explains.

`WAVEBREAK_RACES` sets how often each pair is fired together (`make soak` does it a hundred times).
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from tests.e2e.trail import verified_trail
from tools.local_stack.api_client import Answer
from tools.local_stack.product import QUICK, Product, chain, wave

from wavebreak.execution_utils import TERMINAL_STATUSES, WaveStatus, final_status

RACES = int(os.environ.get("WAVEBREAK_RACES", "3"))
SIDE_BY_SIDE = 5
SLOW = 100
"""Seconds of a launch, before the time scale."""


def repeated(race: Callable[[], None]) -> None:
    """Run a race as often as wanted, a few at a time, and raise what any of them found."""
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        for outcome in [pool.submit(race) for _ in range(RACES)]:
            outcome.result()


def together(*calls: Callable[[], Answer]) -> list[Answer]:
    """Fire calls at the same moment."""
    barrier = Barrier(len(calls))

    def fire(call: Callable[[], Answer]) -> Answer:
        barrier.wait()
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(fire, calls))


def types_of(product: Product, execution_id: str) -> list[str]:
    """Name the events of an execution, after checking that they are an unbroken chain."""
    return [str(event["type"]) for event in verified_trail(product, execution_id)]


def outcome_of(answer: Answer) -> str:
    """Give the status of an answer, with the reason of a refusal."""
    return f"{answer.status} {answer.document['detail']}" if answer.status >= 400 else str(answer.status)


def explained(after: dict[str, Any]) -> str:
    """Give the final status that its waves and an accepted cancel explain."""
    statuses = [WaveStatus(wave["status"]) for wave in after["waves"]]
    return final_status(statuses, has_job=any(wave["jobId"] for wave in after["waves"]), cancel_accepted=True)


def is_over(seen: dict[str, Any]) -> bool:
    return seen["status"] in TERMINAL_STATUSES


def test_two_cancels_are_one(product: Product) -> None:
    def race() -> None:
        # The second wave takes its time, so that a slow machine does not have it end before the cancels come.
        servers = [*product.servers(1, launchSeconds=QUICK), *product.servers(1, launchSeconds=SLOW)]
        execution_id = product.run(*chain(servers[:1], servers[1:]))
        product.launching(execution_id, 1, within=60)
        answers = together(*[lambda: product.operate(execution_id, "cancel")] * 2)
        after = product.ended(execution_id, within=90)
        assert {answer.status for answer in answers} <= {202, 409}
        assert 202 in {answer.status for answer in answers}
        assert after["status"] == explained(after)
        assert types_of(product, execution_id).count("EXECUTION_CANCELLING") <= 1
        assert sum(event == f"EXECUTION_{after['status']}" for event in types_of(product, execution_id)) == 1

    repeated(race)


def test_a_cancel_and_the_finish_agree(product: Product) -> None:
    def race() -> None:
        execution_id = product.run(*chain(product.servers(1)))
        product.wave_seen(execution_id, 1, "COMPLETED", within=90)
        [answer] = together(lambda: product.operate(execution_id, "cancel"))
        after = product.ended(execution_id, within=90)
        assert answer.status in {202, 409}
        assert after["status"] == "COMPLETED", "every wave completed, cancelled or not"
        assert types_of(product, execution_id).count("EXECUTION_COMPLETED") == 1

    repeated(race)


def test_two_terminates_are_one(product: Product) -> None:
    def race() -> None:
        servers = product.servers(1)
        execution_id = product.run(*chain(servers))
        launched = product.ended(execution_id, within=90)["waves"][0]["servers"][0]["recoveryInstanceId"]
        answers = together(*[lambda: product.operate(execution_id, "terminate")] * 2)
        assert {outcome_of(answer) for answer in answers} <= {"202", "409 Instances already terminated"}
        assert 202 in {answer.status for answer in answers}
        after = product.seen(execution_id, lambda seen: seen["termination"]["status"] != "IN_PROGRESS", within=90)
        assert after["termination"] == {"status": "COMPLETED", "terminated": 1, "remaining": [], "unknown": []}
        assert product.instances_of(servers) == []
        calls = product.control.calls("TerminateRecoveryInstances")
        assert sum(launched in call["parameters"]["recoveryInstanceIDs"] for call in calls) == 1
        assert types_of(product, execution_id).count("TERMINATION_IN_PROGRESS") == 1

    repeated(race)


def test_a_retry_and_a_cancel_agree(product: Product) -> None:
    def race() -> None:
        servers = product.servers(1, launchResult="FAILED")
        execution_id = product.run(
            wave("asks", servers, onFailure="ASK"), wave("next", product.servers(1), dependsOn=["asks"])
        )
        product.seen(execution_id, lambda seen: seen["status"] == "PAUSED", within=90)
        product.control.put_source_server(servers[0], launchSeconds=QUICK, launchResult="LAUNCHED")
        retry, cancel = together(
            lambda: product.operate(execution_id, "waves/1/retry"), lambda: product.operate(execution_id, "cancel")
        )
        after = product.ended(execution_id, within=90)
        assert cancel.status == 202, "a cancel is never lost"
        assert retry.status in {202, 409}
        assert after["status"] == "CANCELLED"
        assert after["waves"][1]["status"] == "CANCELLED"
        first = after["waves"][0]
        assert (first["status"], first["attempt"]) in {("FAILED", 1), ("CANCELLED", 2)}
        assert (retry.status == 409) == (first["attempt"] == 1)
        assert is_over(product.execution(execution_id))

    repeated(race)
