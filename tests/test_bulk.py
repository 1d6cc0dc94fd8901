import numpy as np
import pytest
from sqlalchemy import Engine, select
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, text

from customers.tables import Consent, Customer, Suppression, table_of
from store.bulk import among, column_table, id_table, insert_alike, insert_rows, update_alike, update_rows
from store.session import reading, writing

OFFERS = {"purpose": "offers", "channel": "email"}
PEOPLE = ("key", "country", "created_at", "changed_at")


def people(session: Session, count: int) -> None:
    insert_rows(session, table_of(Customer), PEOPLE, ((f"c{number}", "NL", 1, 1) for number in range(1, count + 1)))


def test_many_rows_go_in_and_come_out(database: Engine) -> None:
    with writing(database) as session:
        people(session, 2500)
    with reading(database) as session:
        assert session.execute(text("SELECT count(*) FROM customer")).scalar() == 2500


def test_no_rows_are_no_statement(database: Engine) -> None:
    with writing(database) as session:
        assert insert_rows(session, table_of(Suppression), ("channel", "address", "reason", "since"), []) == 0


def test_each_row_gets_its_own_values(database: Engine) -> None:
    with writing(database) as session:
        people(session, 3)
        update_rows(session, table_of(Customer), "key", ("city", "changed_at"), [("Delft", 5, "c1"), (None, 7, "c3")])
    with reading(database) as session:
        rows = session.execute(text("SELECT key, city, changed_at FROM customer ORDER BY key")).all()
    assert [tuple(row) for row in rows] == [("c1", "Delft", 5), ("c2", None, 1), ("c3", None, 7)]


def test_ids_given_can_be_joined_and_filtered(database: Engine) -> None:
    with writing(database) as session:
        people(session, 4)
        ids = np.array([2, 4, 99], np.int64)
        table = table_of(Customer)
        given = id_table(session, ids)
        joined = session.execute(select(table.c.key).join(given, given.c.id == table.c.id).order_by(table.c.id)).scalars().all()
        filtered = session.execute(select(table.c.key).where(among(session, table.c.id, ids)).order_by(table.c.id)).scalars().all()
    assert joined == filtered == ["c2", "c4"]


def test_columns_given_keep_their_rows_together(database: Engine) -> None:
    with reading(database) as session:
        given = column_table(session, {"pos": np.arange(3), "at": np.array([2**60, 0, -1], np.int64)})
        rows = session.execute(select(given.c.pos, given.c.at).order_by(given.c.pos)).all()
    assert [tuple(row) for row in rows] == [(0, 2**60), (1, 0), (2, -1)]


def test_a_failed_transaction_leaves_nothing(database: Engine) -> None:
    def fail_half_way() -> None:
        with writing(database) as session:
            people(session, 5)
            raise KeyError

    with pytest.raises(KeyError):
        fail_half_way()
    with reading(database) as session:
        assert session.execute(text("SELECT count(*) FROM customer")).scalar() == 0


def test_a_broken_key_is_the_same_error_on_both(database: Engine) -> None:
    with writing(database) as session:
        people(session, 1)
    with writing(database) as session, pytest.raises(IntegrityError):
        people(session, 1)


def test_rows_alike_go_in_and_change_together(database: Engine) -> None:
    with writing(database) as session:
        people(session, 3)
        insert_alike(session, table_of(Consent), "customer_id", np.array([1, 3]), {**OFFERS, "granted": True, "since": 2**60})
        update_alike(session, table_of(Consent), "customer_id", [3, 99], {"granted": False, "since": 7})
        insert_alike(session, table_of(Consent), "customer_id", np.array([], np.int64), {**OFFERS, "granted": True, "since": 1})
    with reading(database) as session:
        rows = session.execute(text("SELECT customer_id, purpose, granted, since FROM consent ORDER BY 1")).all()
    assert [tuple(row) for row in rows] == [(1, "offers", True, 2**60), (3, "offers", False, 7)]


@pytest.mark.parametrize("different", [1, 7, 100])
def test_rows_get_their_values_however_many_are_alike(database: Engine, different: int) -> None:
    with writing(database) as session:
        people(session, 100)
        given = [
            (None if number % different else f"Town {number % different}", number % different, f"c{number}") for number in range(1, 101)
        ]
        update_rows(session, table_of(Customer), "key", ("city", "changed_at"), given)
    with reading(database) as session:
        rows = session.execute(text("SELECT city, changed_at, key FROM customer ORDER BY id")).all()
    assert [tuple(row) for row in rows] == given
