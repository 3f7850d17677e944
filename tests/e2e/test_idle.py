"""What waiting costs: one Lambda call and one DescribeJobs call a round, however much is being launched."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from tools.bench.call_log import Call, describe_calls
from tools.local_stack.product import Product, chain, until

from wavebreak.timing import iso

ROUNDS = 3


@dataclass(frozen=True)
class Count:
    """Everything that happened so far, counted while every machine sleeps."""

    invocations: dict[str, int]
    calls: list[Call]


def counted(product: Product, execution_ids: list[str]) -> Count:
    """Count between two rounds, when the last ones are over and logged: what was counted stands for whole rounds."""

    def read() -> Count | None:
        before = [product.sleeping_since(one) for one in execution_ids]
        if not all(since and since < settled() for since in before):
            return None
        count = Count(product.invocations(), product.control.calls())
        return count if before == [product.sleeping_since(one) for one in execution_ids] else None

    found = until(read, lambda count: count is not None, within=15)
    assert found is not None
    return found


def settled() -> str:
    """Give the moment before which a machine must have gone to sleep for its round to be logged by now."""
    return iso(datetime.now(UTC) - timedelta(seconds=0.5))


@pytest.fixture
def launching(product: Product) -> list[str]:
    """A wave of one server and, beside it, five parallel waves of fifty servers in all, every one being launched."""
    product.quiet()
    product.control.events(enabled=False)  # fifty launches at one moment would be fifty processes of the emulator
    small = [product.servers(launchSeconds=200)]
    large = [product.servers(10, launchSeconds=200) for _ in range(5)]
    execution_ids = [product.run(*({**wave, "dependsOn": []} for wave in chain(*groups))) for groups in (small, large)]
    for execution_id in execution_ids:
        product.seen(execution_id, lambda seen: all(wave["jobId"] for wave in seen["waves"]))
    return execution_ids


def test_an_idle_round_is_one_lambda_call_and_one_drs_call(product: Product, launching: list[str]) -> None:
    jobs = [{wave["jobId"] for wave in product.execution(one)["waves"]} for one in launching]
    assert [len(some) for some in jobs] == [1, 5]
    before = counted(product, launching)
    known = len(before.calls)
    until(
        lambda: [len(describe_calls(product.control.calls()[known:], some)) for some in jobs],
        lambda rounds: min(rounds) >= ROUNDS,
        within=(ROUNDS + 2) * product.poll_seconds,
    )
    after = counted(product, launching)

    for one in launching:
        assert {wave["status"] for wave in product.execution(one)["waves"]} == {"IN_PROGRESS"}
    made = after.calls[known:]
    described = [describe_calls(made, some) for some in jobs]
    assert all(set(call["parameters"]["filters"]["jobIDs"]) == jobs[0] for call in described[0])
    assert all(set(call["parameters"]["filters"]["jobIDs"]) == jobs[1] for call in described[1])
    rounds = sum(len(calls) for calls in described)
    assert [call["operation"] for call in made] == ["DescribeJobs"] * rounds
    called = {name: count - before.invocations[name] for name, count in after.invocations.items()}
    idle = dict.fromkeys(called, 0)
    # The API is called by this test itself, and the sweeps come every minute whatever runs.
    apart = {"ExecutionsFunction", "SweepFunction", "NotificationSweepFunction"}
    assert {name: count for name, count in called.items() if name not in apart} == {
        name: count for name, count in {**idle, "ObserveFunction": rounds}.items() if name not in apart
    }
    for one in launching:
        product.operate(one, "cancel")
