"""What the present state forbids, with the reason; and lists that can be filtered and paged."""

from collections.abc import Iterator
from typing import Any

import pytest
from tools.local_stack.product import Product, chain, wave


@pytest.fixture(scope="module")
def held(shared_product: Product) -> Iterator[tuple[str, str, list[str]]]:
    """An execution that waits for an approval: its plan, its id, its servers."""
    servers = shared_product.servers(2)
    plan_id = shared_product.plan(wave("database", servers, requiresApproval=True))
    execution_id = shared_product.start(plan_id)
    shared_product.wave_seen(execution_id, 1, "AWAITING_APPROVAL")
    yield plan_id, execution_id, servers
    shared_product.operate(execution_id, "cancel")


def test_a_plan_runs_once_at_a_time(product: Product, held: tuple[str, str, list[str]]) -> None:
    plan_id, execution_id, _ = held
    for mode, body in (("drills", {}), ("recoveries", {"preempt": False})):
        answer = product.api.call("POST", f"/{mode}", {"planId": plan_id, **body})
        assert (answer.status, answer.code) == (409, "PLAN_BUSY")
        assert answer.document["executionId"] == execution_id


def test_a_server_is_recovered_by_one_execution_at_a_time(product: Product, held: tuple[str, str, list[str]]) -> None:
    _, execution_id, servers = held
    free = product.servers()
    plan_id = product.plan(*chain(free, servers[1:]))
    answer = product.api.call("POST", "/drills", {"planId": plan_id})
    assert (answer.status, answer.code) == (409, "SERVER_BUSY")
    assert (answer.document["sourceServerId"], answer.document["executionId"]) == (servers[1], execution_id)
    assert product.api.get("/executions", planId=plan_id)["items"] == []
    # Nothing was kept of the refused start: the free server can be recovered at once.
    assert product.ended(product.run(*chain(free)))["status"] == "COMPLETED"


def test_a_busy_plan_cannot_be_deleted(product: Product, held: tuple[str, str, list[str]]) -> None:
    plan_id, execution_id, _ = held
    answer = product.api.call("DELETE", f"/plans/{plan_id}")
    assert (answer.status, answer.code, answer.document["executionId"]) == (409, "PLAN_BUSY", execution_id)
    assert product.api.get(f"/plans/{plan_id}")["version"] == 1


def test_a_free_plan_can_be_deleted_once(product: Product) -> None:
    plan_id = product.plan(*chain(product.servers()))
    assert product.api.call("DELETE", f"/plans/{plan_id}").status == 204
    gone = product.api.call("DELETE", f"/plans/{plan_id}")
    assert (gone.status, gone.code) == (404, "NOT_FOUND")
    assert product.api.call("GET", f"/plans/{plan_id}").code == "NOT_FOUND"


def test_terminate_is_refused_while_the_execution_runs(product: Product, held: tuple[str, str, list[str]]) -> None:
    answer = product.operate(held[1], "terminate")
    assert (answer.status, answer.code) == (409, "INVALID_STATE")
    assert answer.document["detail"] == "Execution not in terminal state"


def test_what_a_state_forbids_says_why(product: Product, held: tuple[str, str, list[str]]) -> None:
    _, execution_id, _ = held
    for action in ("resume", "waves/1/retry"):
        answer = product.operate(execution_id, action)
        assert (answer.status, answer.code) == (409, "INVALID_STATE"), action
        assert answer.document["detail"]
    assert product.operate(execution_id, "waves/2/approve").status == 404


