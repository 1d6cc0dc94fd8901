"""The short code of a letter leads to the page, and guessing leads nowhere."""

from datetime import timedelta
from random import Random

import httpx

from customers.contact_log import Kind
from landing.attempts import MISSES, PAUSE, REMEMBERED, Attempts
from store.tokens import new_code
from tests.landing.landing_pages import CODE, NOON, Pages


def type_code(pages: Pages, code: str) -> httpx.Response:
    return pages.browser.post("/c", data={"code": code})


def test_a_code_leads_to_the_recipients_own_page(pages: Pages) -> None:
    assert 'action="/c"' in pages.browser.get("/").text
    led = type_code(pages, " 7k3qx 9mpty ")
    assert led.status_code == 303
    assert "Hello Anna," in pages.browser.get(led.headers["location"]).text
    assert pages.contacts(Kind.VISITED)[0].message_id == pages.people.message_id


def test_a_mistyped_and_an_unknown_code_are_told_alike(pages: Pages) -> None:
    mistyped, unknown = type_code(pages, "7K3QX-9MPTZ"), type_code(pages, new_code(Random(1)))
    assert (mistyped.status_code, unknown.status_code) == (422, 422)
    assert "That code does not work" in mistyped.text
    assert mistyped.text.replace("7K3QX-9MPTZ", "") == unknown.text.replace(new_code(Random(1)), "")


def test_a_code_works_until_its_time_is_over(pages: Pages) -> None:
    pages.clock.put(NOON + timedelta(days=180))
    assert type_code(pages, CODE).status_code == 303
    pages.clock.put(NOON + timedelta(days=180, seconds=1))
    assert type_code(pages, CODE).status_code == 422


def test_guessing_is_stopped_for_a_while_and_typing_mistakes_are_not(pages: Pages) -> None:
    for _ in range(3 * MISSES):
        assert type_code(pages, "7K3QX-9MPTZ").status_code == 422
    random = Random(1)
    assert {type_code(pages, new_code(random)).status_code for _ in range(MISSES)} == {422}
    stopped = type_code(pages, CODE)
    assert (stopped.status_code, stopped.headers["retry-after"]) == (429, "900")
    pages.clock.put(NOON + PAUSE)
    assert type_code(pages, CODE).status_code == 303


def test_each_network_has_its_own_guesses_and_memory_is_bounded() -> None:
    attempts = Attempts()
    for _ in range(MISSES):
        attempts.missed("2001:db8:1:1::1", NOON)
        attempts.missed("192.0.2.1", NOON)
    assert not attempts.may_try("2001:db8:1:1:ffff::2", NOON)
    assert attempts.may_try("2001:db8:1:2::1", NOON)
    assert attempts.may_try("192.0.2.2", NOON)
    for number in range(REMEMBERED):
        attempts.missed(str(number), NOON)
    assert attempts.may_try("192.0.2.1", NOON)
    assert not attempts.may_try("0", NOON) or len(attempts._misses) == REMEMBERED
