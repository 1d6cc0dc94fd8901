"""What waits in a file is taken over from the dead, once, and from nobody who lives."""

import logging
import resource
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import create_engine

from landing.spool import LARGEST, SUFFIX, Spool
from landing.traces import MOST, Trace, Traces
from store.clock import FixedClock
from store.session import open_database
from tests.conftest import NOON


def left_behind(folder: Path) -> list[str]:
    """What a new process takes over, which then dies, too."""
    spool = Spool(folder)
    lines = spool.taken_over()
    spool.close(is_done=False)
    return lines


def test_only_what_the_dead_left_is_taken_over_and_from_nobody_who_lives(tmp_path: Path) -> None:
    dead, alive = Spool(tmp_path), Spool(tmp_path)
    dead.add("one")
    dead.add("two")
    alive.add("mine")
    dead.close(is_done=False)
    assert left_behind(tmp_path) == ["one", "two"]
    assert alive.taken_over() == ["one", "two"]
    assert left_behind(tmp_path) == []
    alive.close(is_done=False)
    assert left_behind(tmp_path) == ["mine", "one", "two"]


def test_a_line_that_was_not_written_to_its_end_is_left_out(tmp_path: Path) -> None:
    (tmp_path / f"dead{SUFFIX}").write_bytes(b"whole\nhal")
    assert left_behind(tmp_path) == ["whole"]


def test_what_is_done_is_no_longer_there_and_a_large_file_is_begun_anew(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.add("x" * (LARGEST + 1))
    spool.add("still")
    spool.keep(1, ["still"])
    assert [file.read_bytes() for file in tmp_path.iterdir()] == [b"still\n"]
    spool.add("more")
    spool.keep(0, [])
    assert [file.read_bytes() for file in tmp_path.iterdir()] == [b""]
    spool.add("again")
    assert [file.read_bytes() for file in tmp_path.iterdir()] == [b"again\n"]
    spool.close(is_done=True)
    assert list(tmp_path.iterdir()) == []


def test_what_a_full_disk_takes_a_part_of_is_kept_where_it_was(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.add("x" * (LARGEST + 1))
    spool.add("still")
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3, hard))
    try:
        with pytest.raises(OSError, match="No space left"):
            spool.keep(1, ["still"])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    spool.close(is_done=False)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_a_large_file_most_of_which_still_waits_is_not_written_again_after_each_piece_of_work(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    for line in ("x" * (LARGEST + 1), "two", "three"):
        spool.add(line)
    spool.keep(2, map(pytest.fail, ["the lines were gone through"]))
    assert len(next(tmp_path.iterdir()).read_bytes()) > LARGEST
    spool.keep(1, ["three"])
    assert [file.read_bytes() for file in tmp_path.iterdir()] == [b"three\n"]
    spool.close(is_done=True)


def test_a_line_that_cannot_be_read_keeps_no_server_from_starting(
    tmp_path: Path, clock: FixedClock, caplog: pytest.LogCaptureFixture
) -> None:
    good = Trace(7, NOON, 12.5, human=True, number=3, label="link 3").line.encode()
    (tmp_path / f"dead{SUFFIX}").write_bytes(b"\0\0\xff\n5\n[1, 2]\n" + good + b"\n")
    traces = Traces(open_database("sqlite:////no/such/folder/at/all.db"), clock, ZoneInfo("UTC"), lambda _: None, tmp_path)
    traces.begin()
    traces.stop()
    assert "3 clicks and opens that waited in a file cannot be read, and are lost." in caplog.messages
    assert "1 clicks and opens wait for the next server: the database was away when the server stopped." in caplog.messages


def test_the_file_grows_no_further_than_what_may_wait_while_the_database_is_away(tmp_path: Path, clock: FixedClock) -> None:
    traces = Traces(open_database("sqlite:////no/such/folder/at/all.db"), clock, ZoneInfo("UTC"), lambda _: None, tmp_path)
    traces.begin()
    for number in range(2 * MOST + MOST // 5):
        traces.note(number, human=True)
    (file,) = tmp_path.iterdir()
    assert len(file.read_bytes().splitlines()) <= 2 * MOST
    traces.stop()


def test_a_trace_is_the_same_after_it_waited_in_a_file() -> None:
    trace = Trace(7, NOON, 12.5, human=True, number=3, label="link 3 shop.example/of/…\n")
    assert Trace.of(trace.line) == trace
    assert "\n" not in trace.line


def test_without_a_place_on_the_disk_clicks_wait_in_memory_and_it_is_said_once(
    tmp_path: Path, clock: FixedClock, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "taken").write_text("a file where the folder would be")
    traces = Traces(create_engine("sqlite://"), clock, ZoneInfo("UTC"), lambda _: None, tmp_path / "taken")
    with caplog.at_level(logging.ERROR, "landing.traces"):
        traces.begin()
        traces.note(1, human=True, number=1)
        traces.note(1, human=True, number=1)
    assert [record.getMessage() for record in caplog.records] == ["Clicks wait in memory only from now on: File exists."]
