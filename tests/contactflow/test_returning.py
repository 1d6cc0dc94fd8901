"""What comes back by mail is taken in once, whatever else is wrong with it, its neighbours, or the process."""

from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from channels.contract import MessageKey
from channels.email.incoming.mailroom import FOLDER, MOST_READ, Mailroom
from channels.feedback import Happening
from contactflow.mailing import EmailSection
from contactflow.returning import BATCH, Intake, Mail, Tally, ours_of, take_in_returned
from contactflow.settings import Settings
from engine.outbox import messages_to
from store.errors import StorageError
from store.session import open_database, reading, writing
from tests.conftest import NOON
from tests.email.returned_mails import KEY, OUR_HEADERS, OURS, PATHS, feedback, mail, report
from tests.engine.conftest import Bench

MAIL = """
  in: {audience: everyone}
  mail: {send: email, subject: Hi, template: words.txt}
  answer: {wait_for: response to mail, at_most: 9 days, then: won, timeout: end}
  won: {goal: answers}
"""
STRANGER = mail("From: someone@example.org\nTo: news@shop.example\nSubject: Your hours", "When are you open?")


@pytest.fixture
def bench(tmp_path: Path, database: Engine) -> Bench:
    """Six customers who got a mail; message n is of customer n."""
    made = Bench(tmp_path, database)
    made.people(6)
    made.carry_out(made.start(MAIL))
    return made


@pytest.fixture
def keys(bench: Bench) -> list[MessageKey]:
    version = rows(bench, "SELECT version FROM flow_version")[0][0]
    return [MessageKey(f"{version}.{n}") for n in range(7)]


@pytest.fixture
def room(bench: Bench) -> Mailroom:
    return Mailroom(bench.workspace.root / FOLDER)


def rows(bench: Bench, query: str) -> list[tuple[object, ...]]:
    with reading(bench.workspace.database) as session:
        return [tuple(row) for row in session.execute(text(query))]


def kinds(bench: Bench) -> list[tuple[object, ...]]:
    return rows(bench, "SELECT customer_id, kind FROM contact WHERE direction = 'in' ORDER BY customer_id")


def take_in(bench: Bench) -> Tally:
    return take_in_returned(bench.workspace.root, Intake(bench.workspace.database, OURS), NOON)


def bounce(key: MessageKey, status: str = "5.1.1") -> bytes:
    fate = f"Final-Recipient: rfc822; c@example.com\nAction: failed\nStatus: {status}\n"
    return report(fate, returned=OUR_HEADERS.replace(KEY, key), to=PATHS.return_path(key, "bounce.shop.example"))


def answer(key: MessageKey, words: str, more: str = "") -> bytes:
    return mail(f"From: c@example.com\nTo: news@shop.example\nSubject: Re: Hi\nIn-Reply-To: <{key}@shop.example>\n{more}", words)


def test_each_kind_of_mail_that_waits_is_taken_in_and_put_away(bench: Bench, keys: list[MessageKey], room: Mailroom) -> None:
    complaint = feedback("abuse", headers=OUR_HEADERS.replace(KEY, keys[3]))
    away = answer(keys[5], "Met vakantie", "Auto-Submitted: auto-replied\n")
    for raw in (bounce(keys[1]), bounce(keys[2], "4.2.2"), complaint, answer(keys[4], "Graag!"), away, STRANGER, b""):
        room.deposit(raw)
    told = take_in(bench)
    assert dict(told.happenings) == {
        Happening.BOUNCED_HARD: 1,
        Happening.BOUNCED_SOFT: 1,
        Happening.COMPLAINED: 1,
        Happening.REPLIED: 1,
        Happening.AUTO_REPLIED: 1,
    }
    assert (told.mails, told.not_ours, told.unreadable, told.repeated) == (7, 1, 1, 0)
    assert kinds(bench) == [(1, "bounced"), (2, "bounced"), (3, "complained"), (4, "replied"), (5, "auto_replied")]
    assert rows(bench, "SELECT address FROM suppression ORDER BY address") == [("c1@example.com",), ("c3@example.com",)]
    assert {1, 3, 4} <= told.customers
    assert room.waiting() == []
    assert sorted(each.name.partition(":")[2] for each in (bench.workspace.root / FOLDER / "cur").iterdir()) == ["2,FS"] + ["2,S"] * 6


