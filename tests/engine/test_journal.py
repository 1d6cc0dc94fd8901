"""A journal is its owner's from the moment that it is opened, also when somebody looks for the dead at that very moment."""

import fcntl
import threading
from pathlib import Path

from channels.contract import MessageKey
from engine.journal import FOLDER, SUFFIX, Journal, orphans


def opened_while_taken_for_dead(state: Path, *, cleared: bool) -> Journal:
    """Somebody who looks for the dead has the new file in their hands, and lets go of it a moment later."""
    path = state / FOLDER / f"desk{SUFFIX}"
    path.parent.mkdir(parents=True)
    opened: list[Journal] = []
    with path.open("ab") as looking:
        fcntl.flock(looking, fcntl.LOCK_EX)
        owner = threading.Thread(target=lambda: opened.append(Journal.open(state, "desk")))
        owner.start()
        owner.join(timeout=0.2)
        assert not opened
        if cleared:
            path.unlink()
    owner.join(timeout=10)
    [journal] = opened
    return journal


def test_an_owner_waits_for_whoever_looks_at_the_new_journal(tmp_path: Path) -> None:
    journal = opened_while_taken_for_dead(tmp_path, cleared=False)
    assert list(orphans(tmp_path)) == []  # alive
    journal.close()


def test_an_owner_whose_new_journal_was_cleared_away_begins_another(tmp_path: Path) -> None:
    journal = opened_while_taken_for_dead(tmp_path, cleared=True)
    journal.start([MessageKey("v.1")])
    assert b"S v.1\n" in journal.path.read_bytes()
    assert list(orphans(tmp_path)) == []
    journal.close()


def test_many_who_open_journals_and_look_for_the_dead_never_disturb_each_other(tmp_path: Path) -> None:
    trouble: list[BaseException] = []

    def work(name: str) -> None:
        try:
            for number in range(50):
                journal = Journal.open(tmp_path, f"{name}-{number}")
                for remains in orphans(tmp_path):
                    remains.path.unlink(missing_ok=True)
                journal.start([MessageKey("v.1")])
                assert journal.path.exists()
                journal.close()
        except BaseException as error:  # noqa: BLE001  # the other thread's, to be told in this one
            trouble.append(error)

    threads = [threading.Thread(target=work, args=(name,)) for name in ("left", "right", "third")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert trouble == []
