"""What is shown is what the API says, or says since when it is old; plans are never stored over somebody's version."""

import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from tests.browser import answers
from tests.browser.conftest import Open, end, serve
from tests.browser.relay import Relay
from tests.browser.window import Entrance, Window
from tests.cli.fake_api import DRILL, FakeApi
from tools.local_stack.product import Product, wave

AWAY_SECONDS = 20.0


def test_an_api_that_is_away_makes_the_page_old_and_not_wrong(window: Window, product: Product, relay: Relay) -> None:
    execution_id = product.run(wave("late", product.servers(), waitBeforeSeconds=3000))
    window.go(f"/executions/{execution_id}")
    window.card("Status: IN PROGRESS")
    relay.cut()
    try:
        began = time.monotonic()
        expect(window.page.get_by_text("Old: as it was at")).to_be_visible()
        expect(window.page.get_by_text("The API does not answer")).to_be_visible()
        window.card("Status: IN PROGRESS")
        clock = window.page.get_by_test_id("card").get_by_text("Duration:")
        stopped = clock.inner_text()
        product.operate(execution_id, "cancel")
        while time.monotonic() < began + AWAY_SECONDS:
            window.page.wait_for_timeout(500)
        assert clock.inner_text() == stopped
        expect(window.page.get_by_text("Old: as it was at")).to_be_visible()
        expect(window.page.get_by_test_id("card")).to_contain_text("Status: IN PROGRESS")
    finally:
        relay.mend()
    window.card("Status: CANCELLED")
    expect(window.page.get_by_text("Old: as it was at")).to_have_count(0)


@pytest.mark.parametrize("seconds", [4, 40])
def test_an_api_that_answers_late_makes_the_page_old_and_its_clocks_stand(
    faked: Open, fake: FakeApi, seconds: float
) -> None:
    answers.fill(fake)
    running = answers.execution("IN_PROGRESS", [answers.wave(1, "IN_PROGRESS", [answers.server(1)])])
    running |= {"durationSeconds": 130, "factors": {"recovery_time": {"objectiveSeconds": 3600, "met": None}}}
    fake.answers["GET", f"/executions/{DRILL}"] = (200, running)
    window = faked()
    window.go(f"/executions/{DRILL}")
    window.card("Duration: 2m 1")
    expect(window.page.get_by_test_id("rto")).to_contain_text("left of 1h 0m")
    old = window.page.get_by_text("Old: as it was at")
    expect(old).to_have_count(0)
    fake.delay = seconds
    expect(old).to_be_visible()
    expect(window.page.get_by_text("The API takes long to answer.")).to_be_visible()
    clock = window.page.get_by_test_id("card").get_by_text("Duration:")
    stopped = clock.inner_text()
    for _ in range(12):  # longer than an answer takes that is late by four seconds: the next is old when it comes
        window.page.wait_for_timeout(500)
        expect(old).to_have_count(1)
    assert clock.inner_text() == stopped
    if seconds < AWAY_SECONDS:
        fake.delay = 0
        expect(old).to_have_count(0)


def test_a_slow_api_is_never_asked_twice_at_once_and_a_hidden_tab_asks_rarely(faked: Open, fake: FakeApi) -> None:
    answers.fill(fake)
    window = faked()
    window.go(f"/executions/{DRILL}")
    window.card("Status: IN PROGRESS")

    def asked(seconds: float) -> int:
        fake.requests.clear()
        window.page.wait_for_timeout(seconds * 1000)
        return sum(one.path == f"/executions/{DRILL}" for one in fake.requests)

    try:
        fake.delay = 2
        assert asked(6) <= 3
    finally:
        fake.delay = 0
    assert asked(4) >= 2
    window.page.evaluate("Object.defineProperty(document, 'hidden', { get: () => true })")
    asked(2)
    assert asked(4) <= 1


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    """Where the credentials of a profile come from."""
    kept = tmp_path / "keys.json"
    write_keys(kept, 60)
    return kept


def write_keys(kept: Path, minutes: float) -> None:
    expires = (datetime.now(UTC) + timedelta(minutes=minutes)).isoformat()
    given = {"Version": 1, "AccessKeyId": "A", "SecretAccessKey": "x", "SessionToken": "t", "Expiration": expires}
    kept.write_text(json.dumps(given))