def test_a_kill_between_taking_in_and_putting_away_costs_nothing(bench: Bench, keys: list[MessageKey], room: Mailroom) -> None:
    room.deposit(bounce(keys[1]))
    raw = room.read(room.waiting()[0])
    assert raw
    Intake(bench.workspace.database, OURS).take_in([Mail(raw)], NOON)
    told = take_in(bench)
    assert (told.mails, told.repeated) == (1, 1)
    assert kinds(bench) == [(1, "bounced")]
    assert room.waiting() == []


def test_a_mail_that_nobody_thought_of_keeps_back_no_other(bench: Bench, keys: list[MessageKey], room: Mailroom) -> None:
    with writing(bench.workspace.database) as session:  # a fault that shows itself only in the database
        for name in ("INSERT", "UPDATE"):
            session.execute(text(_REFUSAL[bench.workspace.database.dialect.name].format(name=name)))
    for raw in [bounce(keys[n]) for n in (1, 2)] + [answer(keys[3], "poison")] + [bounce(keys[n]) for n in (4, 5)]:
        room.deposit(raw)
    told = take_in(bench)
    assert (told.mails, told.unreadable, len(told.troubles)) == (5, 1, 1)
    assert [who for who, _ in kinds(bench)] == [1, 2, 4, 5]
    assert room.waiting() == []
    assert sum(each.name.endswith("FS") for each in (bench.workspace.root / FOLDER / "cur").iterdir()) == 1


_REFUSAL = {
    "sqlite": "CREATE TRIGGER poison_{name} BEFORE {name} ON contact WHEN NEW.detail LIKE '%poison%' BEGIN SELECT RAISE(FAIL, 'no'); END",
    "postgresql": "ALTER TABLE contact ADD CONSTRAINT poison_{name} CHECK (detail::text NOT LIKE '%poison%')",
}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # which has one lock for all writers
def test_what_cannot_be_written_now_waits_for_the_next_time(bench: Bench, keys: list[MessageKey], room: Mailroom, tmp_path: Path) -> None:
    room.deposit(bounce(keys[1]))
    impatient = open_database(f"sqlite:///{tmp_path / 'test.db'}", busy_seconds=0.05)
    with writing(bench.workspace.database) as session, pytest.raises(StorageError, match="busy"):
        session.connection()
        take_in_returned(bench.workspace.root, Intake(impatient, OURS), NOON)
    impatient.dispose()
    assert len(room.waiting()) == 1
    assert take_in(bench).mails == 1


def test_huge_and_broken_mails_are_taken_in_like_any(bench: Bench, keys: list[MessageKey], room: Mailroom) -> None:
    broken = bounce(keys[1]).replace(b"--B--", b"")
    huge = bounce(keys[2]) + b"x" * MOST_READ
    nested = b"Content-Type: multipart/mixed; boundary=a\r\n\r\n" + b"--a\r\nContent-Type: multipart/mixed; boundary=a\r\n\r\n" * 2_000
    for raw in (nested, broken, huge, b"\x00\xff" * 5_000):
        room.deposit(raw)
    assert take_in(bench).happenings == {Happening.BOUNCED_HARD: 2}
    assert kinds(bench) == [(1, "bounced"), (2, "bounced")]
    assert room.waiting() == []


def test_many_mails_are_taken_in_by_many_to_a_transaction(bench: Bench, keys: list[MessageKey]) -> None:
    mails = [Mail(answer(keys[1], f"answer {n}"), str(n)) for n in range(BATCH + 10)]
    away: list[str] = []
    told = Intake(bench.workspace.database, OURS).take_in(mails, NOON, lambda name, _: away.append(name))
    assert told.happenings[Happening.REPLIED] == BATCH + 10
    assert away == [mail.name for mail in mails]


def test_the_messages_to_a_customer_are_found_by_its_key(bench: Bench, keys: list[MessageKey]) -> None:
    with reading(bench.workspace.database) as session:
        assert [messages_to(session, key) for key in ("c2", "c5", "nobody")] == [[keys[2]], [keys[5]], []]


def test_our_own_mails_are_known_again_by_the_senders_and_the_bounce_domain() -> None:
    settings = Settings(email=EmailSection(sender="hi@Shop.example", bounce_domain="back.example"))
    ours = ours_of(settings, [b"0123456789abcdef"])
    assert ours.domains == {"shop.example", "back.example"}
    assert ours.paths.key_of(ours.paths.return_path(MessageKey("a.1"), "back.example")) == "a.1"
