"""What was asked of the database while something was made: the SQL behind a figure, as it was sent."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, event
from sqlmodel import Session

_GAP = re.compile(r"%\((\w+)\)s|\?")


@contextmanager
def recorded(session: Session) -> Iterator[list[str]]:
    """A list that fills with the statements sent within the block, each once, their values filled in."""
    found: list[str] = []
    connection = session.connection()

    def sent(_connection: Connection, _cursor: object, statement: str, values: Any, _context: object, _many: object) -> None:
        text = _filled(statement, values)
        if text not in found:
            found.append(text)

    event.listen(connection, "before_cursor_execute", sent)
    try:
        yield found
    finally:
        event.remove(connection, "before_cursor_execute", sent)


def _filled(statement: str, values: Mapping[str, Any] | Sequence[Any]) -> str:
    """The statement as it can be sent again by hand. Our statements hold no text in quotes, so that every mark is a gap."""
    named = values if isinstance(values, Mapping) else None
    rest = iter(() if isinstance(values, Mapping) else values)

    def fill(gap: re.Match[str]) -> str:
        return _literal(named[gap[1]] if named is not None else next(rest))

    text = _GAP.sub(fill, statement)
    lines = (line.rstrip() for line in (text if named is None else text.replace("%%", "%")).splitlines())  # a sign that is no gap
    return "\n".join(line for line in lines if line)


def _literal(value: object) -> str:
    match value:
        case None:
            return "NULL"
        case bool():
            return str(value).upper()
        case int() | float():
            return str(value)
        case _:
            quoted = str(value).replace("'", "''")
            return f"'{quoted}'"
