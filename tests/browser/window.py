"""A browser window with the operator's page in it, and what an operator does there."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from playwright.sync_api import expect
from tests.cli.console_process import Served, address_of

if TYPE_CHECKING:
    from subprocess import Popen

    from playwright.sync_api import Browser, BrowserContext, Locator, Page

PATIENCE = 60_000
"""Milliseconds that a test waits for what must come, on a machine that is busy with other things."""

expect.set_options(timeout=PATIENCE)

_LISTEN = """
document.addEventListener('securitypolicyviolation', (refused) =>
  window.violated(`${refused.violatedDirective} ${refused.blockedURI}`));
window.alert = (text) => window.violated(`alert ${text}`);
"""
_REFUSED = re.compile(r"Failed to load resource")


@dataclass(frozen=True)
class Entrance:
    """Where a console is, and the cookie that its first address was answered with."""

    base: str
    cookie: str

    @classmethod
    def of(cls, process: Popen[str]) -> Entrance:
        """Enter a console that has just been started; its first address lets in once."""
        console = Served(process, address_of(process))
        console.enter()
        return cls(f"http://{console.host}", console.cookie)


@dataclass
class Window:
    """One window; `close` fails if anything was refused by the page's policy, or a script of it failed."""

    context: BrowserContext
    page: Page
    base: str
    faults: list[str] = field(default_factory=list)

    @classmethod
    def opened(cls, browser: Browser, entrance: Entrance, **settings: Any) -> Window:
        """Open the page in a window of its own."""
        still = {"viewport": {"width": 1280, "height": 900}, "reduced_motion": "reduce"}
        context = browser.new_context(**{**still, **settings})
        name, _, value = entrance.cookie.partition("=")
        context.add_cookies([{"name": name, "value": value, "url": entrance.base, "sameSite": "Strict"}])
        context.set_default_timeout(PATIENCE)
        faults: list[str] = []
        context.expose_binding("violated", lambda _source, what: faults.append(what))
        context.add_init_script(_LISTEN)
        page = context.new_page()
        window = cls(context, page, entrance.base, faults)
        window.watch(page)
        page.goto(entrance.base)
        return window

    def watch(self, page: Page) -> None:
        """Take down what goes wrong in a page."""
        page.on("pageerror", lambda error: self.faults.append(f"script: {error}"))
        page.on(
            "console",
            lambda said: (
                self.faults.append(said.text) if said.type == "error" and not _REFUSED.match(said.text) else None
            ),
        )

    def close(self) -> None:
        """Close the window."""
        self.page.evaluate("0")  # what was told before has arrived
        self.context.close()
        assert self.faults == []

    def go(self, path: str) -> None:
        """Open an address of the page."""
        self.page.goto(self.base + path)

    def card(self, *lines: str, within: float = PATIENCE) -> None:
        """Wait for the card to say these lines."""
        card = self.page.get_by_test_id("card")
        for line in lines:
            expect(card).to_contain_text(line, timeout=within)

    def badge(self, wave: int, text: str) -> None:
        """Wait for the badge of a wave."""
        expect(self.page.get_by_test_id(f"wave-{wave}")).to_contain_text(text, timeout=PATIENCE)

    def button(self, name: str) -> Locator:
        """Find a button by its whole name."""
        return self.page.get_by_role("button", name=name, exact=True)

    def press(self, name: str) -> None:
        """Press a button."""
        self.button(name).first.click()

    def confirm(self, reason: str = "") -> None:
        """Give a reason in the open dialog and confirm it."""
        dialog = self.page.get_by_role("dialog")
        if reason:
            dialog.get_by_label("Reason").fill(reason)
        dialog.get_by_test_id("confirm").click()
        expect(dialog).to_have_count(0)

    def choose(self, menu: str, item: str) -> None:
        """Choose from the menu of a button."""
        self.page.get_by_role("button", name=menu, exact=True).click()
        self.page.get_by_role("menuitem", name=item, exact=True).click()

    def wave_action(self, wave: int, action: str) -> None:
        """Choose what to do with a wave in the list of waves."""
        one = self.page.get_by_test_id(f"wave-{wave}")
        menu = one.get_by_role("button", name=f"Actions of wave {wave}")
        single = one.get_by_role("button", name=f"{action} wave {wave}")
        menu.or_(single).click()
        if menu.count():
            self.page.get_by_role("menuitem", name=action, exact=True).click()
