"""Migrations: the one place that knows all tables. `bring_up_to_date` is all that the rest calls."""

from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.exc import ProgrammingError

from store.errors import StorageError

HEAD = "0011"  # the newest revision; a test holds it together with versions/
FOLDER = Path(__file__).parent


def bring_up_to_date(engine: Engine) -> None:
    """Make or migrate the tables to this version of contactflow; does nothing, quickly, when they are.

    Raises StorageError for a database of a newer contactflow.
    """
    with engine.connect() as connection:
        found = _revision(connection)
        connection.rollback()
    if found != HEAD:
        _upgrade(engine, found)


def have_tables(engine: Engine) -> None:
    """As `bring_up_to_date`, also for who may not make tables: raises StorageError when somebody else has to."""
    try:
        bring_up_to_date(engine)
    except ProgrammingError as error:
        raise StorageError(
            "The tables are of another version of contactflow, and this role may not change them. Run `contactflow status` "
            "on a machine whose database address is the owner's, and then the SQL of `contactflow pages-role` again."
        ) from error


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    revision: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return revision


def _upgrade(engine: Engine, found: str | None) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.util.exc import CommandError

    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    # Two that start at once: the second waits for the lock, and then finds nothing to do.
    with engine.execution_options(contactflow_writing=True).connect() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SET LOCAL lock_timeout = 0"))  # however long the other takes
            connection.execute(text("SELECT pg_advisory_xact_lock(7304271)"))
        if found == _revision(connection):
            config.attributes["connection"] = connection
            try:
                command.upgrade(config, "head")
            except CommandError as error:
                raise StorageError(
                    f"The database is of a newer contactflow (revision {found}). Install that version, or a newer one."
                ) from error
        connection.commit()
