"""Facts of the same members beside each other, without a join that a database without statistics may read once for each member."""

from sqlalchemy import BigInteger, ColumnElement, FromClause, Select, Subquery, cast, func, null, select, union_all


def beside(everyone: FromClause, *facts: FromClause, name: str = "beside") -> Subquery:
    """A row for each row of `everyone`, with the columns of each of `facts`; NULL where a fact says nothing of the member.

    All are unique on member_id, and all other columns are whole numbers with names of their own. Rows are put one below the other and
    grouped, which sorts once; SQLite reads a grouped subquery again and again when it thinks that few rows ask for it.
    """
    columns = [(source, column.name) for source in (everyone, *facts) for column in source.c if column.name != "member_id"]
    stacked = union_all(*(_padded(source, columns) for source in (everyone, *facts))).subquery("stacked")
    known = [func.max(stacked.c[column]).label(column) for _, column in columns]
    here = func.count(stacked.c[next(column for source, column in columns if source is everyone)]) > 0
    return select(stacked.c.member_id, *known).group_by(stacked.c.member_id).having(here).subquery(name)


def _padded(source: FromClause, columns: list[tuple[FromClause, str]]) -> Select[tuple[int, ...]]:
    return select(source.c.member_id, *(_own(source, owner, column).label(column) for owner, column in columns))


def _own(source: FromClause, owner: FromClause, column: str) -> ColumnElement[int]:
    return cast(source.c[column] if source is owner else null(), BigInteger)
