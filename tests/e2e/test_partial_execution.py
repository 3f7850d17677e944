"""S2-11, end to end: what an execution says of itself when only a part of it succeeded, and what can be cleaned up."""

from typing import Any

import pytest
from tests.e2e.trail import paths, verified_trail
from tools.local_stack.product import Product, chain, wave

OFFERED = {"canTerminate": True, "reason": None, "hasRecoveryInstances": True}
NOTHING_TO_TERMINATE = {"canTerminate": False, "reason": "No recovery instances found", "hasRecoveryInstances": False}
BEGUN = ["NOT_STARTED", "IN_PROGRESS"]


def statuses(execution: dict[str, Any]) -> list[str]:
    return [wave["status"] for wave in execution["waves"]]


def totals(execution: dict[str, Any]) -> tuple[int, ...]:
    return tuple(execution[f"{which}Waves"] for which in ("total", "completed", "failed", "cancelled"))


def launch_statuses(execution: dict[str, Any], number: int) -> list[str]:
    return [server["launchStatus"] for server in execution["waves"][number - 1]["servers"]]


def assert_terminates(product: Product, execution_id: str, servers: list[str], launched: int) -> None:
    """Clean up what an execution launched; the simulator has none of it any more."""
    assert len(product.instances_of(servers)) == launched
    after = product.terminated(execution_id)
    assert after["termination"] == {"status": "COMPLETED", "terminated": launched, "remaining": [], "unknown": []}
    assert after["instancesTerminated"] is True
    refused = {"canTerminate": False, "reason": "Instances already terminated", "hasRecoveryInstances": True}
    assert after["terminationMetadata"] == refused
    assert product.instances_of(servers) == []
    reported = paths(verified_trail(product, execution_id))
    assert reported["termination"] == ["NOT_REQUESTED", "IN_PROGRESS", "COMPLETED"]


def test_s2_11_cancel_after_wave_1_of_3_is_a_partial_success(product: Product) -> None:
    first, second, third = product.servers(2), product.servers(1), product.servers(1)
    waves = chain(first, second, third)
    waves[1]["requiresApproval"] = True
    execution_id = product.run(*waves)
    product.wave_seen(execution_id, 2, "AWAITING_APPROVAL")

    answer = product.operate(execution_id, "cancel", {"reason": "enough"})

    assert answer.status == 202
    after = product.ended(execution_id)
    assert after["status"] == "PARTIAL_SUCCESS"
    assert after["display"] == {"label": "PARTIAL SUCCESS (1 of 3 waves completed)", "color": "orange", "icon": "⚠️"}
    assert statuses(after) == ["COMPLETED", "CANCELLED", "CANCELLED"]
    assert totals(after) == (3, 1, 0, 2)
    assert after["terminationMetadata"] == OFFERED
    reported = paths(verified_trail(product, execution_id))
    if "CANCELLING" in reported["execution"]:  # wave 1 is complete some moments before its DRS job is
        reported["execution"].remove("CANCELLING")
    assert reported == {
        "execution": [None, "PENDING", "IN_PROGRESS", "PARTIAL_SUCCESS"],
        1: [*BEGUN, "COMPLETED"],
        2: ["NOT_STARTED", "AWAITING_APPROVAL", "CANCELLED"],
        3: ["NOT_STARTED", "CANCELLED"],
    }
    assert_terminates(product, execution_id, [*first, *second, *third], launched=2)


@pytest.mark.parametrize(
    ("held", "before"),
    [({"requiresApproval": True}, "AWAITING_APPROVAL"), ({"waitBeforeSeconds": 3600}, "IN_PROGRESS")],
    ids=["waiting for an approval", "waiting before its start"],
)
def test_s2_11_cancel_before_any_job_is_cancelled(product: Product, held: dict[str, Any], before: str) -> None:
    servers = product.servers(3)
    first, second, third = ([server] for server in servers)
    execution_id = product.run(wave("database", first, **held), wave("application", second), wave("web", third))
    product.wave_seen(execution_id, 1, before)

    after = product.operate(execution_id, "cancel").document

    assert after["status"] == "CANCELLED"
    assert after["display"] == {"label": "CANCELLED", "color": "red", "icon": "🛑"}
    assert statuses(after) == ["CANCELLED"] * 3
    assert totals(after) == (3, 0, 0, 3)
    assert after["terminationMetadata"] == NOTHING_TO_TERMINATE
    reported = paths(verified_trail(product, execution_id))
    assert reported == {
        "execution": [None, "PENDING", "IN_PROGRESS", "CANCELLED"],
        1: ["NOT_STARTED", before, "CANCELLED"],
        2: ["NOT_STARTED", "CANCELLED"],
        3: ["NOT_STARTED", "CANCELLED"],
    }
    refused = product.operate(execution_id, "terminate")
    assert (refused.status, refused.code, refused.document["detail"]) == (
        409,
        "INVALID_STATE",
        "No recovery instances found",
    )
    assert product.instances_of(servers) == []


