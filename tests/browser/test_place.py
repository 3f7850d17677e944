"""What an operator has typed, chosen and come to is not lost: by another page, a reload, or a console started anew."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Dialog, expect
from tests.browser import answers
from tests.browser.conftest import Open, end, serve
from tests.browser.window import Window
from tests.cli.console_process import address_of
from tests.cli.fake_api import COMMAND, DRILL, FakeApi

EDIT = "/plans/three-tier?tab=edit"


def typed(window: Window) -> str:
    """Type something into the editor of a plan that is not stored; returns the whole text."""
    area = window.page.get_by_label("Plan as YAML")
    text = area.input_value().replace("name: 3TierRecoveryPlan", "name: Mine")
    area.fill(text)
    expect(window.button("Undo all")).to_be_enabled()
    return text


def test_a_draft_outlives_other_pages_and_a_reload_until_it_is_dropped(faked: Open, fake: FakeApi) -> None:
    answers.fill(fake)
    window = faked()
    window.go(EDIT)
    text = typed(window)
    area = window.page.get_by_label("Plan as YAML")
    window.page.get_by_role("tab", name="Servers").click()
    window.page.get_by_role("tab", name="Edit").click()
    expect(area).to_have_value(text)
    window.page.reload()
    expect(area).to_have_value(text)
    expect(window.page.get_by_text("This is what you typed before, for version 1.")).to_be_visible()
    window.press("Undo all")
    window.page.reload()
    expect(area).to_have_value(text.replace("name: Mine", "name: 3TierRecoveryPlan"))


def test_a_draft_of_an_older_version_is_kept_and_cannot_be_stored_over_the_newer_one(
    faked: Open, fake: FakeApi
) -> None:
    answers.fill(fake)
    window = faked()
    window.go(EDIT)
    text = typed(window)
    fake.answers["GET", "/plans/three-tier"] = (200, {**answers.plan("Theirs", description="a reason"), "version": 2})
    window.page.reload()
    expect(window.page.get_by_text("Somebody stored version 2")).to_be_visible()
    area = window.page.get_by_label("Plan as YAML")
    expect(area).to_have_value(text)
    window.press("Open version 2")
    expect(area).to_have_value(text.replace("name: Mine", "name: Theirs"))


@pytest.mark.parametrize("leave", [False, True])
def test_who_leaves_a_plan_with_a_draft_is_asked(faked: Open, fake: FakeApi, leave: bool) -> None:
    answers.fill(fake)
    window = faked(viewport={"width": 1920, "height": 900})
    window.go(EDIT)
    typed(window)
    asked: list[str] = []

    def answer(dialog: Dialog) -> None:
        asked.append(dialog.message)
        if leave:
            dialog.accept()
        else:
            dialog.dismiss()

    window.page.once("dialog", answer)
    window.page.get_by_role("link", name="Executions", exact=True).click()
    assert ["What you typed is not stored" in one for one in asked] == [True]
    expect(window.page.get_by_role("heading", level=1)).to_contain_text("Executions" if leave else "Recovery plan")


def test_sorting_page_and_choice_are_kept_by_a_reload(faked: Open, fake: FakeApi) -> None:
    answers.fill(fake, waves=answers.many_waves())
    window = faked()
    window.go(f"/executions/{DRILL}?tab=servers")
    header = window.page.get_by_role("columnheader", name="Wave")
    header.get_by_role("button").click()
    header.get_by_role("button").click()
    expect(header).to_have_attribute("aria-sort", "descending")
    window.page.get_by_role("button", name="Page 2", exact=True).click()
    first = window.page.locator("tbody tr").first
    expect(first).to_contain_text("79 wave 79")
    window.page.reload()
    expect(first).to_contain_text("79 wave 79")
    expect(header).to_have_attribute("aria-sort", "descending")
    window.go(f"/commands/{COMMAND}")
    window.page.get_by_role("radio", name=f"Select s-{2:017}").check(force=True)
    expect(window.page.get_by_role("region", name="Standard output")).to_be_visible()
    window.page.reload()
    expect(window.page.get_by_role("heading", name=f"Output of s-{2:017}")).to_be_visible()


def test_cards_of_a_phone_are_sorted_either_way_and_a_reload_keeps_it(faked: Open, fake: FakeApi) -> None:
    answers.fill(fake, waves=answers.many_waves())
    window = faked(viewport={"width": 390, "height": 900})
    window.go(f"/executions/{DRILL}?tab=servers")
    cards = window.page.get_by_role("listitem").filter(has_text="Recovery point")
    expect(cards.first).to_contain_text("1 wave 1")
    expect(window.page.get_by_role("button", name="Sort Servers downwards")).to_be_disabled()
    window.page.get_by_role("button", name="Page 2", exact=True).click()
    window.page.get_by_role("button", name="Sort Servers by").click()
    window.page.get_by_role("option", name="Sorted by wave").click()
    expect(cards.first).to_contain_text("1 wave 1")
    window.press("Sort Servers downwards")
    expect(cards.first).to_contain_text("80 wave 80")
    window.page.reload()
    expect(cards.first).to_contain_text("80 wave 80")
    expect(window.page.get_by_role("button", name="Sort Servers upwards")).to_be_visible()
    expect(window.page.get_by_role("button", name="Sort Servers by")).to_contain_text("Sorted by wave")


def test_a_plan_that_is_busy_says_with_what_and_starts_no_drill_but_a_recovery(faked: Open, fake: FakeApi) -> None:
    answers.fill(fake)
    window = faked()
    window.go("/plans/three-tier")
    expect(window.page.get_by_test_id("busy")).to_contain_text(DRILL)
    expect(window.button("Start a recovery")).to_be_enabled()
    drill = window.button("Start a drill")
    expect(drill).to_have_attribute("aria-disabled", "true")
    drill.hover()
    expect(window.page.get_by_text(f"The plan is busy with {DRILL}").last).to_be_visible()
    fake.listed["/executions"] = []
    expect(window.page.get_by_test_id("busy")).to_have_count(0)
    expect(drill).not_to_have_attribute("aria-disabled", "true")
    assert {"planId": "three-tier", "active": "true", "limit": "50"} in [one.query for one in fake.requests]


def test_a_browser_enters_by_a_file_that_leads_on_and_keeps_its_cookie(
    browser: Browser, fake: FakeApi, tmp_path: Path
) -> None:
    answers.fill(fake)
    process = serve(fake.url, tmp_path)
    try:
        address = address_of(process)
        page = tmp_path / "open.html"
        page.write_text(f'<!doctype html><meta http-equiv="refresh" content="0;url={address}">')
        context = browser.new_context()
        opened = context.new_page()
        opened.goto(page.as_uri())
        expect(opened.get_by_role("link", name="three-tier", exact=True)).to_be_visible()
        assert "token" not in opened.url
        context.close()
    finally:
        end(process)
