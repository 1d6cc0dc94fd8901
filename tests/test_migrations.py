from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Engine, text
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


def _upgrade_to(engine: Engine, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


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


def test_a_filled_database_of_the_first_revision_comes_along(database_url: str) -> None:
    engine = open_database(database_url)
    _upgrade_to(engine, "0001")
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO flow_version (campaign, version, stored_at, source) VALUES ('x', 'abc', 1, '')"))
        connection.execute(text("INSERT INTO campaign (name, started_at, version_id) SELECT 'x', 1, id FROM flow_version"))
        connection.execute(text("INSERT INTO customer (key, created_at, changed_at) VALUES ('c', 1, 1)"))
        connection.execute(
            text(
                "INSERT INTO member (campaign_id, version_id, customer_id, entry, entered_at, node, arrived_at, hop, fresh)"
                " SELECT campaign.id, version_id, customer.id, 1, 1, 'n', 1, 0, true FROM campaign, customer"
            )
        )
    bring_up_to_date(engine)
    with engine.connect() as connection:
        found = connection.execute(text("SELECT version, goal_id, segment FROM member JOIN flow_version ON version_id = flow_version.id"))
        assert [tuple(row) for row in found] == [("abc", None, None)]
    engine.dispose()
