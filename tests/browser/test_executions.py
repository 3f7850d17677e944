"""What an operator does with executions, in a real browser against a local stack (contract 14, issue list)."""

import time

import pytest
from playwright.sync_api import expect
from tests.browser.conftest import Open
from tests.browser.window import PATIENCE, Window
from tools.local_stack.product import Product, chain, wave

FRESH = 2.0
"""Seconds that what is shown may be behind the API."""


def test_a_drill_from_the_page_of_plans_to_its_end_and_a_reload_keeps_the_place(
    window: Window, product: Product
) -> None:
    plan = product.plan(*chain(product.servers(), product.servers()))
    window.go("/plans")
    window.page.get_by_label("Filter Plans").fill(plan)
    window.choose(f"Start {plan}", "Start a drill")
    window.confirm("a rehearsal <b>of all</b>")
    window.page.wait_for_url("**/executions/drill-*")
    window.card(f"Recovery Plan: Plan {plan}", "Status: COMPLETED", "Wave 1: COMPLETED ✓", "Wave 2: COMPLETED ✓")
    expect(window.page.get_by_text("a rehearsal <b>of all</b>")).to_be_visible()
    window.page.get_by_role("tab", name="Trail").click()
    expect(window.page.get_by_text("events intact")).to_be_visible()
    window.page.reload()
    expect(window.page.get_by_text("events intact")).to_be_visible()
    window.card("Status: COMPLETED")
    execution_id = window.page.url.split("/")[-1].partition("?")[0]
    assert product.execution(execution_id)["status"] == "COMPLETED"


def test_a_cancel_in_wave_2_is_a_partial_success_whose_instances_are_terminated(
    window: Window, product: Product
) -> None:
    groups = [product.servers(2), product.servers(1, launchSeconds=150), product.servers(1)]
    execution_id = product.start(product.plan(*chain(*groups)))
    window.go(f"/executions/{execution_id}")
    product.launching(execution_id, 2)
    window.card("Wave 1: COMPLETED ✓", "Wave 2: IN PROGRESS")
    expect(window.button("Terminate Recovery Instances")).to_have_count(0)
    window.press("Cancel")
    window.confirm("enough seen")
    window.card("Status: PARTIAL SUCCESS (1 of 3 waves completed)", "Wave 2: CANCELLED", "Wave 3: CANCELLED")
    for number, badge in ((1, "✓ Completed"), (2, "⊘ Cancelled"), (3, "⊘ Cancelled")):
        window.badge(number, badge)
    window.press("Terminate Recovery Instances")
    dialog = window.page.get_by_role("dialog")
    for server in groups[0] + groups[1]:
        expect(dialog).to_contain_text(server)
    expect(dialog).not_to_contain_text(groups[2][0])
    window.confirm()
    expect(window.page.get_by_text("3 terminated")).to_be_visible(timeout=PATIENCE)
    expect(window.button("Terminate Recovery Instances")).to_have_count(0)
    assert product.execution(execution_id)["instancesTerminated"]
    assert product.instances_of([server for group in groups for server in group]) == []


def test_a_cancel_before_any_job_leaves_nothing_to_terminate(window: Window, product: Product) -> None:
    execution_id = product.run(wave("late", product.servers(), waitBeforeSeconds=3000))
    window.go(f"/executions/{execution_id}")
    window.press("Cancel")
    window.confirm()
    window.card("Status: CANCELLED", "Wave 1: CANCELLED")
    expect(window.button("Give a verdict")).to_be_visible()
    expect(window.button("Terminate Recovery Instances")).to_have_count(0)
    expect(window.page.get_by_text("No recovery instances found")).to_be_visible()


def test_an_approval_is_asked_for_at_the_top_and_given_or_refused(window: Window, product: Product) -> None:
    waves = [
        wave("first", product.servers(), requiresApproval=True),
        wave("second", product.servers(), requiresApproval=True),
    ]
    execution_id = product.run(*waves)
    window.go(f"/executions/{execution_id}")
    window.badge(1, "⏸\ufe0e Awaiting Approval")
    window.press("Approve wave 1, which waits")
    window.confirm("looks good")
    window.badge(1, "✓ Completed")
    window.badge(2, "⏸\ufe0e Awaiting Approval")
    window.press("Reject wave 2, which waits")
    window.confirm("not today")
    window.card("Status: PARTIAL SUCCESS (1 of 2 waves completed)", "Wave 2: FAILED")
    events = [event for page in product.api.pages(f"/executions/{execution_id}/events") for event in page]
    assert {"looks good", "not today"} <= {event["data"].get("reason") for event in events}


@pytest.mark.parametrize("way", ["Retry", "Skip"])
def test_a_failure_that_asks_is_retried_or_skipped(window: Window, product: Product, way: str) -> None:
    [server] = product.servers(launchResult="FAILED")
    execution_id = product.run(wave("shaky", [server], onFailure="ASK"), wave("next", product.servers()))
    window.go(f"/executions/{execution_id}")
    window.card("Status: PAUSED", "Wave 1: FAILED")
    expect(window.page.get_by_text("the plan says to ask")).to_be_visible()
    product.control.put_source_server(server, launchSeconds=10, launchResult="LAUNCHED")
    window.press(f"{way} wave 1, which waits")
    window.confirm()
    window.card("Status: COMPLETED", "Wave 1: COMPLETED ✓" if way == "Retry" else "Wave 1: SKIPPED")


