"""`contactflow serve` as a whole: a mail's link leads to a page, the answer wakes whoever waits, and Ctrl-C ends it well."""

import os
import re
import signal
import smtplib
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from sqlalchemy import Engine, text

from channels.fake import FakeChannel
from contactflow.serving import Ticker, where_links_lead
from engine.asked import RequestKind, Wanted, ask
from store.session import open_database, reading, writing
from studio.inbox.records import Mail, list_mails, read_mail
from tests.conftest import NOON
from tests.contactflow.conftest import Call
from tests.engine.conftest import Bench, bench, make_bench

__all__ = ["bench", "make_bench"]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def lmtp() -> int:
    """The port for what comes back by mail."""
    return free_port()


@pytest.fixture
def served(workspace: Path, call: Call, carry_out: Call, lmtp: int) -> Iterator[tuple[Path, str, subprocess.Popen[str]]]:
    root, port = workspace, free_port()
    address = f"http://127.0.0.1:{port}"
    with (root / "contactflow.toml").open("a") as settings:
        settings.write(f'\n[landing]\nbase_url = "{address}"\nport = {port}\n[email.returned]\nlisten = "127.0.0.1:{lmtp}"\n')
    assert call("import", "customers", root / "customers.csv", "-w", root).code == 0
    assert carry_out("spring", "-w", root).code == 0
    alone = {name: value for name, value in os.environ.items() if name != "PREFECT_API_URL"}  # it starts a Prefect of its own
    command = [sys.executable, "-m", "contactflow.cli", "serve", "-w", str(root)]
    server = subprocess.Popen(command, env=alone, stdout=subprocess.PIPE, text=True)
    try:
        wait_for(lambda: answers(address), "the server to answer")
        yield root, address, server
    finally:
        server.kill()
        server.communicate()


def answers(address: str) -> bool:
    try:
        return httpx.get(f"{address}/inbox").status_code == 200
    except httpx.TransportError:
        return False


