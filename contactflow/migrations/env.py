"""Run by alembic: migrates over the connection that it is given, in the caller's transaction."""

from typing import Any, Literal

from alembic import context
from sqlmodel import SQLModel

import customers.tables
import engine.tables
import landing.tables

assert customers.tables
assert engine.tables
assert landing.tables

# A migration says what the database holds and must not change with our code.
PLAIN = {"AutoString": "sa.String()", "Instant": "sa.BigInteger()", "Json": "sa.Text()"}


def plainly(kind: str, item: Any, _: Any) -> str | Literal[False]:
    """How a column's type is written in a migration."""
    return PLAIN.get(type(item).__name__, False) if kind == "type" else False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SQLModel.metadata,
    render_as_batch=True,
    render_item=plainly,
)
context.run_migrations()
