"""A browser window with the operator's page in it, and what an operator does there."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Locator, Page

PATIENCE = 60_000
"""Milliseconds that a test waits for what must come, on a machine that is busy with other things."""

expect.set_options(timeout=PATIENCE)

_LISTEN = """
window.violations = [];
document.addEventListener('securitypolicyviolation', (refused) =>
  window.violations.push(`${refused.violatedDirective} ${refused.blockedURI}`));
window.alert = (text) => window.violations.push(`alert ${text}`);
"""
_REFUSED = re.compile(r"Failed to load resource")


@dataclass
class Window:
    """One window; `close` fails if anything was refused by the page's policy, or a script of it failed."""

    context: BrowserContext
    page: Page
    base: str
    faults: list[str] = field(default_factory=list)

    @classmethod
    def opened(cls, browser: Browser, address: str, **settings: Any) -> Window:
        """Open the first address in a window of its own."""
        still = {"viewport": {"width": 1280, "height": 900}, "reduced_motion": "reduce"}
        context = browser.new_context(**{**still, **settings})
        context.add_init_script(_LISTEN)
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        window = cls(context, page, address.partition("/?")[0])
        window.watch(page)
        page.goto(address)
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
        found = [*self.faults, *self.page.evaluate("window.violations")]
        self.context.close()
        assert found == []

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
