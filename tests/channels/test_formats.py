"""Dates, money and numbers are written as their reader writes them, in every channel."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from channels.contract import CompositionFault, Content
from channels.email.wording import EmailWording
from channels.merging import Texts, read_texts

SENDER = {"language": "nl", "country": "NL", "currency": "EUR"}


def mail(text: str, customer: dict[str, Any], **values: Any) -> str | CompositionFault:
    content = EmailWording("Hello", text, None).compose({"customer": customer, "sender": SENDER, **values})
    return content.parts["text"].strip() if isinstance(content, Content) else content


def sms(folder: Path, text: str, customer: dict[str, Any]) -> str | CompositionFault:
    (folder / "sms.txt").write_text(text)
    texts = read_texts(folder / "sms.txt", folder)
    assert isinstance(texts, Texts)
    return texts.merge({"customer": customer, "sender": SENDER})


# Expected forms are those of Unicode CLDR for each locale.
@pytest.mark.parametrize(
    ("text", "language", "country", "shown"),
    [
        ("{{ customer.x | date }}", "nl", "NL", "2 maart 2026"),
        ("{{ customer.x | date }}", "en", "US", "March 2, 2026"),
        ("{{ customer.x | date }}", "en", "GB", "2 March 2026"),
        ("{{ customer.x | date }}", "de", "DE", "2. März 2026"),
        ("{{ customer.x | date('short') }}", "fr", "BE", "2/03/26"),
        ("{{ customer.x | date('EEEE d MMMM') }}", "fr", "FR", "lundi 2 mars"),
        ("{{ customer.n | money }}", "nl", "NL", "€ 1.234,50"),
        ("{{ customer.n | money }}", "en", "US", "€1,234.50"),
        ("{{ customer.n | money('USD') }}", "de", "DE", "1.234,50 $"),
        ("{{ customer.n | number }}", "nl", "BE", "1.234,5"),
        ("{{ (customer.n + 1) | number(0) }}", "en", "NL", "1.236"),
        ("{{ 0.256 | percent }}", "nl", "NL", "26%"),
        ("{{ 0.256 | percent(1) }}", "nl", "NL", "25,6%"),
        ("{{ customer.x | date(language='en') }}", "de", "DE", "2 March 2026"),
        ("{{ customer.n | money(language='en') }}", "nl", "NL", "€ 1.234,50"),
        ("{{ customer.x | date }}", None, None, "2 maart 2026"),
        ("{{ customer.x | date }}", "nl", "US", "2 maart 2026"),
        ("{{ customer.x | date }}", "en", "??", "2 March 2026"),
        ("{{ customer.x | date }}", "xx", "??", "2 March 2026"),
    ],
)
def test_each_reader_has_the_forms_of_language_and_country(
    tmp_path: Path, text: str, language: str | None, country: str | None, shown: str
) -> None:
    customer = {"x": date(2026, 3, 2), "n": 1234.5, "language": language, "country": country}
    assert mail(text, customer) == shown
    assert sms(tmp_path, text, customer) == shown


@pytest.mark.parametrize("value", ["2026-03-02", date(2026, 3, 2), datetime(2026, 3, 2, 12, tzinfo=UTC)])
def test_a_day_that_was_kept_as_text_is_shown_as_it_was(value: Any) -> None:
    assert mail("{{ customer.x | date }}", {"x": value}) == "2 maart 2026"


def test_what_the_forms_depend_on_is_kept_with_the_message() -> None:
    assert EmailWording("Hello", "{{ customer.n | money }}", None).variables == {
        "customer.n", "customer.language", "customer.country", "sender.language", "sender.country", "sender.currency",
    }  # fmt: skip
    assert EmailWording("Hello", "{{ customer.n | upper }}", None).variables == {"customer.n"}


@pytest.mark.parametrize(
    "text", ["{{ customer.x | date }}", "{{ customer.x | money }}", "{{ customer.x | number }}", "{{ customer.x | percent }}"]
)
def test_a_missing_value_is_named_and_may_have_another_instead(text: str) -> None:
    assert mail(text, {}) == CompositionFault("customer.x has no value", "customer.x")
    assert mail(text.replace(" }}", " | default('soon') }}"), {}) == "soon"


@pytest.mark.parametrize(
    "text", ["{{ 'x' | date }}", "{{ 'x' | money }}", "{{ 1 | money('???') }}", "{{ 'nan' | number }}", "{{ 1e999 | number }}"]
)
def test_what_is_no_day_or_number_costs_one_message(text: str) -> None:
    assert isinstance(mail(text, {}), CompositionFault)
