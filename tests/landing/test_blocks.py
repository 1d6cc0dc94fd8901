"""Blocks of a page: what each shows, to whom and when, and what a calendar reads."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from icalendar import Calendar
from markupsafe import Markup

from customers.tables import Customer
from landing.blocks import BLOCK_TYPES, CountdownBlock, EventBlock, Sight
from landing.moments import zone_named
from landing.page_check import check_page
from landing.page_files import load_page
from store.session import writing
from tests.landing.landing_pages import PAGE, Pages

BLOCKS = """
title: Open day
blocks:
  - text: "Come and see, {{ customer.first_name | default('dear reader') }}."
  - countdown: {en: The offer ends, nl: De actie eindigt, de: Das Angebot endet}
    until: 2026-03-05
    over: {en: The offer is over, de: Das Angebot ist vorbei}
  - countdown: Doors close
    until: 2026-03-02 18:00
  - event: "Open day, for {{ customer.first_name | default('all') }}"
    starts: 2026-03-14 10:00
    ends: 2026-03-14 16:00
    place: Markt 1, Utrecht; at the back
    details: |
      Boots are a good idea.

      There is soup, and there is bread, and there is a great deal of room for everybody who comes along with you.
  - event: {en: Harvest week, de: Erntewoche}
    starts: 2026-09-01
    ends: 2026-09-06
  - voucher: FARM-10
    note: Ten per cent.
  - video: winback/farm.mp4
    poster: winback/welcome.svg
    title: A morning on the farm
    captions: {en: winback/farm.vtt}
  - video: https://films.example/watch?v=1
    poster: winback/welcome.svg
    title: A film elsewhere
