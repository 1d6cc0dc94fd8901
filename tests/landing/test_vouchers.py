"""A page shows its recipient's own voucher: the message's, or one that it gives the first time."""

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sqlmodel import select

from customers.tables import Voucher
from customers.vouchers import Issued, issue
from landing.page_check import check_page
from store.session import reading, writing
from tests.landing.landing_pages import BROWSER, NOON, PAGE, Pages

WITH_VOUCHER = 'title: Welcome\nblocks:\n  - voucher: "{{ voucher }}"\n    note: 5 euro off.\n'
CODE = re.compile(r'class="code">([0-9A-Z]{5}-[0-9A-Z]{5})<')


def show(templates: Path, text: str) -> None:
    (templates / "winback/page.yaml").write_text(text)
    assert not check_page(templates / "winback/page.yaml", templates)


def kept(pages: Pages) -> list[str]:
    with reading(pages.database) as session:
        return list(session.exec(select(Voucher.code)))


def test_a_page_shows_the_voucher_of_its_message(pages: Pages, templates: Path) -> None:
    show(templates, WITH_VOUCHER)
    customer, member, message = pages.people
    with writing(pages.database) as session:
        issue(session, [Issued("7K3QX-9MPTY", message, customer, member, "winback", "0123456789ab", "mail", None)], NOON)
    assert CODE.findall(pages.browser.get(pages.path()).text) == ["7K3QX-9MPTY"]


def test_a_page_gives_a_voucher_once(pages: Pages, templates: Path) -> None:
    show(templates, WITH_VOUCHER)
    with ThreadPoolExecutor(6) as visitors:
        found = list(visitors.map(lambda _: CODE.findall(pages.browser.get(pages.path()).text), range(6)))
    assert kept(pages) == found[0]
    assert found == [found[0]] * 6
    with reading(pages.database) as session:
        voucher = session.exec(select(Voucher)).one()
        assert (voucher.message_id, voucher.node, voucher.arm) == (pages.people.message_id, "mail", "personal")


def test_the_thanks_show_the_same_voucher(pages: Pages, templates: Path) -> None:
    show(templates, PAGE.replace("voucher: WELCOME-5", 'voucher: "{{ voucher }}"'))
    form = pages.browser.get(pages.path()).text
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form))
    pages.clock.put(NOON.replace(minute=1))
    thanks = pages.browser.post(pages.path(), data={**hidden, "interest": "fresh"}, follow_redirects=True)
    assert CODE.findall(thanks.text) == kept(pages)
    assert len(kept(pages)) == 1


def test_a_page_whose_voucher_is_everybodys_gives_none(pages: Pages, templates: Path) -> None:
    show(templates, WITH_VOUCHER.replace("{{ voucher }}", "WELCOME-5"))
    assert "WELCOME-5" in pages.browser.get(pages.path()).text
    assert pages.browser.get(pages.path(), headers={"user-agent": BROWSER}).status_code == 200
    assert kept(pages) == []
