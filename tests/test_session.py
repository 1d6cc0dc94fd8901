from sqlalchemy import Engine, text

from store.session import reading


def test_a_database_answers(database: Engine) -> None:
    with reading(database) as session:
        assert session.execute(text("SELECT 1")).scalar() == 1
