"""What the landing pages may do in PostgreSQL, as SQL for whoever runs the database: a role of their own that reads no more than they need.

The profile is read through a view that holds only the attributes that a page names, so that a new attribute stays unread until a page
asks for it. The contact log and the evidence of consent can be added to, and neither changed nor taken away.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from sqlmodel import SQLModel

import customers.tables
import engine.tables
import landing.tables
from landing.page_files import NO_NODE
from store.errors import InputError

assert customers.tables
assert engine.tables
assert landing.tables
SCHEMA = "pages"
_ROLE = re.compile(r"[a-z_][a-z0-9_]{0,62}")
_WORD = re.compile(r"[a-z][a-z0-9_]*")
EVERY = ("*",)


@dataclass(frozen=True, slots=True)
class Rights:
    """What may be done with one table: columns that are read and changed, and whether rows may be added and removed."""

    reads: tuple[str, ...] = EVERY
    changes: tuple[str, ...] = ()
    adds: bool = False
    removes: bool = False


_SENT = ("merged", "address", "settled_at")
# One column that may be changed is also what PostgreSQL asks of whoever locks a row.
RIGHTS: Mapping[str, Rights] = {
    "alembic_version": Rights(),
    "campaign": Rights(("id", "name", "version_id")),
    "choice": Rights(adds=True),
    "consent": Rights(adds=True, changes=("granted", "since")),
    "consent_event": Rights(adds=True),
    "contact": Rights(("id", "at", "customer_id", "channel", "kind", "key", "message_id", "human", "detail"), adds=True),
    "customer": Rights(changes=("changed_at",)),
    "flow_version": Rights(("id", "campaign", "version", "source")),
    "form_draft": Rights(adds=True, changes=("sittings", "given", "changed_at"), removes=True),
    "member": Rights(("id", "campaign_id", "customer_id", "entry", "due_at"), changes=("due_at",)),
    "outbox": Rights(
        ("id", "member_id", "version_id", "customer_id", "node", "channel", "arm", "state", "queued_at", "code", "wording_id", *_SENT),
        changes=("state", "reason"),
    ),
    "request": Rights(("id", "key", "kind", "at", "campaign", "customer_id", "message_id", "state", "member_id", "document"), adds=True),
    "stated_preference": Rights(adds=True, changes=("question", "answer", "at", "campaign", "message_id"), removes=True),
    "suppression": Rights(adds=True),
    "voucher": Rights(("code", "message_id"), adds=True),
    "wording": Rights(("id", "source")),
}


def role_sql(role: str, attributes: Collection[str]) -> str:
    """The statements that make the role or bring it up to date, for the owner of the tables; they may be run again.

    `attributes` are those of the profile that the pages show. Raises InputError for a name that needs quoting.
    """
    if not _ROLE.fullmatch(role):
        raise InputError(f"'{role[:60]}' cannot be a role. Use small letters, figures and _, beginning with a letter.")
    return "\n".join([*_begin(role), *_profile(role, sorted(attributes)), *_exposures(role), *_tables(role), "COMMIT;", ""])


def shown_attributes(templates: Path, attributes: Collection[str]) -> list[str]:
    """Those attributes whose name stands in any page file (`*.yaml` under templates/), the ones that conditions ask for included."""
    words: set[str] = set()
    for path in templates.rglob("*.yaml"):
        words.update(_WORD.findall(path.read_text(encoding="utf-8", errors="replace")))
    return sorted(set(attributes) & words)


def _begin(role: str) -> Iterator[str]:
    yield "-- What contactflow's landing pages may do. Run it as the owner of the tables, and again after an update or a new page:"
    yield f"--   contactflow pages-role {role} | psql DATABASE        then once, in psql:  \\password {role}"
    yield "BEGIN;"
    yield f"DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') THEN CREATE ROLE {role} LOGIN; END IF; END $$;"
    yield f"ALTER ROLE {role} NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS;"
    for setting in (f"search_path = {SCHEMA}, public", "statement_timeout = 15000", "idle_in_transaction_session_timeout = 30000"):
        yield f"DO $$ BEGIN EXECUTE format('ALTER ROLE {role} IN DATABASE %I SET {setting}', current_database()); END $$;"
    yield "REVOKE CREATE ON SCHEMA public FROM PUBLIC;"
    yield f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {role};"
    yield f"REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM {role};"
    yield f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE;"
    yield f"CREATE SCHEMA {SCHEMA};"
    yield f"GRANT USAGE ON SCHEMA public, {SCHEMA} TO {role};"


def _profile(role: str, attributes: Collection[str]) -> Iterator[str]:
    columns = ", ".join(f'"{name}"' for name in ("customer_id", *attributes))
    yield f"CREATE VIEW {SCHEMA}.profile AS SELECT {columns} FROM public.profile;"  # noqa: S608 - names of declared attributes
    yield f"GRANT SELECT, INSERT, UPDATE ON {SCHEMA}.profile TO {role};"


def _exposures(role: str) -> Iterator[str]:
    """Who sees which variant of a page, and nothing of who is in which arm of a node, the hold-out least of all; nor can it be forged."""
    columns = ", ".join(f'"{column.name}"' for column in SQLModel.metadata.tables["exposure"].columns)
    only = f"WHERE strpos(node, '{NO_NODE}') > 0 WITH LOCAL CHECK OPTION"
    yield f"CREATE VIEW {SCHEMA}.exposure AS SELECT {columns} FROM public.exposure {only};"  # noqa: S608 - names of our own
    yield f"GRANT SELECT, INSERT ON {SCHEMA}.exposure TO {role};"


def _tables(role: str) -> Iterator[str]:
    for name, rights in RIGHTS.items():
        yield f"GRANT {', '.join(_of(rights))} ON public.{name} TO {role};"
        if rights.adds and "id" in SQLModel.metadata.tables[name].columns:
            yield f"GRANT USAGE ON SEQUENCE public.{name}_id_seq TO {role};"


def _of(rights: Rights) -> Iterator[str]:
    yield "SELECT" if rights.reads == EVERY else f"SELECT ({', '.join(rights.reads)})"
    if rights.adds:
        yield "INSERT"
    if rights.changes:
        yield f"UPDATE ({', '.join(rights.changes)})"
    if rights.removes:
        yield "DELETE"
