"""Commands forwarded from the page, their results as they arrive, and the report, against a local stack."""

from collections import Counter
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect
from tests.browser.conftest import Open
from tests.browser.window import Window
from tests.cli.fake_api import COMMAND, FakeApi, run_reading
from tools.local_stack.product import Product, until, wave

from wavebreak.domain.commands.runs import Asked

HIDE = "Object.defineProperty(document, 'hidden', { get: () => true, configurable: true })"
SHOW = """() => {
  delete document.hidden;
  document.dispatchEvent(new Event('visibilitychange', { bubbles: true }));
}"""


def test_a_command_is_forwarded_its_results_arrive_and_its_report_opens(window: Window, product: Product) -> None:
    servers = product.servers(2)
    product.control.instance(servers[0], commands={"status": {"stdout": "<b>all well</b>\n", "exitCode": 0}})
    product.control.instance(servers[1], commands={"status": {"stderr": "no database", "exitCode": 3}})
    execution_id = product.run(wave("only", servers))
    product.ended(execution_id)

    window.go(f"/commands?executionId={execution_id}")
    window.press("Forward the command")
    window.page.wait_for_url("**/commands/cmd-*")
    expect(window.page.get_by_text("partial success").first).to_be_visible()
    expect(window.page.get_by_text("1 succeeded, 1 failed of 2")).to_be_visible()
    expect(window.page.get_by_role("row", name=servers[0])).to_contain_text("<b>all well</b>")
    window.page.get_by_role("radio", name=f"Select {servers[1]}").check(force=True)
    expect(window.page.get_by_role("region", name="Standard error")).to_contain_text("no database")
    expect(window.page.get_by_role("region", name="Summary")).to_contain_text("Status: PARTIAL SUCCESS")
    run = urlsplit(window.page.url).path.rsplit("/", 1)[-1]
    window.go("/commands")
    expect(window.page.get_by_role("link", name=run)).to_be_visible()

    window.go(f"/executions/{execution_id}")
    with window.context.expect_page() as opened:
        window.page.get_by_role("link", name="Report").click()
    report = opened.value
    expect(report.get_by_text(execution_id).first).to_be_visible()
    assert report.evaluate("getComputedStyle(document.body).fontFamily") != "", "its own style is allowed"
    report.close()


def test_a_command_that_goes_on_is_followed_and_cancelled_and_a_dangerous_one_is_confirmed(
    window: Window, product: Product
) -> None:
    servers = product.servers(1)
    execution_id = product.run(wave("only", servers))
    product.ended(execution_id)
    window.go(f"/commands?executionId={execution_id}")
    choose(window, "uninstall")
    expect(window.button("Forward the command")).to_be_disabled()
    window.page.get_by_label("Confirmation").fill("uninstall")
    expect(window.button("Forward the command")).to_be_enabled()
    choose(window, "watch")
    window.page.get_by_label("Seconds for each target").fill("600")
    window.press("Forward the command")
    window.page.wait_for_url("**/commands/cmd-*")
    expect(window.page.get_by_role("region", name="Followed lines")).to_be_visible()
    run = urlsplit(window.page.url).path.rsplit("/", 1)[-1]
    until(lambda: product.api.get(f"/commands/{run}"), lambda seen: seen["status"] == "IN_PROGRESS", 20)
    window.press("Cancel the command")
    expect(window.page.get_by_text("complete success").first).to_be_visible()


def test_lines_of_a_watch_that_ends_are_shown_once_and_asked_for_no_longer(faked: Open, fake: FakeApi) -> None:
    running, over = (run_reading({}, 1, over=over, asked=Asked("watch")) for over in (False, True))
    fake.runs[:] = [*[running] * 3, over]
    fake.lines[:] = [[{"target": "s-1", "at": "2026-11-21T12:00:00.000Z", "line": "the database is up"}], []]
    window = faked()
    window.go(f"/commands/{COMMAND}")
    expect(window.page.get_by_role("region", name="Followed lines")).to_contain_text("the database is up")
    expect(window.page.get_by_text("not ended")).to_have_count(0)
    window.page.wait_for_timeout(2500)
    assert window.page.get_by_role("region", name="Followed lines").inner_text().count("the database is up") == 1
    expect(window.page.get_by_role("heading", name="Followed lines (1)")).to_be_visible()
    fake.requests.clear()
    window.page.wait_for_timeout(2500)
    assert [one.path for one in fake.requests if one.path.endswith("/lines")] == []


@pytest.mark.parametrize("path", [f"/commands/{COMMAND}", "/commands"])
def test_a_hidden_tab_asks_rarely_for_a_run_and_its_lines(faked: Open, fake: FakeApi, path: str) -> None:
    fake.runs[:] = [run_reading({}, 1, asked=Asked("watch"))]
    fake.lines[:] = [[]] * 100
    window = faked()
    window.go(f"/commands/{COMMAND}")
    expect(window.page.get_by_text("not ended")).to_be_visible()
    window.go(path)
    expect(window.page.get_by_text(COMMAND).first).to_be_visible()

    def asked(seconds: float) -> Counter[str]:
        fake.requests.clear()
        window.page.wait_for_timeout(seconds * 1000)
        return Counter(one.path for one in fake.requests)

    assert asked(4)[f"/commands/{COMMAND}"] >= 2
    window.page.evaluate(HIDE)
    asked(2)
    assert max(asked(4).values(), default=0) <= 1
    window.page.evaluate(SHOW)
    assert asked(4)[f"/commands/{COMMAND}"] >= 2


def choose(window: Window, command: str) -> None:
    """Choose the command of the form."""
    window.page.get_by_label("Command", exact=True).click()
    window.page.get_by_role("option", name=command, exact=True).click()
