"""What decides over servers and plans is done by the keyboard alone."""

import pytest
from playwright.sync_api import expect
from tests.browser import answers
from tests.browser.conftest import Open
from tests.browser.window import Window
from tests.cli.fake_api import DRILL, FakeApi, Request

FOCUSED = """() => {
  const one = document.activeElement;
  return [one?.ariaLabel, one?.innerText?.trim(), one?.getAttribute('aria-label')];
}"""


def tab_to(window: Window, name: str) -> None:
    """Press Tab until what has this name has the focus."""
    for _ in range(80):
        window.page.keyboard.press("Tab")
        if name in window.page.evaluate(FOCUSED):
            return
    pytest.fail(f"the keyboard does not reach {name!r}")


def press(window: Window, name: str) -> None:
    """Come to a button by Tab and press it."""
    tab_to(window, name)
    window.page.keyboard.press("Enter")


def sent(fake: FakeApi, method: str) -> list[Request]:
    """List what was asked for by this method."""
    return [one for one in fake.requests if one.method == method]


@pytest.mark.parametrize(("wave", "action"), [(2, "approve"), (3, "retry")])
def test_a_wave_that_waits_is_approved_or_retried(faked: Open, fake: FakeApi, wave: int, action: str) -> None:
    answers.fill(fake)
    fake.answers["POST", f"/executions/{DRILL}/waves/{wave}/{action}"] = (202, {})
    window = faked()
    window.go(f"/executions/{DRILL}")
    window.card("Status: IN PROGRESS")
    word = action.capitalize()
    press(window, f"{word} wave {wave}, which waits")
    expect(window.page.get_by_role("dialog")).to_be_visible()
    press(window, word)
    expect(window.page.get_by_role("dialog")).to_have_count(0)
    assert [one.path for one in sent(fake, "POST")] == [f"/executions/{DRILL}/waves/{wave}/{action}"]


def test_instances_of_a_recovery_are_terminated_after_its_id_is_typed(faked: Open, fake: FakeApi) -> None:
    answers.fill(fake)
    done = answers.execution("COMPLETED", [answers.wave(1, "COMPLETED", [answers.server(1)])], mode="RECOVERY")
    fake.answers["GET", f"/executions/{DRILL}"] = (200, done)
    fake.answers["POST", f"/executions/{DRILL}/terminate"] = (202, {})
    window = faked()
    window.go(f"/executions/{DRILL}")
    window.card("Status: COMPLETED")
    press(window, "Terminate Recovery Instances")
    dialog = window.page.get_by_role("dialog")
    expect(dialog.get_by_test_id("confirm")).to_be_disabled()
    field = dialog.get_by_label("Execution id")
    for _ in range(20):
        window.page.keyboard.press("Tab")
        if field.evaluate("one => one === document.activeElement"):
            break
    window.page.keyboard.type(DRILL)
    press(window, "Terminate Recovery Instances")
    expect(dialog).to_have_count(0)
    assert [one.body for one in sent(fake, "POST")] == [{"confirm": DRILL}]


def test_a_plan_is_edited_and_stored(faked: Open, fake: FakeApi) -> None:
    answers.fill(fake)
    stored = {**answers.plan(), "version": 2}
    fake.answers["PUT", "/plans/three-tier"] = (200, stored)
    window = faked()
    window.go("/plans/three-tier?tab=edit")
    expect(window.page.get_by_test_id("faults")).to_have_text("No faults")
    tab_to(window, "Plan as YAML")
    window.page.keyboard.press("Control+Home")
    window.page.keyboard.type("notifyTopicArn: arn:aws:sns:us-east-1:123456789012:recovery\n")
    expect(window.button("Compare and store")).to_be_enabled()
    window.page.keyboard.press("Shift+Tab")
    focused = window.page.evaluate(FOCUSED)
    assert "Compare and store" in focused, "Tab leaves the text"
    window.page.keyboard.press("Enter")
    expect(window.page.get_by_role("dialog")).to_be_visible()
    press(window, "Store")
    expect(window.page.get_by_role("dialog")).to_have_count(0)
    [put] = sent(fake, "PUT")
    assert put.body["notifyTopicArn"].endswith(":recovery")
    assert put.headers["if-match"] == '"1"'