def test_terminating_a_recovery_needs_confirmation(product: Product) -> None:
    servers = product.servers()
    execution_id = product.run(*chain(servers), mode="recoveries")
    assert execution_id.startswith("recovery-")
    assert product.ended(execution_id)["mode"] == "RECOVERY"
    for body in ({}, {"confirm": "yes"}, {"confirm": execution_id.upper()}):
        answer = product.operate(execution_id, "terminate", body)
        assert (answer.status, answer.code) == (400, "CONFIRMATION_REQUIRED")
    assert len(product.instances_of(servers)) == 1

    confirmed = product.operate(execution_id, "terminate", {"confirm": execution_id})
    again = product.operate(execution_id, "terminate", {"confirm": execution_id})

    assert (confirmed.status, again.status) == (202, 202)
    after = product.seen(execution_id, lambda seen: seen["instancesTerminated"])
    assert (after["termination"]["status"], product.instances_of(servers)) == ("COMPLETED", [])
    calls = product.control.calls("TerminateRecoveryInstances")
    instance = after["waves"][0]["servers"][0]["recoveryInstanceId"]
    assert sum(instance in call["parameters"]["recoveryInstanceIDs"] for call in calls) == 1
    refused = product.operate(execution_id, "terminate", {"confirm": execution_id})
    assert (refused.status, refused.document["detail"]) == (409, "Instances already terminated")


def test_a_lost_update_of_a_plan_is_refused(product: Product) -> None:
    plan_id = product.plan(*chain(product.servers()))
    path, document = f"/plans/{plan_id}", product.api.get(f"/plans/{plan_id}")["plan"]
    renamed = product.api.call("PUT", path, {**document, "name": "Renamed"}, headers={"If-Match": '"1"'})
    assert (renamed.status, renamed.headers["etag"], renamed.document["version"]) == (200, '"2"', 2)
    lost = product.api.call("PUT", path, {**document, "name": "Lost"}, headers={"If-Match": "1"})
    assert (lost.status, lost.code) == (412, "PRECONDITION_FAILED")
    assert product.api.get(path)["plan"]["name"] == "Renamed"
    bare = product.api.call("PUT", path, {**document, "name": "Again"}, headers={"If-Match": "2"})
    assert (bare.status, bare.document["version"]) == (200, 3)


@pytest.fixture(scope="module")
def ended_runs(shared_product: Product) -> tuple[str, list[str]]:
    """Three runs of one plan, cancelled before anything started: two drills and a recovery; oldest first."""
    plan_id = shared_product.plan(wave("database", shared_product.servers(), requiresApproval=True))
    runs = []
    for mode in ("drills", "recoveries", "drills"):
        runs.append(shared_product.start(plan_id, mode))
        assert shared_product.operate(runs[-1], "cancel").document["status"] == "CANCELLED"
    return plan_id, runs


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, [2, 1, 0]),
        ({"mode": "DRILL"}, [2, 0]),
        ({"mode": "RECOVERY", "status": "CANCELLED"}, [1]),
        ({"status": "COMPLETED"}, []),
    ],
)
def test_executions_are_listed_newest_first_and_filtered(
    product: Product, ended_runs: tuple[str, list[str]], filters: dict[str, Any], expected: list[int]
) -> None:
    plan_id, runs = ended_runs
    for limit in (1, 2, 50):
        pages = product.api.pages("/executions", planId=plan_id, limit=limit, **filters)
        assert all(len(page) <= limit for page in pages)
        assert [item["executionId"] for page in pages for item in page] == [runs[number] for number in expected]


def test_all_executions_are_listed_across_plans(product: Product, ended_runs: tuple[str, list[str]]) -> None:
    listed = [item["executionId"] for page in product.api.pages("/executions", limit=3) for item in page]
    assert len(listed) == len(set(listed))
    assert [one for one in listed if one in ended_runs[1]] == ended_runs[1][::-1]


def test_plans_are_listed_page_by_page(product: Product) -> None:
    mine = [product.plan(*chain(product.servers())) for _ in range(3)]
    pages = product.api.pages("/plans", limit=2)
    assert all(len(page) == 2 for page in pages[:-1])
    listed = [item["plan"]["planId"] for page in pages for item in page]
    assert listed == sorted(listed)
    assert set(mine) <= set(listed)