def test_s2_11_failure_after_wave_1_is_a_partial_success(product: Product) -> None:
    first, sound, third = product.servers(2), product.servers(1), product.servers(1)
    broken = product.servers(1, launchResult="FAILED")
    execution_id = product.run(*chain(first, [*sound, *broken], third))

    after = product.ended(execution_id)

    assert after["status"] == "PARTIAL_SUCCESS"
    assert after["display"]["label"] == "PARTIAL SUCCESS (1 of 3 waves completed)"
    assert statuses(after) == ["COMPLETED", "FAILED", "NOT_STARTED"]
    assert totals(after) == (3, 1, 1, 0)
    assert after["terminationMetadata"] == OFFERED
    assert launch_statuses(after, 2) == ["LAUNCHED", "FAILED"]
    (name,) = [one["name"] for one in after["waves"][1]["servers"] if one["sourceServerId"] == broken[0]]
    assert (
        after["waves"][1]["error"] == f"1 critical server(s) failed: {f'{name} ({broken[0]})' if name else broken[0]}"
    )
    assert after["waves"][1]["servers"][1]["error"]
    assert after["waves"][2]["jobId"] is None
    reported = paths(verified_trail(product, execution_id))
    assert reported == {
        "execution": [None, "PENDING", "IN_PROGRESS", "PARTIAL_SUCCESS"],
        1: [*BEGUN, "COMPLETED"],
        2: [*BEGUN, "FAILED"],
    }
    assert_terminates(product, execution_id, [*first, *sound, *broken, *third], launched=3)


def test_s2_5_cancel_with_a_wave_in_flight_waits_for_its_job(product: Product) -> None:
    first, third = product.servers(1), product.servers(1)
    second = product.servers(2, launchSeconds=25)
    execution_id = product.run(*chain(first, second, third))
    product.launching(execution_id, 2)

    accepted = product.operate(execution_id, "cancel").document

    assert accepted["status"] == "CANCELLING"
    assert statuses(accepted) == ["COMPLETED", "IN_PROGRESS", "CANCELLED"]
    assert accepted["terminationMetadata"]["reason"] == "Execution not in terminal state"
    after = product.ended(execution_id)
    assert after["status"] == "PARTIAL_SUCCESS"
    assert statuses(after) == ["COMPLETED", "CANCELLED", "CANCELLED"]
    assert totals(after) == (3, 1, 0, 2)
    assert after["terminationMetadata"] == OFFERED
    assert launch_statuses(after, 2) == ["LAUNCHED", "LAUNCHED"]
    recorded = [server["recoveryInstanceId"] for wave in after["waves"] for server in wave["servers"]]
    assert set(product.instances_of([*first, *second])) == {instance for instance in recorded if instance}
    reported = paths(verified_trail(product, execution_id))
    assert reported == {
        "execution": [None, "PENDING", "IN_PROGRESS", "CANCELLING", "PARTIAL_SUCCESS"],
        1: [*BEGUN, "COMPLETED"],
        2: [*BEGUN, "CANCELLED"],
        3: ["NOT_STARTED", "CANCELLED"],
    }
    assert_terminates(product, execution_id, [*first, *second, *third], launched=3)


def test_cancel_then_terminate_cleans_up_by_itself(product: Product) -> None:
    first, second = product.servers(1), product.servers(1, launchSeconds=20)
    execution_id = product.run(*chain(first, second))
    product.launching(execution_id, 2)

    product.operate(execution_id, "cancel", {"then": "TERMINATE"})

    after = product.seen(execution_id, lambda seen: seen["termination"]["status"] == "COMPLETED")
    assert (after["status"], after["termination"]["terminated"]) == ("PARTIAL_SUCCESS", 2)
    assert product.instances_of([*first, *second]) == []
