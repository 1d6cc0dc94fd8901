"""Reads a section's tables by the names of their columns, and adds them up."""

from typing import Any

from response.parts import Section, Word


def table_rows(section: Section | None, name: str) -> list[dict[str, Any]]:
    """The rows of a table by the names of its columns, effects as they are; the row of the sum is called `sum`."""
    assert section is not None
    (found,) = [each for each in section.tables if each.name == name]
    columns = [column.name for column in found.columns]
    return [dict(zip(columns, [cell.code if isinstance(cell, Word) else cell for cell in row], strict=True)) for row in found.rows]


def assert_it_adds_up(section: Section | None) -> None:
    """Each table with a sum holds what its other rows make together, in every column that says so."""
    assert section is not None
    summed = [each for each in section.tables if each.total is not None]
    assert summed
    for table in summed:
        assert table.total is not None
        found = table_rows(section, table.name)
        total = found.pop(table.total)
        assert table.sums
        assert {name: total[name] for name in table.sums} == {name: round(sum(row[name] for row in found), 9) for name in table.sums}
