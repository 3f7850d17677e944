"""Every page: what it is read by, with and without a mouse, how wide it is, and what others' texts do to it."""

import os
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect
from tests.browser import answers
from tests.browser.answers import EMOJI, HOSTILE, PAGES
from tests.browser.conftest import Open
from tests.browser.window import Window
from tests.cli.console_process import ROOT
from tests.cli.fake_api import COMMAND, DRILL, FakeApi, Fault, problem

AXE = (ROOT / "console" / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
SERIOUS = {"serious", "critical"}
KEPT = os.environ.get("WAVEBREAK_SCREENSHOTS", "")
"""A folder for pictures of every page; without it none are made."""
MEGABYTES = "<b>much</b> \u202e" + "x" * 3_000_000


def settle(window: Window, path: str) -> None:
    """Open a page and wait until it has read what it shows."""
    window.go(path)
    expect(window.page.get_by_role("heading", level=1)).to_be_visible()
    expect(window.page.get_by_text("Loading", exact=True)).to_have_count(0)
    window.page.wait_for_timeout(300)


def findings(window: Window) -> list[str]:
    """Have axe look at the page."""
    window.page.evaluate(AXE)
    found: list[dict[str, Any]] = window.page.evaluate("axe.run().then((result) => result.violations)")
    return [
        f"{one['id']}: {node['target']} {node['failureSummary'][:300]}"
        for one in found
        if one["impact"] in SERIOUS
        for node in one["nodes"]
    ]


def wider(window: Window) -> int:
    """Tell by how many pixels the page is wider than its window."""
    return int(window.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


SCREENS = pytest.mark.parametrize(("width", "colors"), [(1280, "light"), (390, "dark")])


@SCREENS
def test_axe_has_no_serious_finding_on_any_page(faked: Open, fake: FakeApi, width: int, colors: str) -> None:
    answers.fill(fake)
    window = faked(color_scheme=colors, viewport={"width": width, "height": 900})
    found = {}
    for name, path in PAGES.items():
        settle(window, path)
        found[name] = findings(window)
    faults = [f"{name}: {fault}" for name, listed in found.items() for fault in listed]
    assert not faults, "\n".join(faults)


ENDED = f"{DRILL[:-1]}b"


@SCREENS
def test_axe_has_no_serious_finding_in_any_dialog(faked: Open, fake: FakeApi, width: int, colors: str) -> None:
    answers.fill(fake)
    names = [answers.server(number, name=f"db-{number}.corp.example") for number in range(1, 31)]
    done = answers.execution("COMPLETED", [answers.wave(1, "COMPLETED", names)])
    fake.answers["GET", f"/executions/{ENDED}"] = (200, {**done, "executionId": ENDED})
    window = faked(color_scheme=colors, viewport={"width": width, "height": 900})
    found = {}

    def check_dialog(name: str) -> None:
        dialog = window.page.get_by_role("dialog")
        expect(dialog).to_be_visible()
        found[name] = findings(window)
        assert wider(window) <= 0, name
        confirm = dialog.get_by_test_id("confirm").bounding_box()
        assert confirm is not None
        assert confirm["y"] + confirm["height"] <= 900, f"{name}: the button is out of sight"
        window.page.keyboard.press("Escape")
        expect(dialog).to_have_count(0)

    settle(window, f"/executions/{DRILL}")
    for button in ("Pause", "Cancel", "Set the lease"):
        window.press(button)
        check_dialog(button)
    for number, action in ((2, "Approve"), (2, "Reject"), (2, "Skip"), (3, "Retry")):
        window.wave_action(number, action)
        check_dialog(action)
    settle(window, f"/executions/{ENDED}")
    for button in ("Terminate Recovery Instances", "Give a verdict"):
        window.press(button)
        check_dialog(button)
    fake.listed["/executions"] = []
    settle(window, "/plans/three-tier")
    for button in ("Start a drill", "Start a recovery"):
        window.press(button)
        check_dialog(button)
    settle(window, "/plans/three-tier?tab=edit")
    area = window.page.get_by_label("Plan as YAML")
    area.fill(area.input_value() + "description: new\n" if "description" not in area.input_value() else PLAN)
    window.press("Compare and store")
    check_dialog("Compare and store")
    faults = [f"{name}: {fault}" for name, listed in found.items() for fault in listed]
    assert not faults, "\n".join(faults)


PLAN = f"planId: three-tier\nname: New\nwaves:\n  - name: first\n    servers: [{{sourceServerId: s-{1:017}}}]\n"


@pytest.mark.parametrize("width", [390, 1280, 1920])
def test_every_page_fits_its_window(faked: Open, fake: FakeApi, width: int) -> None:
    answers.fill(fake, text="a reason of some length " * 8, name=EMOJI)
    window = faked(viewport={"width": width, "height": 900})
    too_wide = {}
    for name, path in PAGES.items():
        settle(window, path)
        too_wide[name] = wider(window)
        if KEPT:
            for colors in ("light", "dark"):
                window.page.emulate_media(color_scheme=colors)
                window.page.screenshot(path=Path(KEPT) / f"{name}-{width}-{colors}.png", full_page=True)
    assert {name: pixels for name, pixels in too_wide.items() if pixels > 0} == {}


MAIN = ("plans", "plan", "executions", "execution", "servers", "operations")
"""Pages of which there is a picture in every state."""


@pytest.mark.parametrize("state", ["empty", "loading", "failing", "one server", "4,000 servers"])
def test_pages_fit_a_phone_in_every_state(faked: Open, fake: FakeApi, state: str) -> None:
    """With a folder for pictures, at all widths and in both colours."""
    match state:
        case "empty":
            fake.listed |= {"/plans": [], "/executions": [], "/errors": []}
        case "failing":
            refusal = problem(403, "FORBIDDEN", "Forbidden", "user ana may not call execute-api:Invoke " * 4)
            fake.faults[:] = [Fault(403, refusal)] * 1000
        case "one server" | "loading":
            answers.fill(fake, waves=[answers.wave(1, "COMPLETED", [answers.server(1)])])
        case _:
            answers.fill(fake, waves=answers.many_waves())
    too_wide = {}
    for width in (390, 1280, 1920) if KEPT else (390,):
        window = faked(viewport={"width": width, "height": 900})
        fake.delay = 3 if state == "loading" else 0
        for name in MAIN:
            window.go(PAGES[name])
            expect(window.page.get_by_role("heading", level=1)).to_be_visible()
            if state != "loading":
                expect(window.page.get_by_text("Loading", exact=True)).to_have_count(0)
            too_wide[f"{name} {width}"] = wider(window)
            for colors in ("light", "dark") if KEPT else ():
                window.page.emulate_media(color_scheme=colors)
                window.page.screenshot(path=Path(KEPT) / f"{state} {name}-{width}-{colors}.png", full_page=True)
        fake.delay = 0
    assert {name: pixels for name, pixels in too_wide.items() if pixels > 0} == {}


@pytest.mark.parametrize("text", [HOSTILE, MEGABYTES], ids=["markup", "megabytes"])
def test_texts_of_others_are_drawn_as_text(faked: Open, fake: FakeApi, text: str) -> None:
    """What a page's policy refuses, an alert and a failing script are found when the window closes."""
    answers.fill(fake, text=text, name=HOSTILE)
    window = faked()
    for path in PAGES.values():
        settle(window, path)
        assert window.page.locator("img[src=x], script:not([src])").count() == 0
        assert "\u202e" not in window.page.locator("body").inner_text()
    settle(window, f"/executions/{DRILL}")
    expect(window.page.get_by_test_id("card")).to_contain_text("Recovery Plan: <img src=x onerror=")
    settle(window, f"/commands/{COMMAND}")
    window.page.get_by_role("radio", name=f"Select s-{1:017}").check(force=True)
    expect(window.page.get_by_role("region", name="Standard output")).to_contain_text(text[:10])


def test_where_there_is_nothing_every_page_says_so(faked: Open, fake: FakeApi) -> None:
    fake.listed |= {"/plans": [], "/executions": [], "/errors": []}
    window = faked()
    for path, words in (
        ("/plans", "No plan yet."),
        ("/executions", "No execution yet."),
        ("/commands", "No command was forwarded"),
    ):
        settle(window, path)
        expect(window.page.get_by_text(words)).to_be_visible()


@pytest.mark.parametrize(
    "path", ["/plans", "/plans/x", "/executions", f"/executions/{DRILL}", f"/commands/{COMMAND}", "/operations"]
)
def test_a_page_that_cannot_be_read_says_why_in_the_apis_words(faked: Open, fake: FakeApi, path: str) -> None:
    refusal = problem(403, "FORBIDDEN", "Forbidden", "user ana may not call execute-api:Invoke")
    for known in (
        "/plans",
        "/plans/x",
        "/executions",
        f"/executions/{DRILL}",
        f"/commands/{COMMAND}",
        "/health",
        "/errors",
    ):
        fake.answers["GET", known] = (403, refusal)
    window = faked()
    window.go(path)
    expect(window.page.get_by_text("user ana may not call execute-api:Invoke").first).to_be_visible()
    assert window.page.locator(".wb-green").count() == 0


def test_a_filter_of_the_api_keeps_the_focus_while_it_is_typed(faked: Open, fake: FakeApi) -> None:
    answers.fill(fake)
    window = faked()
    settle(window, "/executions")
    field = window.page.get_by_label("Plan id")
    fake.delay = 0.3
    try:
        field.press_sequentially("three-tier", delay=100)
        expect(field).to_have_value("three-tier")
        expect(field).to_be_focused()
        expect(window.page.get_by_role("link", name=DRILL, exact=True)).to_be_visible()
    finally:
        fake.delay = 0
    assert {"planId": "three-tier", "limit": "50"} in [one.query for one in fake.requests]


def test_a_choice_among_errors_keeps_the_focus(faked: Open, fake: FakeApi) -> None:
    answers.fill(fake)
    window = faked()
    settle(window, "/operations")
    chosen = window.page.get_by_label("Severity").first
    chosen.click()
    window.page.get_by_role("option").last.click()
    expect(window.page.get_by_role("heading", name="Recorded errors (1)")).to_be_visible()
    expect(chosen).to_be_focused()


@pytest.mark.parametrize("action", ["approve", "retry", "skip", "pause", "cancel"])
def test_a_button_whose_call_is_refused_says_why_and_changes_nothing(faked: Open, fake: FakeApi, action: str) -> None:
    answers.fill(fake)
    path = (
        f"/executions/{DRILL}/"
        + {"approve": "waves/2/", "retry": "waves/3/", "skip": "waves/3/"}.get(action, "")
        + action
    )
    fake.answers["POST", path] = (409, problem(409, "INVALID_STATE", "Conflict", f"no {action} now"))
    window = faked()
    settle(window, f"/executions/{DRILL}")
    word = action.capitalize()
    if action in {"pause", "cancel"}:
        window.press(word)
    else:
        window.wave_action(2 if action == "approve" else 3, word)
    dialog = window.page.get_by_role("dialog")
    dialog.get_by_test_id("confirm").click()
    expect(dialog).to_contain_text(f"no {action} now")
    expect(dialog).to_contain_text("INVALID_STATE")
    window.page.keyboard.press("Escape")
    window.card("Status: IN PROGRESS")


def test_fields_that_an_older_api_leaves_out_are_not_missed_and_newer_ones_are_shown(
    faked: Open, fake: FakeApi
) -> None:
    step = {
        "kind": "AUTOMATION",
        "name": "Move-DNS",
        "required": True,
        "inDrill": "SKIP",
        "phase": "AFTER",
        "status": "SKIPPED",
    }
    step |= {"startedAt": None, "endedAt": None, "error": None, "output": None}
    lease = {"minutes": 240, "expiresAt": "2099-11-21T12:00:00.000Z", "extendedBy": None, "extendedAt": None}
    newer = answers.wave(1, "COMPLETED", [answers.server(1, name="db-1")], steps=[step], actions=[])
    answers.fill(fake)
    shown = answers.execution(
        "COMPLETED", [newer], lease=lease, actions=["lease"], lastSeenAt="2026-11-21T12:00:00.000Z"
    )
    fake.answers["GET", f"/executions/{DRILL}"] = (200, shown)
    window = faked()
    settle(window, f"/executions/{DRILL}?tab=steps")
    expect(window.page.get_by_text("automation Move-DNS")).to_be_visible()
    expect(window.page.get_by_text("until", exact=False).first).to_be_visible()
    expect(window.button("Give a verdict")).to_have_count(0)
    window.press("Set the lease")
    expect(window.page.get_by_role("dialog").get_by_label("Minutes from now")).to_have_value("240")
    window.page.keyboard.press("Escape")
    settle(window, f"/executions/{DRILL}?tab=servers")
    expect(window.page.get_by_text("db-1")).to_be_visible()