def test_pause_and_resume_agree_in_two_windows_and_with_the_command_line(opened: Open, product: Product) -> None:
    execution_id = product.run(wave("late", product.servers(), waitBeforeSeconds=150), wave("next", product.servers()))
    one, other = opened(), opened()
    for window in (one, other):
        window.go(f"/executions/{execution_id}")
        window.card("Status: IN PROGRESS")
    one.press("Pause")
    one.confirm("coffee")
    other.card("Status: PAUSED")
    expect(other.page.get_by_text("(coffee): no further wave starts")).to_be_visible()
    assert freshest(one, other, product, execution_id) < FRESH
    one.press("Pause")
    one.confirm()
    one.press("Resume")
    one.confirm()
    other.card("Status: COMPLETED")


def freshest(one: Window, other: Window, product: Product, execution_id: str) -> float:
    """Have the command line resume and pause, and give the seconds until both windows show it, the best of five."""
    took: list[float] = []
    while len(took) < 5 and min(took, default=FRESH) >= FRESH:
        resumed = len(took) % 2 == 0
        product.operate(execution_id, "resume" if resumed else "pause")
        accepted = time.monotonic()
        for window in (one, other):
            window.card("Status: IN PROGRESS" if resumed else "Status: PAUSED")
        took.append(time.monotonic() - accepted)
    if len(took) % 2 == 0:
        product.operate(execution_id, "resume")
    return min(took)


def test_a_recovery_asks_for_the_id_before_anything_that_cannot_be_taken_back(window: Window, product: Product) -> None:
    plan = product.plan(wave("only", product.servers()))
    window.go(f"/plans/{plan}")
    window.press("Start a recovery")
    dialog = window.page.get_by_role("dialog")
    start = dialog.get_by_role("button", name="Start a recovery")
    expect(start).to_be_disabled()
    dialog.get_by_label("Plan id").fill(plan[:-1])
    expect(start).to_be_disabled()
    dialog.get_by_label("Plan id").fill(plan)
    start.click()
    window.page.wait_for_url("**/executions/recovery-*")
    window.card("Status: COMPLETED")
    window.press("Terminate Recovery Instances")
    end = dialog.get_by_role("button", name="Terminate Recovery Instances")
    expect(end).to_be_disabled()
    dialog.get_by_label("Execution id").fill(window.page.url.split("/")[-1])
    end.click()
    expect(window.page.get_by_text("1 terminated")).to_be_visible(timeout=PATIENCE)


def test_the_lease_of_a_drill_is_set_and_a_recovery_has_none(window: Window, product: Product) -> None:
    drill = product.run(wave("late", product.servers(), waitBeforeSeconds=3000))
    window.go(f"/executions/{drill}")
    window.press("Set the lease")
    window.page.get_by_label("Minutes from its end").fill("30")
    window.confirm("a closer look")
    expect(window.page.get_by_text("30 minutes from the end")).to_be_visible()
    assert product.execution(drill)["lease"]["minutes"] == 30
    recovery = product.run(wave("late", product.servers(), waitBeforeSeconds=3000), mode="recoveries")
    window.go(f"/executions/{recovery}")
    expect(window.button("Cancel")).to_be_visible()
    expect(window.button("Set the lease")).to_have_count(0)
    for execution_id in (drill, recovery):
        product.operate(execution_id, "cancel")


def test_a_refusal_by_a_lock_is_shown_in_its_own_words(window: Window, product: Product) -> None:
    servers = product.servers()
    running = product.run(wave("late", servers, waitBeforeSeconds=3000))
    plan = product.plan(wave("same", servers))
    window.go(f"/plans/{plan}")
    window.press("Start a drill")
    dialog = window.page.get_by_role("dialog")
    dialog.get_by_role("button", name="Start a drill").click()
    expect(dialog).to_contain_text("SERVER_BUSY")
    expect(dialog.get_by_role("link", name=running)).to_be_visible()
    product.operate(running, "cancel")
    window.page.keyboard.press("Escape")


def test_a_drill_is_started_and_cancelled_by_the_keyboard_alone(window: Window, product: Product) -> None:
    plan = product.plan(wave("late", product.servers(), waitBeforeSeconds=3000))
    window.go(f"/plans/{plan}")
    expect(window.button("Start a drill")).to_be_visible()
    tab_to(window, "Start a drill")
    window.page.keyboard.press("Enter")
    expect(window.page.get_by_role("dialog")).to_be_visible()
    tab_to(window, "Start a drill")
    window.page.keyboard.press("Enter")
    window.page.wait_for_url("**/executions/drill-*")
    expect(window.button("Cancel")).to_be_visible()
    tab_to(window, "Cancel")
    window.page.keyboard.press("Enter")
    expect(window.page.get_by_role("dialog")).to_be_visible()
    tab_to(window, "Cancel the execution")
    window.page.keyboard.press("Enter")
    window.card("Status: CANCELLED")


def tab_to(window: Window, name: str) -> None:
    """Press Tab until a button has the focus."""
    for _ in range(60):
        window.page.keyboard.press("Tab")
        focused = window.page.evaluate("document.activeElement?.innerText?.trim() || document.activeElement?.ariaLabel")
        if focused == name:
            return
    pytest.fail(f"the keyboard does not reach {name!r}")
