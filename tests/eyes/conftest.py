"""One Chromium and one application for the tests of a file."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache

import pytest
from playwright.sync_api import Browser
from sqlmodel import SQLModel

from landing.words import Language
from store.session import open_database
from tests.eyes.browser import PHONE, Visit, chromium, visiting
from tests.eyes.world import World, fill, settings_of, world

# Not for longer than a file: Playwright has an event loop in this thread, and another test may want to start its own.


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The pages over SQLite."""
    folder = tmp_path_factory.mktemp("eyes")
    database = open_database(f"sqlite:///{folder / 'test.db'}")
    SQLModel.metadata.create_all(database)
    fill(database)
    with world(database, database, settings_of(folder / "templates")) as found:
        yield found
    database.dispose()


@pytest.fixture(scope="module")
def _visitors(browser: Browser, here: World) -> Iterator[Callable[[Language], Visit]]:
    with ExitStack() as stack:
        yield cache(lambda language: stack.enter_context(visiting(browser, here, language)))


@pytest.fixture
def visit(_visitors: Callable[[Language], Visit], request: pytest.FixtureRequest) -> Visit:
    """Somebody with a phone in the light who speaks the test's `language`, or English; the same browser each time, which is quicker."""
    found = _visitors(request.node.callspec.params.get("language", "en") if hasattr(request.node, "callspec") else "en")
    found.page.set_viewport_size({"width": PHONE, "height": 640})
    found.page.emulate_media(color_scheme="light", forced_colors="none")
    found.requests.clear()
    found.complaints.clear()
    return found
