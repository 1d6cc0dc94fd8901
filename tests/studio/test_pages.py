"""The studio's pages show what was sent, and let nothing in it act."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from store.clock import FixedClock
from studio.inbox.records import Arrival, keep, open_records
from studio.paths import StudioPaths
from studio.router import studio_router

EVIL = "<script>alert(1)</script>"
RAW = (
    f"From: a@example.com\r\nTo: jan@example.com\r\nSubject: Hi {EVIL}\r\nMIME-Version: 1.0\r\n"
    'Content-Type: multipart/alternative; boundary="b"\r\n\r\n'
    "--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nPlain & simple\r\n"
    f"--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<html><head></head><body>Hello {EVIL}"
    '<a href="https://example.com/p">My page</a><a href="javascript:alert(1)">Trick</a></body></html>\r\n--b--\r\n'
).encode()


@pytest.fixture
def paths(tmp_path: Path) -> StudioPaths:
    places = (tmp_path / "inbox.db", tmp_path / "sandbox/sms.jsonl", tmp_path / "print")
    return StudioPaths(*places, "De Zon & Co", ZoneInfo("Europe/Amsterdam"), lambda key: {"c-7": ["k7", "k8"]}.get(key, []))


@pytest.fixture
def client(paths: StudioPaths) -> Iterator[TestClient]:
    app = FastAPI()
    app.include_router(studio_router(paths))
    with TestClient(app) as opened:
        yield opened


@pytest.fixture
def filled(paths: StudioPaths, clock: FixedClock) -> None:
    now = clock.now()
    keep(
        open_records(paths.inbox),
        [Arrival(now, now, f"k{i}", "winback", "mail", "a@example.com", f"jan{i}@example.com", f"Hi {EVIL}", RAW) for i in range(120)],
    )


@pytest.mark.parametrize("path", ["/inbox", "/phone", "/letters"])
def test_a_fresh_workspace_has_calm_empty_pages(client: TestClient, path: str) -> None:
    page = client.get(path)
    assert page.status_code == 200
    assert " yet</h2>" in page.text
    assert "De Zon &amp; Co" in page.text


@pytest.mark.usefixtures("filled")
def test_mails_are_found_by_the_key_of_their_customer(client: TestClient) -> None:
    assert re.findall(r"jan(\d+)@", client.get("/inbox?q=c-7").text) == ["8", "7"]
    assert re.findall(r"jan(\d+)@", client.get("/inbox?q=c-7 jan8").text) == ["8"]
    assert "Nothing found" in client.get("/inbox?q=c-8").text


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize("path", ["/inbox", "/inbox/1"])
def test_times_are_those_of_the_workspace_and_its_zone_is_said_once(client: TestClient, path: str) -> None:
    page = client.get(path).text
    assert "2 Mar 2026, 13:00" in page
    assert "12:00" not in re.sub(r'datetime="[^"]*"', "", page)
    assert page.count("Times are those of Europe/Amsterdam.") == 1


@pytest.mark.usefixtures("filled")
def test_the_list_shows_the_newest_first_and_pages(client: TestClient) -> None:
    first, third = client.get("/inbox").text, client.get("/inbox?page=3").text
    assert re.findall(r"jan(\d+)@", first) == [str(index) for index in range(119, 69, -1)]
    assert re.findall(r"jan(\d+)@", third) == [str(index) for index in range(19, -1, -1)]
    assert EVIL not in first
    assert "1 mail found" in client.get("/inbox?q=jan7@").text
    assert client.get("/inbox?page=0").status_code == 422


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize("view", ["desk", "phone", "text", "links", "headers", "source", "nonsense"])
def test_a_mail_is_shown_in_every_way_and_nothing_in_it_runs(client: TestClient, view: str) -> None:
    page = client.get(f"/inbox/1?view={view}")
    assert page.status_code == 200
    assert "<script" not in page.text
    assert ' href="javascript:' not in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert ("<iframe" in page.text) == (view in ("desk", "phone", "nonsense"))
    assert ("Plain &amp; simple" in page.text) == (view in ("text", "source"))
    assert ('href="https://example.com/p"' in page.text) == (view == "links")
    assert ("<dt>From</dt>" in page.text) == (view == "headers")


@pytest.mark.usefixtures("filled")
def test_the_frame_can_run_and_load_nothing(client: TestClient) -> None:
    frame = client.get("/inbox/1/html")
    policy = frame.headers["content-security-policy"]
    assert "sandbox allow-popups allow-popups-to-escape-sandbox" in policy
    assert "allow-scripts" not in policy
    assert "default-src 'none'" in policy
    assert "img-src data:" in policy
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in client.get("/inbox/1").text
    assert frame.text.startswith('<base target="_blank">')


@pytest.mark.usefixtures("filled")
def test_the_record_can_be_read_by_a_machine(client: TestClient) -> None:
    assert client.get("/inbox.json").json() == {"mails": 120, "keys": 120, "duplicates": {}}


@pytest.mark.parametrize("path", ["/inbox/999", "/inbox/999/html", "/letters/x/letters.pdf", "/letters/..%2f..%2fetc/passwd"])
def test_what_is_not_there_says_so(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 404


def test_texts_are_a_conversation_for_each_number(client: TestClient, paths: StudioPaths) -> None:
    paths.texts.parent.mkdir()
    rows = [
        {
            "to": "+31600000001",
            "text": f"Hi {EVIL}, look: https://example.com/a?b=1&c=2.\nStop: https://example.com/o",
            "key": "k1",
            "segments": 2,
        },
        {"to": "+31600000002", "text": "Other", "key": "k2", "campaign": "winback", "node": "text", "at": "2026-03-02T12:00:00+00:00"},
        {"to": "+31600000001", "text": "Again", "key": "k3"},
    ]
    paths.texts.write_text("".join(json.dumps(row) + "\n" for row in rows) + '{"to": "half', encoding="utf-8")
    page = client.get("/phone").text
    assert re.findall(r"<h2>(.*?)</h2>", page) == ["+31600000001", "+31600000002"]
    assert EVIL not in page
    assert 'href="https://example.com/a?b=1&amp;c=2"' in page
    assert ">https://example.com/o</a>" in page
    assert "2 Mar 2026, 13:00 · winback · text" in page
    assert "2 segments" in page
    assert re.findall(r"<h2>(.*?)</h2>", client.get("/phone?q=other").text) == ["+31600000002"]


def test_print_runs_are_listed_and_nothing_else_is_served(client: TestClient, paths: StudioPaths) -> None:
    for name, at in (("run-1", "2026-03-02T09:00:00+00:00"), ("run-2", "2026-03-03T09:00:00+00:00")):
        run = paths.letters / name
        run.mkdir(parents=True)
        (run / "letters.pdf").write_bytes(b"%PDF-1.7")
        (run / "manifest.csv").write_text("sequence,key\n1,k1\n")
        (run / "batch.json").write_text(json.dumps({"title": f"Win back {name}", "at": at, "letters": 1, "pages": 2}))
    (paths.letters / ".unfinished-run-3").mkdir()
    (paths.letters / "half").mkdir()
    page = client.get("/letters").text
    assert re.findall(r"<h2>(.*?)</h2>", page) == ["Win back run-2", "Win back run-1"]
    assert "1 letter, 2 pages" in page
    assert client.get("/letters/run-1/letters.pdf").headers["content-type"] == "application/pdf"
    assert client.get("/letters/run-1/manifest.csv").text == "sequence,key\n1,k1\n"
    assert client.get("/letters/run-1/batch.json").status_code == 404
    assert client.get("/letters/half/letters.pdf").status_code == 404


def test_the_style_comes_from_here(client: TestClient) -> None:
    assert client.get("/studio.css").headers["content-type"].startswith("text/css")
    assert "url(" not in client.get("/studio.css").text
