from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text
from sqlmodel import SQLModel

from contactflow.migrations import FOLDER, HEAD, bring_up_to_date
from store.session import open_database


def test_migrated_tables_are_those_of_the_code(database_url: str) -> None:
    engine = open_database(database_url)
    bring_up_to_date(engine)
    with engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), SQLModel.metadata)
    engine.dispose()
    assert differences == []


def test_bringing_up_to_date_twice_changes_nothing(database_url: str) -> None:
    engine = open_database(database_url)
    bring_up_to_date(engine)
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO campaign (name, started_at) VALUES ('x', 1)"))
    bring_up_to_date(engine)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT name FROM campaign")).scalar() == "x"
    engine.dispose()


def test_head_is_the_newest_revision() -> None:
    assert max(path.name[:4] for path in Path(FOLDER / "versions").glob("[0-9]*.py")) == HEAD
