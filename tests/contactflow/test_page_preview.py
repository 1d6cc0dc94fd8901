"""The landing page is looked at as somebody would see it, without a visit that is written down."""

import json
import re
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from tests.contactflow.conftest import FLOW, Call
from tests.landing.survey_pages import SURVEY

LOGO = Path("templates/winback/welcome.svg")


@pytest.fixture
def surveyed(workspace: Path, call: Call) -> Path:
    """A campaign with a form over several pages, and customers."""
    (workspace / "flows/spring.yaml").write_text(FLOW.replace("owner:", "page: spring.yaml\nowner:"))
    (workspace / "templates/spring.yaml").write_text(f"image: welcome.svg\n{SURVEY}thanks: {{voucher: PEAR-5}}\n")
    (workspace / "templates/welcome.svg").write_bytes(LOGO.read_bytes())
    assert call("import", "customers", workspace / "customers.csv", "--workspace", workspace).code == 0
    return workspace


def written(workspace: Path) -> int:
    """How many rows a visitor would have left."""
    with create_engine(f"sqlite:///{workspace}/contactflow.db").connect() as connection:
        counts = (connection.execute(text(f"SELECT count(*) FROM {name}")).scalar_one() for name in ("contact", "form_draft", "exposure"))
        return sum(counts)


def test_every_part_of_a_page_is_shown_in_every_language_to_a_customer_and_nothing_is_logged(
    surveyed: Path, call: Call, tmp_path: Path
) -> None:
    said = call("preview", "spring", "--page", "--customer", "c7", "-o", tmp_path / "out", "--format", "json", "--workspace", surveyed)
    shown = json.loads(said.out)["pages"]
    assert {each["part"] for each in shown} >= {"start", "sorry", "thanks"}
    assert {each["language"] for each in shown} == {"en", "nl", "de"}
    assert "Hello Name7," in (tmp_path / "out/start.en.html").read_text()
    assert ">Verder<" in (tmp_path / "out/start.nl.html").read_text()
    assert "PEAR-5" in (tmp_path / "out/thanks.de.html").read_text()
    assert written(surveyed) == 0


def test_each_file_stands_alone_and_leads_nowhere(surveyed: Path, call: Call, tmp_path: Path) -> None:
    assert call("preview", "spring", "--page", "-o", tmp_path, "--workspace", surveyed).code == 0
    for file in tmp_path.glob("*.*.html"):
        found = re.findall(r'(?:src|href|action|poster)="([^"]*)"', file.read_text())
        assert all(each.startswith(("#", "data:")) for each in found), file.name
    assert "data:image/svg+xml;base64," in (tmp_path / "start.en.html").read_text()
    leads = re.findall(r'href="([^"]+[.]html)"', (tmp_path / "index.html").read_text())
    assert sorted(leads) == sorted(file.name for file in tmp_path.glob("*.*.html"))


def test_a_page_is_shown_to_somebody_made_up(surveyed: Path, call: Call, tmp_path: Path) -> None:
    assert call("preview", "spring", "--page", "--as", "first_name=Zoë", "-o", tmp_path, "--workspace", surveyed).code == 0
    assert "Hello Zoë," in (tmp_path / "start.en.html").read_text()


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["--page"], 2, "-o FOLDER"),
        (["mail"], 2, "--customer"),
        (["--page", "-o", "{out}", "--as", "first_nam=Anna"], 1, "Did you mean 'first_name'?"),
        (["--page", "-o", "{out}", "--as", "Anna"], 1, "--as first_name=Anna"),
        (["--page", "-o", "{out}", "--customer", "c99"], 1, "There is no customer 'c99'."),
        (["--page", "-o", "{out}/file/below"], 1, "Name another folder"),
    ],
)
def test_what_cannot_be_shown_is_said(surveyed: Path, call: Call, tmp_path: Path, arguments: list[str], code: int, told: str) -> None:
    (tmp_path / "file").touch()
    said = call("preview", "spring", *(each.format(out=tmp_path) for each in arguments), "--workspace", surveyed)
    assert said.code == code
    assert told in said.err
