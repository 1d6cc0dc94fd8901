"""A file does not bring back people who asked to be erased, and says how many of its rows were about them."""

from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from contactflow.commands.import_words import in_words
from customers.consent import Source
from customers.erasure import digest_of, erase_person
from customers.tables import CustomerId
from store.session import writing
from tests.conftest import NOON
from tests.customers.importing_cases import bring_in, order, rows, with_attributes

FILE = """key;first_name;email;consent_offers_email
K1;Jan;jan@example.nl;yes
K2;Zoë;zoe@example.be;yes
"""


@pytest.fixture
def people(database: Engine, tmp_path: Path) -> Engine:
    """Jan and Zoë, of whom Jan has been erased."""
    with_attributes(database)
    bring_in(database, order(tmp_path, "customers", FILE))
    with writing(database) as session:
        jan = session.execute(text("SELECT id FROM customer WHERE key = 'K1'")).scalar_one()
        erase_person(session, CustomerId(jan), NOON, Source.PAGE)
    return database


def names(database: Engine) -> list[str]:
    return [row[0] for row in rows(database, "SELECT first_name FROM customer WHERE first_name IS NOT NULL ORDER BY first_name")]


def test_the_same_file_leaves_out_who_was_erased_and_says_so(people: Engine, tmp_path: Path) -> None:
    result = bring_in(people, order(tmp_path, "customers", FILE))
    assert (result.read, result.new, result.unchanged, result.erased, result.rejected) == (2, 0, 1, 1, 0)
    assert names(people) == ["Zoë"]
    assert "1 left out because they asked to be erased" in in_words(result)
    assert rows(people, "SELECT count(*) FROM consent WHERE granted") == [(1,)]


def test_another_key_with_the_address_of_who_was_erased_is_left_out_too(people: Engine, tmp_path: Path) -> None:
    result = bring_in(people, order(tmp_path, "customers", FILE.replace("K1", "K9").replace("jan@", "Jan@")))
    assert (result.new, result.erased) == (0, 1)
    assert names(people) == ["Zoë"]


def test_somebody_known_who_shares_the_address_is_not_left_out(people: Engine, tmp_path: Path) -> None:
    file = "key;first_name;email\nK2;Zoë Maria;jan@example.nl\nK3;Eva;eva@example.nl\n"
    result = bring_in(people, order(tmp_path, "customers", file))
    assert (result.changed, result.new, result.erased) == (1, 1, 0)
    assert names(people) == ["Eva", "Zoë Maria"]


def test_purchases_and_contacts_of_who_was_erased_are_counted_and_not_rejected(people: Engine, tmp_path: Path) -> None:
    bought = "customer;order_id;purchased_at;amount\nK1;A1;2026-01-01;9,99\nK2;A2;2026-01-01;9,99\nK7;A3;2026-01-01;9,99\n"
    result = bring_in(people, order(tmp_path, "purchases", bought))
    assert (result.new, result.erased, result.rejected) == (1, 1, 1)
    did = "customer;key;kind;at\nK1;C1;visited;2026-01-01\nK2;C2;visited;2026-01-01\n"
    result = bring_in(people, order(tmp_path, "contacts", did))
    assert (result.new, result.erased, result.rejected) == (1, 1, 0)


def test_what_is_kept_of_a_key_and_an_address_cannot_be_read(people: Engine) -> None:
    kept = rows(people, "SELECT digest FROM erased_mark")
    assert sorted(row[0] for row in kept) == sorted([digest_of("key", "K1"), digest_of("email", "JAN@example.nl ")])
    assert not any("jan" in row[0] or "K1" in row[0] for row in kept)
