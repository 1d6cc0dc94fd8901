"""Write a migration from the difference between the tables and an empty-to-head database."""

import sys
import tempfile
from pathlib import Path

from alembic import command
from alembic.config import Config

from contactflow.migrations import FOLDER
from store.session import open_database


def main(message: str) -> None:
    """Write the next revision; look at it before it is committed."""
    with tempfile.TemporaryDirectory() as folder:
        engine = open_database(f"sqlite:///{Path(folder) / 'head.db'}")
        config = Config()
        config.set_main_option("script_location", str(FOLDER))
        with engine.connect() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            number = len(list((FOLDER / "versions").glob("[0-9]*.py"))) + 1
            command.revision(config, message=message, autogenerate=True, rev_id=f"{number:04}")
        engine.dispose()


if __name__ == "__main__":
    main(sys.argv[1])