def test_credentials_that_expire_are_announced_and_new_ones_taken_up(
    browser: Browser, fake: FakeApi, keys: Path, tmp_path: Path
) -> None:
    answers.fill(fake)
    config = tmp_path / "config"
    config.write_text(f"[profile ops]\nregion = eu-central-1\ncredential_process = cat {keys}\n")
    none = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}
    write_keys(keys, -1)
    process = serve(fake.url, tmp_path, "--profile", "ops", AWS_CONFIG_FILE=str(config), **none)
    try:
        window = Window.opened(browser, Entrance.of(process))
        window.go(f"/executions/{DRILL}")
        expect(window.page.get_by_text("The credentials are not accepted")).to_be_visible()
        expect(window.page.get_by_text("credential_process printed has expired").first).to_be_visible()
        assert window.page.locator(".wb-green").count() == 0
        write_keys(keys, 12)
        window.card("Status: IN PROGRESS")
        expect(window.page.get_by_text("The credentials are not accepted")).to_have_count(0)
        expect(window.page.get_by_text("The credentials expire in 1")).to_be_visible()
        window.close()
    finally:
        end(process)


def test_a_plan_is_edited_with_its_faults_at_their_lines_and_stored_after_a_look(
    window: Window, product: Product
) -> None:
    plan = product.plan(wave("first", product.servers()))
    window.go(f"/plans/{plan}?tab=edit")
    area = window.page.get_by_label("Plan as YAML")
    faults = window.page.get_by_test_id("faults")
    expect(faults).to_have_text("No faults")
    text = area.input_value()
    area.fill(text.replace("s-0", "x-0"))
    expect(faults).to_contain_text("/waves/0/servers/0/sourceServerId")
    line = next(at for at, one in enumerate(text.splitlines(), start=1) if "sourceServerId" in one)
    expect(window.page.locator(".wb-gutter .wb-fault")).to_have_text(f"✗ {line}")
    expect(window.button("Compare and store")).to_be_disabled()
    area.fill(text + "a: [")
    expect(faults).to_contain_text("Line")
    area.fill(text + "description: <b>bold</b>\n")
    expect(faults).to_have_text("No faults")
    window.press("Compare and store")
    difference = window.page.get_by_role("region", name="Difference")
    expect(difference).to_contain_text("+ description: <b>bold</b>")
    expect(difference.locator(".wb-removed")).to_have_count(0)
    window.confirm()
    stored = product.api.get(f"/plans/{plan}")
    assert (stored["version"], stored["plan"]["description"]) == (2, "<b>bold</b>")
    expect(window.button("Compare and store")).to_be_disabled()


def test_what_somebody_else_stored_is_never_lost(window: Window, product: Product) -> None:
    plan = product.plan(wave("first", product.servers()))
    document = product.api.get(f"/plans/{plan}")["plan"]
    window.go(f"/plans/{plan}?tab=edit")
    area = window.page.get_by_label("Plan as YAML")
    expect(window.page.get_by_test_id("faults")).to_have_text("No faults")
    area.fill(area.input_value() + "description: mine\n")
    expect(window.page.get_by_test_id("faults")).to_have_text("No faults")
    window.press("Compare and store")
    product.api.done("PUT", f"/plans/{plan}", {**document, "description": "theirs"})
    dialog = window.page.get_by_role("dialog")
    dialog.get_by_test_id("confirm").click()
    expect(dialog).to_contain_text("PRECONDITION_FAILED")
    dialog.get_by_role("button", name="Back").click()
    expect(window.page.get_by_text("Somebody stored version 2")).to_be_visible()
    assert "mine" in area.input_value()
    assert product.api.get(f"/plans/{plan}")["plan"]["description"] == "theirs"
    window.press("Open version 2")
    expect(window.page.get_by_text("Somebody stored version 2")).to_have_count(0)
    assert "theirs" in area.input_value()


def test_a_new_plan_is_stored_and_never_over_one_that_is_there(window: Window, product: Product) -> None:
    taken = product.plan(wave("first", product.servers()))
    fresh = product.new_plan_id()
    [server] = product.servers()
    for plan_id in (taken, fresh):
        window.go("/plans?new=1")
        text = f"planId: {plan_id}\nname: New\nwaves:\n  - name: first\n    servers: [{{sourceServerId: {server}}}]\n"
        window.page.get_by_label("Plan as YAML").fill(text)
        expect(window.page.get_by_test_id("faults")).to_have_text("No faults")
        window.press("Compare and store")
        window.page.get_by_role("dialog").get_by_test_id("confirm").click()
        if plan_id == taken:
            expect(window.page.get_by_role("dialog")).to_contain_text("PRECONDITION_FAILED")
    window.page.wait_for_url(f"**/plans/{fresh}")
    assert product.api.get(f"/plans/{fresh}")["version"] == 1
    assert product.api.get(f"/plans/{taken}")["plan"]["name"] != "New"
