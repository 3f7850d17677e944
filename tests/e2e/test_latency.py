"""How soon the product acts: on events at once, without them at the next poll, on a cancel within a second."""

import time
from statistics import median

import pytest
from tools.bench.call_log import moment, reactions, start_calls
from tools.local_stack.product import Product, chain, until


@pytest.fixture
def prompt(product: Product) -> None:
    """Have everything show and be told at once.

    What is measured is how soon the product acts on what it is shown; a look that is older, or an event that is lost,
    has to wait for the next poll.
    """
    product.control.put_manners(strict=True)


def latencies(product: Product, groups: list[list[str]]) -> list[float]:
    """Run a chain of waves to its end and measure from each wave's last launch to the next StartRecovery."""
    after = product.ended(product.run(*chain(*groups)), within=60)
    assert after["status"] == "COMPLETED"
    return reactions(groups, product.control.calls(), product.control.state())


@pytest.mark.usefixtures("prompt")
def test_with_events_the_next_wave_starts_at_once(product: Product) -> None:
    measured = latencies(product, [product.servers() for _ in range(6)])
    assert len(measured) == 5
    assert min(measured) > 0
    assert median(measured) < 0.5, measured


@pytest.mark.usefixtures("prompt")
def test_without_events_the_next_wave_starts_within_a_poll(product: Product) -> None:
    product.control.events(enabled=False)
    (measured,) = latencies(product, [product.servers() for _ in range(2)])
    assert 0 < measured < product.poll_seconds + 2


def test_independent_branches_overlap(product: Product) -> None:
    left, right = product.servers(launchSeconds=20), product.servers(launchSeconds=20)
    waves = chain(left, right)
    waves[1]["dependsOn"] = []
    after = product.ended(product.run(*waves))
    assert after["status"] == "COMPLETED"
    calls = product.control.calls()
    (one,), (other,) = start_calls(calls, left), start_calls(calls, right)
    jobs = {job["jobID"]: job for job in product.control.state()["jobs"]}
    ends = [moment(jobs[wave["jobId"]]["endDateTime"]) for wave in after["waves"]]
    assert max(moment(one["at"]), moment(other["at"])) < min(ends)


def test_a_cancel_with_nothing_in_flight_ends_everything_within_a_second(product: Product) -> None:
    measured = [seconds_to_cancel(product) for _ in range(3)]  # the first one may start its functions cold
    assert median(measured) < 1, measured


def seconds_to_cancel(product: Product) -> float:
    """Cancel an execution whose machine sleeps, and measure until both are over."""
    waves = chain(product.servers(), product.servers())
    waves[0]["requiresApproval"] = True
    execution_id = product.run(*waves)
    product.wave_seen(execution_id, 1, "AWAITING_APPROVAL")
    until(lambda: product.sleeping_since(execution_id), bool, within=10)
    begin = time.monotonic()
    product.operate(execution_id, "cancel")
    assert product.execution(execution_id)["status"] == "CANCELLED"
    until(lambda: product.machine_status(execution_id), "SUCCEEDED".__eq__, within=5)
    return time.monotonic() - begin


def test_a_cancel_in_flight_is_visible_within_a_second(product: Product) -> None:
    execution_id = product.run(*chain(product.servers(launchSeconds=15), product.servers()))
    product.launching(execution_id, 1)

    begin = time.monotonic()
    product.operate(execution_id, "cancel")
    assert product.execution(execution_id)["status"] == "CANCELLING"
    assert time.monotonic() - begin < 1
    after = product.ended(execution_id)
    assert (after["status"], after["waves"][0]["status"]) == ("CANCELLED", "CANCELLED")
