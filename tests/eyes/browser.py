"""Chromium, and somebody who visits the pages in it."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from engine.links import LinkPurpose
from landing.words import Language
from tests.eyes.world import World

PHONE, DESK = 320, 1_100
LOCALES: dict[Language, str] = {"en": "en-GB", "nl": "nl-NL", "de": "de-DE"}
_QUIET = (
    "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Visit:
    """One page of a browser at the landing pages, and what was seen of its doings."""

    page: Page
    world: World
    language: Language
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def open(self, purpose: LinkPurpose = "page", campaign: str = "full", then: str = "") -> int:
        """Follow a link of a message to a new customer; gives the message."""
        message_id = self.world.invite(self.language, campaign)
        self.page.goto(self.world.link(purpose, message_id) + then)
        return message_id

    def go(self, path: str) -> None:
        """Type an address of the pages."""
        self.page.goto(self.world.address + path)

    def choose(self, name: str, value: str) -> None:
        """Press the option of a question."""
        self.page.locator(f'.option:has(input[name="{name}"][value="{value}"])').click()

    def send(self, button: str = "main form:not(.resumed) button:not(.quiet)") -> None:
        """Press the button of the form, and wait for what that leads to."""
        self.follow(button)

    def follow(self, link: str) -> None:
        """Press the first of what is described, and wait for the page that it leads to."""
        with self.page.expect_navigation():
            self.page.locator(link).first.click()

    def send_unchecked(self) -> None:
        """Send the form as a browser does that checks nothing by itself."""
        self.page.evaluate("for (const form of document.forms) form.noValidate = true")
        self.send()


@contextmanager
def chromium() -> Iterator[Browser]:
    """A real Chromium. Fails where there is none: nothing would have been looked at."""
    program = os.environ.get("CONTACTFLOW_TEST_CHROMIUM") or shutil.which("chromium")
    if not program:
        pytest.fail("Chromium was not found: the pages are looked at in a real one. Debian: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=_QUIET)
        yield browser
        browser.close()


@contextmanager
def visiting(browser: Browser, world: World, language: Language, width: int = PHONE, *, script: bool = True) -> Iterator[Visit]:
    """A browser of its own at the pages, as wide as a phone unless told otherwise; it says which language it speaks."""
    context = browser.new_context(
        viewport={"width": width, "height": 640}, locale=LOCALES[language], java_script_enabled=script, reduced_motion="reduce"
    )
    visit = Visit(context.new_page(), world, language)
    visit.page.set_default_timeout(15_000)
    visit.page.on("request", lambda request: visit.requests.append(request.url))
    visit.page.on("console", lambda message: visit.complaints.append(message.text))
    yield visit
    context.close()
