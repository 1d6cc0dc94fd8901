"""A page that is another one to some: its variants and segments as the file says them, and what is wrong with them."""

from pathlib import Path

import pytest

from engine.language.faults import Fault
from landing.fields import Words
from landing.page import Page, Thanks
from landing.page_check import check_page
from landing.page_files import load_page
from tests.landing.landing_pages import untold

EDITIONS = """title: Welcome
intro: It has been a while.
form:
  score: {scale: How are we doing?}
  reason: {text: Why?}
thanks: {voucher: PEAR-5}
variants:
  short: {share: 30%, intro: , form: {score: {scale: How are we doing?}}}
  long: {share: 70%}
by_segment:
  families: {title: Welcome to the whole family, thanks: {voucher: PEAR-10}}
"""
PAGES = "pages:\n  one: {ask: [score]}\n  two: {ask: [reason]}\n"


def page_of(tmp_path: Path, text: str) -> Page:
    (tmp_path / "page.yaml").write_text(text)
    return load_page(tmp_path / "page.yaml")


def faults_of(tmp_path: Path, text: str) -> list[Fault]:
    (tmp_path / "page.yaml").write_text(text)
    return check_page(tmp_path / "page.yaml", tmp_path, (), "page.yaml", segments=("families", "lapsed"))


def test_each_part_is_the_segments_before_the_variants_before_the_pages_own(tmp_path: Path) -> None:
    page = page_of(tmp_path, EDITIONS)
    short = page.seen("short", None)
    assert (list(short.form), short.intro, short.title) == (["score"], None, page.title)
    family = page.seen("short", "families")
    assert (list(family.form), family.title) == (["score"], Words((("en", "Welcome to the whole family"),)))
    assert page.seen("long", None).intro == page.intro
    assert page.seen("long", "families").thanks == Thanks(voucher=Words((("en", "PEAR-10"),)))


def test_whose_variant_was_taken_out_of_the_file_sees_the_control(tmp_path: Path) -> None:
    page = page_of(tmp_path, EDITIONS.replace("30%,", "30%, control: yes,"))
    assert page.control == "short"
    assert page.seen("medium", None) == page.seen("short", None) != page.seen("long", None)


def test_a_page_with_all_sorts_of_editions_has_no_fault(tmp_path: Path) -> None:
    assert not faults_of(tmp_path, EDITIONS)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (EDITIONS.replace("70%", "60%"), ["page.yaml:7:1", "add up to 90%", "100% together"]),
        (EDITIONS.replace("share: 30%, ", ""), ["page.yaml:8:3", "'share' is missing"]),
        (EDITIONS.replace("30%", "most"), ["page.yaml:8:11", "'most' is not a share"]),
        (EDITIONS.replace("intro: ,", "itro: x,"), ["page.yaml:8:23", "Did you mean 'intro'?"]),
        (EDITIONS.replace("short:", "Very short:"), ["page.yaml:8:3", "small letters"]),
        (EDITIONS.replace("{scale: How are we doing?}}}", "{scal: How?}}}"), ["page.yaml:8:39", "what sort of answer"]),
        (EDITIONS.replace("share: 70%", "share: 70%, thanks: {vouchr: x}"), ["page.yaml:9:31", "Did you mean 'voucher'?"]),
        (EDITIONS.replace("share: 70%", "share: 70%, blocks: [{text: x, image: y}]"), ["page.yaml:9:31", "a block is one thing"]),
        (EDITIONS.replace("share: 70%", "share: 70%, image: gone.png"), ["page.yaml:9:22", "not there"]),
        (EDITIONS.replace("share: 70%", "share: 70%, title: '{{ customer.frist_name }}'"), ["page.yaml:9:22", "Did you mean"]),
        (EDITIONS.replace("share: 70%", "share: 70%, title: "), ["page.yaml:9:22", "cannot do without its headline"]),
        (EDITIONS.replace("  long: {share: 70%}\n", ""), ["page.yaml:7:1", "one variant alone"]),
        (EDITIONS.replace("%,", "%, control: yes,").replace("70%", "70%, control: yes"), ["page.yaml:7:1", "more than one variant"]),
        (EDITIONS.replace("intro: , form: {score: {scale: How are we doing?}}", ""), ["page.yaml:9:3", "'long' is the same as 'short'"]),
        (EDITIONS.replace("families:", "familys:"), ["page.yaml:11:3", "no segment 'familys'", "Did you mean 'families'?"]),
        (EDITIONS.replace("{title: Welcome to the whole family, thanks: {voucher: PEAR-10}}", "{}"), ["page.yaml:11:3", "changes nothing"]),
        (EDITIONS + PAGES, ["page.yaml:14:15", "no question 'reason'"]),
        (EDITIONS.replace("share: 70%", "share: 70%, pages: {one: {ask: [score]}}"), ["page.yaml:5:3", "'reason' is on no page"]),
    ],
)
def test_a_fault_in_an_edition_is_told_at_its_place_with_what_to_do(tmp_path: Path, text: str, said: list[str]) -> None:
    assert not untold(faults_of(tmp_path, text), said)


def test_what_is_wrong_in_every_edition_is_told_once(tmp_path: Path) -> None:
    assert len(faults_of(tmp_path, EDITIONS + PAGES.replace("one: {ask: [score]}", "one: {ask: [score, gone]}"))) == 2