def wait_for(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        if condition():
            return
        time.sleep(0.2)
    pytest.fail(f"waited in vain for {what}")


def a_mail(root: Path) -> str:
    return the_mail(root, 0).raw.decode().replace("=\r\n", "")


def the_mail(root: Path, number: int) -> Mail:
    database = open_database(f"sqlite:///{root / 'inbox.db'}")
    with reading(database) as session:
        mail = read_mail(session, list_mails(session, "", 1).mails[number].id)
    database.dispose()
    assert mail is not None
    return mail


def reached(root: Path) -> int:
    database = open_database(f"sqlite:///{root / 'contactflow.db'}")
    with reading(database) as session:
        goals: int = session.execute(text("SELECT count(*) FROM member WHERE ended = 'goal_reached'")).scalar_one()
    database.dispose()
    return goals


def test_a_link_leads_to_a_page_and_a_visit_or_a_reply_wakes_whoever_waits(
    served: tuple[Path, str, subprocess.Popen[str]], lmtp: int
) -> None:
    root, address, server = served
    links = re.findall(rf"{re.escape(address)}/p/[\w.-]+", a_mail(root))
    page = httpx.get(links[0], headers={"User-Agent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"})
    assert page.status_code == 200
    wait_for(lambda: reached(root) == 1, "the visitor to reach the goal")
    answered = the_mail(root, 1)
    with smtplib.LMTP("127.0.0.1", lmtp) as connection:
        reply = f"From: {answered.recipient}\r\nSubject: Re: {answered.subject}\r\n\r\nYes please\r\n"
        assert connection.sendmail(answered.recipient, [answered.sender], reply) == {}
    wait_for(lambda: reached(root) == 2, "who wrote back to reach the goal")
    assert httpx.get(f"{address}/p/not-a-link").status_code == 404
    assert "c1@example.com" in httpx.get(f"{address}/inbox", params={"q": "c1@example.com"}).text
    assert httpx.get(f"{address}/inbox", headers={"X-Forwarded-For": "203.0.113.9"}).status_code == 404
    assert httpx.get(f"{address}/inbox", headers={"Host": "pages.example.com"}).status_code == 404
    server.send_signal(signal.SIGTERM)
    assert server.wait(timeout=60) == 0


def test_a_port_that_is_taken_is_told_before_anything_is_begun(workspace: Path, call: Call) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        told = call("serve", "--port", taken.getsockname()[1], "-w", workspace)
    assert told.code == 1
    assert ": Address already in use. Stop what uses it, or choose another with --port" in told.err
    assert told.out == ""
    assert not (workspace / "inbox.db").exists()


def test_links_that_lead_to_another_port_of_this_machine_are_told_of() -> None:
    assert where_links_lead("http://127.0.0.1:8484", 8484) == "Landing pages: http://127.0.0.1:8484"
    assert where_links_lead("https://pages.example.com", 8484) == "Landing pages: https://pages.example.com"
    said = where_links_lead("http://127.0.0.1:8484", 8599)
    assert said.startswith("Landing pages: http://127.0.0.1:8599, but links lead to http://127.0.0.1:8484. Write base_url = ")


def test_whoever_carries_out_outlives_a_database_that_is_away_and_tells_of_it_once(bench: Bench) -> None:
    database, told, tried = bench.workspace.database, list[str](), threading.Event()

    def change(*statements: str) -> None:
        with writing(database) as session:
            for statement in statements:
                session.execute(text(statement))

    def tell(said: str) -> None:
        told.append(said)
        tried.set()

    def is_carried_out() -> bool:
        with reading(database) as session:
            return bool(session.execute(text("SELECT count(*) FROM request WHERE state = 'refused'")).scalar_one())

    change("ALTER TABLE request RENAME TO away")
    with bench.desk() as desk:
        ticker = Ticker(bench.workspace, desk, bench.clock, tell)
        thread = threading.Thread(target=ticker.run)
        thread.start()
        try:
            assert tried.wait(60)
            ticker.notice()
            change("ALTER TABLE away RENAME TO request")
            with writing(database) as session:
                ask(session, Wanted("k", RequestKind.JOIN, NOON, campaign="nowhere", given={"email": "ann@example.com"}))
            ticker.notice()
            wait_for(is_carried_out, "the request to be carried out")
        finally:
            ticker.stop()
            thread.join()
    assert len(told) == 1
    assert re.fullmatch(r"The work waits: \w+Error \(engine\.joining:\d+\)", told[0])
    assert "ann@" not in told[0]


def test_a_campaign_that_cannot_be_carried_out_is_told_by_name_and_stops_no_other(bench: Bench) -> None:
    bench.start("  in: {audience: everyone}\n  won: {goal: buys}\n")
    told, both = list[str](), threading.Event()

    def tell(said: str) -> None:
        told.append(said)
        if len(told) == 2:
            both.set()

    with writing(bench.workspace.database) as session:  # as if a later version of contactflow had stored them
        session.execute(text("UPDATE flow_version SET source = 'no flow'"))
        about = "'other', version, stored_at, source FROM flow_version"
        session.execute(text(f"INSERT INTO flow_version (campaign, version, stored_at, source) SELECT {about}"))
        session.execute(text("INSERT INTO campaign (name, started_at, version_id) SELECT 'other', 0, max(id) FROM flow_version"))
    with bench.desk() as desk:
        ticker = Ticker(bench.workspace, desk, bench.clock, tell)
        thread = threading.Thread(target=ticker.run)
        thread.start()
        try:
            assert both.wait(60)
        finally:
            ticker.stop()
            thread.join()
    assert [said.partition(" waits: ")[0] for said in told] == ["Campaign 'other'", "Campaign 'test'"]


@pytest.mark.usefixtures("prefect_server")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")  # as in test_runner.py
def test_a_campaign_for_many_gives_the_others_their_turn_and_goes_on_by_itself(tmp_path: Path, database: Engine) -> None:
    record, told, is_done = tmp_path / "record.jsonl", list[str](), threading.Event()
    bench = Bench(tmp_path, database, [FakeChannel("email", max_batch=10, record=record)])
    bench.people(25)
    bench.start("  in: {audience: everyone}\n  mail: {send: email, subject: Hi, template: words.txt, next: end}\n")

    def tell(said: str) -> None:
        told.append(said)
        if len(bench.sent()) == 25:
            is_done.set()

    with bench.desk() as desk:
        ticker = Ticker(bench.workspace, desk, bench.clock, tell, turn=timedelta(0))
        thread = threading.Thread(target=ticker.run)
        thread.start()
        try:
            assert is_done.wait(60)
        finally:
            ticker.stop()
            thread.join()
    assert [re.findall(r"send mail (\d+)", each) for each in told] == [["10"], ["10"], ["5"]]