"""
FILM = bytes(range(256)) * 40


@pytest.fixture
def shown(pages: Pages, templates: Path) -> Pages:
    (templates / "winback/page.yaml").write_text(BLOCKS)
    (templates / "winback/farm.mp4").write_bytes(FILM)
    (templates / "winback/farm.vtt").write_text("WEBVTT\n")
    assert not check_page(templates / "winback/page.yaml", templates)
    return pages


def page_of(shown: Pages, **attributes: str) -> str:
    """The page as a customer with these attributes sees it."""
    with writing(shown.database) as session:
        customer = session.get_one(Customer, shown.people.customer_id)
        for name, value in attributes.items():
            setattr(customer, name, value)
    return shown.browser.get(shown.path()).text


SPOKEN = {
    "en": ["3 days left", "until the end of Thursday 5 March", "Saturday 14 March, 10:00–16:00", "Put it in my calendar"],
    "nl": ["Nog 3 dagen", "tot en met donderdag 5 maart", "zaterdag 14 maart, 10:00–16:00", "In mijn agenda zetten"],
    "de": ["Noch 3 Tage", "bis einschließlich Donnerstag, 5. März", "Samstag, 14. März, 10:00–16:00", "In meinen Kalender eintragen"],
}


@pytest.mark.parametrize("language", SPOKEN)
def test_blocks_speak_the_customers_language(shown: Pages, language: str) -> None:
    text = page_of(shown, language=language)
    for part in (*SPOKEN[language], "FARM-10", "Come and see, Anna."):
        assert part in text


def sight_at(now: str, zone: str) -> Sight:
    """An English customer in a zone who looks at a time in UTC at a page of an organisation in Utrecht."""
    home = ZoneInfo("Europe/Amsterdam")
    moment = datetime.fromisoformat(now).replace(tzinfo=UTC)
    return Sight(
        line=lambda words: Markup.escape(words.spoken("en")) if words else Markup(),
        paragraphs=lambda words: [Markup.escape(words.spoken("en"))] if words else [],
        file=str,
        language="en",
        now=moment,
        here=zone_named(zone, home),
        home=home,
    )


def event_in(file: bytes) -> Any:
    """The one event of a calendar file, read back."""
    (event,) = Calendar.from_ical(file).walk("VEVENT")
    return event


# The organisation is in Utrecht, an hour ahead of UTC. A day ends where the customer is, a time is the organisation's.
DAY, TIME = "2026-03-05", "2026-03-02 18:00"
MOMENTS = [
    (DAY, "2026-03-02 12:00", "Europe/Amsterdam", "3 days left", "until the end of Thursday 5 March"),
    (DAY, "2025-12-31 12:00", "Europe/Amsterdam", "64 days left", "until the end of Thursday 5 March 2026"),
    (DAY, "2026-03-04 10:30", "Europe/Amsterdam", "1 day left", "until the end of Thursday 5 March"),
    (DAY, "2026-03-04 10:30", "Pacific/Auckland", "1 day left", "until the end of Thursday 5 March"),
    (DAY, "2026-03-04 11:30", "Pacific/Auckland", "Today is the last day", "until the end of Thursday 5 March"),
    (DAY, "2026-03-05 11:00", "Pacific/Auckland", "All gone", "until the end of Thursday 5 March"),
    (DAY, "2026-03-05 22:59", "Europe/Amsterdam", "Today is the last day", "until the end of Thursday 5 March"),
    (DAY, "2026-03-05 23:00", "Europe/Amsterdam", "All gone", "until the end of Thursday 5 March"),
    (DAY, "2026-03-05 23:00", "America/New_York", "Today is the last day", "until the end of Thursday 5 March"),
    (TIME, "2026-03-01 16:30", "Not/A_Zone", "1 day left", "until Monday 2 March, 18:00"),
    (TIME, "2026-03-01 18:00", "Europe/Amsterdam", "23 hours left", "until Monday 2 March, 18:00"),
    (TIME, "2026-03-02 12:00", "Europe/Amsterdam", "5 hours left", "until Monday 2 March, 18:00"),
    (TIME, "2026-03-02 16:59", "America/New_York", "1 minute left", "until Monday 2 March, 12:00"),
    (TIME, "2026-03-02 17:00", "Europe/Amsterdam", "All gone", "until Monday 2 March, 18:00"),
    ("2026-03-29 04:00", "2026-03-29 00:30", "Europe/Amsterdam", "1 hour left", "until Sunday 29 March, 04:00"),  # the clock skips one
]


@pytest.mark.parametrize(("until", "now", "zone", "left", "said"), MOMENTS)
def test_a_countdown_counts_days_as_the_customers_calendar_does(until: str, now: str, zone: str, left: str, said: str) -> None:
    block = CountdownBlock.model_validate({"countdown": "Soup", "until": until, "over": "All gone"})
    shown = block.shown(sight_at(now, zone))
    assert (shown["left"], shown["until"], shown["is_over"]) == (left, said, left == "All gone")


WHENS = [
    ({"starts": "2026-03-14 10:00"}, "Saturday 14 March, 05:00"),  # in New York the clock went forward on 8 March
    ({"starts": "2026-03-14 10:00", "place": "Utrecht"}, "Saturday 14 March, 10:00"),
    ({"starts": "2026-03-14 10:00", "ends": "2026-03-14 12:00", "place": "Utrecht"}, "Saturday 14 March, 10:00–12:00"),
    ({"starts": "2026-03-14 22:00", "ends": "2026-03-15 02:00", "place": "Utrecht"}, "Saturday 14 March, 22:00 – Sunday 15 March, 02:00"),
    ({"starts": "2026-03-14"}, "Saturday 14 March"),
    ({"starts": "2026-12-31", "ends": "2027-01-02"}, "Thursday 31 December – Saturday 2 January 2027"),
]


@pytest.mark.parametrize(("keys", "said"), WHENS)
def test_an_event_with_a_place_is_told_by_the_clock_that_hangs_there(keys: dict[str, str], said: str) -> None:
    block = EventBlock.model_validate({"event": "Soup", **keys})
    assert block.shown(sight_at("2026-03-02 12:00", "America/New_York"))["when"] == said


def test_an_event_without_an_end_lasts_an_hour_or_its_day() -> None:
    entries = [
        EventBlock.model_validate({"event": "Soup", "starts": starts}).entry(sight_at("2026-03-02 12:00", "Europe/Amsterdam"))
        for starts in ("2026-03-14 10:00", "2026-03-14")
    ]
    assert isinstance(entries[0].starts, datetime)
    assert isinstance(entries[0].ends, datetime)
    assert entries[0].ends - entries[0].starts == timedelta(hours=1)
    assert (entries[1].starts, entries[1].ends) == (date(2026, 3, 14), date(2026, 3, 15))


def test_a_countdown_that_is_over_says_so_and_no_longer_until_when(shown: Pages) -> None:
    shown.clock.put(datetime(2026, 3, 2, 17, 0, tzinfo=UTC))
    text = page_of(shown, language="de")
    assert "Es ist vorbei" in text
    assert "Montag, 2. März" not in text
    assert "bis einschließlich Donnerstag, 5. März" in text


def test_an_event_is_a_file_that_any_calendar_reads(shown: Pages) -> None:
    response = shown.browser.get(shown.path() + "/event/3.ics")
    assert response.headers["content-type"] == "text/calendar; charset=utf-8"
    assert response.headers["content-disposition"] == 'attachment; filename="event.ics"'
    assert all(len(line) <= 75 for line in response.content.split(b"\r\n"))  # octets a line, RFC 5545
    assert b"\n" not in response.content.replace(b"\r\n", b"")
    event = event_in(response.content)
    assert event["summary"] == "Open day, for Anna"
    assert event["location"] == "Markt 1, Utrecht; at the back"
    assert event["description"].startswith("Boots are a good idea.\n\nThere is soup, and")
    assert b"DTSTART:20260314T090000Z\r\n" in response.content
    assert b"DTEND:20260314T150000Z\r\n" in response.content
    assert b"DTSTAMP:20260302T120000Z\r\n" in response.content
    assert event["uid"] == "winback-3@pages.test"
    assert not shown.contacts()  # fetching a file is no answer


def test_an_event_of_whole_days_ends_with_the_day_after_it(shown: Pages) -> None:
    content = page_of(shown, language="de")
    assert "Dienstag, 1. September – Sonntag, 6. September" in content
    event = event_in(shown.browser.get(shown.path() + "/event/4.ics").content)
    assert (event.decoded("dtstart"), event.decoded("dtend")) == (date(2026, 9, 1), date(2026, 9, 7))
    assert event["summary"] == "Erntewoche"
    assert "location" not in event


NO_EVENTS = ["/event/0.ics", "/event/99.ics", "/event/99999999999999999999999.ics", "/event/-1.ics", "/event/x.ics", "x/event/3.ics"]


def test_what_is_no_event_gets_the_page_that_everybody_gets(shown: Pages) -> None:
    for rest in NO_EVENTS:
        response = shown.browser.get(shown.path() + rest, follow_redirects=False)
        assert response.status_code in (303, 404)
        assert "Open day" not in response.text


def test_a_film_of_our_own_is_sent_whole_or_in_part(shown: Pages) -> None:
    whole = shown.browser.get("/i/winback/farm.mp4")
    part = shown.browser.get("/i/winback/farm.mp4", headers={"range": "bytes=256-511"})
    assert (whole.status_code, whole.headers["content-type"], whole.content) == (200, "video/mp4", FILM)
    assert (part.status_code, part.content) == (206, FILM[256:512])
    assert shown.browser.get("/i/winback/farm.vtt").headers["content-type"] == "text/vtt; charset=utf-8"


def test_a_page_with_a_film_elsewhere_fetches_nothing_from_there(shown: Pages) -> None:
    response = shown.browser.get(shown.path())
    assert '<a href="https://films.example/watch?v=1" rel="noreferrer noopener">' in response.text
    assert "opens at films.example" in response.text
    assert 'src="https:' not in response.text
    assert "media-src 'self'" in response.headers["content-security-policy"]
    assert '<track kind="captions" srclang="en" label="English" src="/i/winback/farm.vtt" default>' in response.text


FAULTS = [
    ("{countdown: x}", ["page.yaml:3:5", "'until' is missing"]),
    ("{countdown: x, until: tomorrow}", ["page.yaml:3:20", "'tomorrow' is not a day or a time", "2026-03-08 18:00"]),
    ("{countdown: x, until: 2026-02-30}", ["'2026-02-30' is not a day"]),
    ("{countdown: x, until: 9999-12-31}", ["'9999-12-31' is not a day"]),
    ("{countdown: x, untill: 2026-03-08}", ["page.yaml:3:20", "Did you mean 'until'?"]),
    ("{event: x, starts: 2026-03-08 10:00, ends: 2026-03-08 09:00}", ["page.yaml:3:5", "ends before it starts"]),
    ("{event: x, starts: 2026-03-08 10:00, ends: 2026-03-08}", ["one of `starts` and `ends` is a day"]),
    ("{video: a.mp4, poster: b.png, title: x}", ["page.yaml:3:6", "'a.mp4' is not there", ".mp4 or .webm", "page.yaml:3:20", "'b.png'"]),
    ("{video: 'http://x.example/', poster: b.png, title: x}", ["neither a file nor a secure address"]),
    (
        "{video: 'https://x.example/', poster: b.png, title: x, captions: {en: c.vtt}}",
        ["page.yaml:3:71", "'c.vtt' is not there", "ends in .vtt"],
    ),
    ("{video: 'javascript:alert(1)', poster: b.png, title: x}", ["neither a file nor a secure address"]),
    ("{voucher: x, note: '{{ customer.frist_name }}'}", ["page.yaml:3:18", "Did you mean 'customer.first_name'?"]),
    ("{voucher: x, text: y}", ["page.yaml:3:5", "Make two blocks"]),
    ("{headline: x}", ["page.yaml:3:5", "countdown", "event"]),
    ("just words", ["page.yaml:3:5"]),
]


@pytest.mark.parametrize(("block", "said"), FAULTS)
def test_a_fault_in_a_block_is_told_at_its_place_with_what_to_do(tmp_path: Path, block: str, said: list[str]) -> None:
    (tmp_path / "page.yaml").write_text(f"title: Hi\nblocks:\n  - {block}\n")
    faults = check_page(tmp_path / "page.yaml", tmp_path, (), "page.yaml")
    told = "\n".join(fault.render() for fault in faults)
    for part in said:
        assert part in told
    assert all(fault.remedy for fault in faults)


def test_the_page_in_the_how_to_passes_and_has_every_type_of_block(tmp_path: Path) -> None:
    text = Path("docs/how-to/write-a-landing-page.md").read_text().split("Each entry of `blocks`")[1].split("```yaml\n")[1].split("```")[0]
    (tmp_path / "winback").mkdir()
    for name in ("page.yaml", "winback/welcome.svg", "winback/farm.mp4", "winback/farm.en.vtt", "winback/farm.nl.vtt"):
        (tmp_path / name).write_text(text)
    assert not check_page(tmp_path / "page.yaml", tmp_path)
    assert {block.word for block in load_page(tmp_path / "page.yaml").blocks} == set(BLOCK_TYPES)


def test_a_film_that_is_too_heavy_is_a_fault(tmp_path: Path) -> None:
    with (tmp_path / "a.webm").open("wb") as film:
        film.truncate(20_000_001)
    (tmp_path / "b.png").write_bytes(b"x")
    (tmp_path / "page.yaml").write_text("title: Hi\nblocks:\n  - {video: a.webm, poster: b.png, title: x}\n")
    assert "20 MB at most" in check_page(tmp_path / "page.yaml", tmp_path)[0].remedy


def test_a_page_without_new_blocks_is_as_it_was(pages: Pages, templates: Path) -> None:
    more = "blocks:\n  - text: |\n      One.\n\n      Two.\n  - {image: winback/welcome.svg, alt: A field}\n"
    (templates / "winback/page.yaml").write_text(PAGE + more)
    text = pages.browser.get(pages.path()).text
    assert "<p>One.</p>\n<p>Two.</p>" in text
    assert 'src="/i/winback/welcome.svg" alt="A field"' in text
