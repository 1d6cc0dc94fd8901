"""Every page speaks every language, wholly: no word is missing, and none has other blanks than elsewhere."""

from collections.abc import Mapping
from pathlib import Path
from string import Formatter

import pytest

from customers.tables import Customer
from landing.page import Page
from landing.page_files import SHIPPED, load_page
from landing.preference_words import SAID
from landing.words import LANGUAGES, WORDS, language_of
from store.session import writing
from tests.landing.landing_pages import Pages


def blanks(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("table", [WORDS, SAID], ids=["pages", "preferences"])
def test_every_language_has_every_word_with_the_same_blanks_and_says_it_in_its_own_words(table: Mapping[str, Mapping[str, str]]) -> None:
    assert tuple(table) == LANGUAGES == ("en", "nl", "de")
    for language in LANGUAGES:
        assert {name: blanks(text) for name, text in table[language].items()} == {name: blanks(text) for name, text in table["en"].items()}
    for name in ("code_hint", "code_intro", "stop_why", "title", "intro"):  # some words are the same in two languages, no sentence is
        texts = [table[language][name] for language in LANGUAGES if name in table[language]]
        assert len(set(texts)) == len(texts)


@pytest.mark.parametrize("file", [SHIPPED / "default.yaml", Path("templates/winback/page.yaml")], ids=["default", "winback"])
def test_a_shipped_page_says_everything_in_every_language(file: Path) -> None:
    page: Page = load_page(file)
    found = {path: tuple(language for language, _ in words.by_language) for path, words in page.texts()}
    assert found
    assert set(found.values()) == {LANGUAGES}


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", ["Send</button>", "Do you want us to stop?", "No more e-mails about “offers”", "You have been signed off"]),
        ("nl", ["Versturen</button>", "Wil je dat we stoppen?", "Geen e-mails meer over “offers”", "Je bent afgemeld"]),
        ("de", ["Absenden</button>", "Sollen wir aufhören?", "Keine E-Mails mehr zu „offers“", "Sie sind abgemeldet"]),
    ],
)
def test_a_customer_is_spoken_to_in_their_language_from_the_page_to_the_opt_out(pages: Pages, language: str, said: list[str]) -> None:
    with writing(pages.database) as session:
        session.get_one(Customer, pages.people.customer_id).language = language
    page, stop = pages.browser.get(pages.path()), pages.browser.get(pages.path("opt_out"))
    stopped = pages.browser.post(pages.path("opt_out"), data={"scope": "channel"})
    for response in (page, stop, stopped):
        assert f'<html lang="{language}">' in response.text
    assert said[0] in page.text
    assert said[1] in stop.text
    assert said[2] in stop.text
    assert said[3] in stopped.text


def test_a_visitor_of_whom_nothing_is_known_is_spoken_to_as_the_browser_asks(pages: Pages) -> None:
    code = pages.browser.get("/", headers={"accept-language": "de-AT, nl;q=0.5"})
    lost = pages.browser.get("/p/nothing", headers={"accept-language": "fr, de;q=0.7"})
    assert "Ihr Code" in code.text
    assert "Dieser Link funktioniert nicht" in lost.text
    assert language_of("fr", "de") == "de"
