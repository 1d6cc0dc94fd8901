"""Text is measured and broken so that it fits."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reportlab.pdfbase.pdfmetrics import stringWidth

from engine.picture.lettering import clean, is_measured, width_of, wrap


@pytest.mark.parametrize("text", ["Win back lapsed customers", "50% - 1,204 (yes)", "één façade, Ångström"])
@pytest.mark.parametrize(("bold", "font"), [(False, "Helvetica"), (True, "Helvetica-Bold")])
def test_widths_are_those_of_helvetica(text: str, bold: bool, font: str) -> None:
    assert width_of(text, 10, bold) == pytest.approx(stringWidth(text, font, 10), rel=0.002)


@given(st.text(max_size=200), st.sampled_from([40.0, 90.0, 166.0]), st.booleans())
def test_no_line_is_wider_than_the_limit_and_no_sign_is_lost(text: str, limit: float, bold: bool) -> None:
    lines = wrap(text, 10, limit, bold, most=10_000)
    assert all(width_of(line, 10, bold) <= limit for line in lines)
    assert "".join(lines).replace(" ", "") == clean(text).replace(" ", "")


@given(st.text(min_size=1, max_size=300))
def test_what_is_too_long_ends_in_three_dots_within_the_limit(text: str) -> None:
    lines = wrap(text, 10, 40, most=2)
    assert len(lines) <= 2
    assert all(width_of(line, 10) <= 40 for line in lines)
    assert (lines[-1].endswith("…") if len(wrap(text, 10, 40, most=10_000)) > 2 else True) if lines else True


def test_words_are_broken_at_spaces_first() -> None:
    assert wrap("response to mail", 10, 60) == ("response to", "mail")


def test_a_long_name_is_broken_after_a_sign() -> None:
    assert wrap("days_since_last_purchase", 10, 80) == ("days_since_last_", "purchase")


def test_a_mark_stays_with_its_letter() -> None:
    lines = wrap("e\u0301" * 60, 10, 40)
    assert not any(unicodedata.combining(line[0]) for line in lines)


def test_signs_that_xml_cannot_hold_are_replaced() -> None:
    assert clean("a\x00b\n\tc\ud800\uffff") == "a\ufffdb c\ufffd\ufffd"


def test_a_width_is_known_only_for_signs_of_the_bundled_letters() -> None:
    assert is_measured("Reactie — ελληνικά ≥ 5")
    assert not is_measured("中文")
