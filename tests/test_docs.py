"""The documentation says what the code does: pages from the code are current, and every example on a page was run."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from typer.main import get_command

from contactflow.adapters import NAMES
from contactflow.checking import check_context, check_one
from contactflow.commands import app
from contactflow.settings import Secrets, Settings
from contactflow.starting import make_workspace
from engine.nodes import node_types
from engine.reasons import Reason
from scripts.house.examples import PAGES, ExampleError, blocks, play
from scripts.house.reference import DOCS, ROOT, written

EVERY_PAGE = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *(ROOT / "contactflow/starter").glob("*.md")])
LINK = re.compile(r"\]\(([^)#\s]+)(#[^)]*)?\)")


@pytest.mark.parametrize("name", list(written()))
def test_what_comes_from_the_code_is_up_to_date(name: str) -> None:
    assert (DOCS / name).read_text(encoding="utf-8") == written()[name](), "run: scripts/reference"


def test_every_page_with_examples_has_its_test() -> None:
    tests = "".join(file.read_text(encoding="utf-8") for file in (ROOT / "tests/examples").glob("test_*.py"))
    assert [page for page in PAGES if f'"{page.relative_to(ROOT).as_posix()}"' not in tests] == []


def test_an_example_that_fails_is_told_with_what_it_printed(tmp_path: Path) -> None:
    with pytest.raises(ExampleError, match="cannot stat"):
        play("```sh\nstat nothing-here\n```\n", tmp_path)


def test_an_example_that_should_fail_and_does_not_is_told(tmp_path: Path) -> None:
    with pytest.raises(ExampleError):
        play("```sh\ntrue  # fails\n```\n", tmp_path)


def test_what_an_example_prints_replaces_what_the_page_says(tmp_path: Path) -> None:
    page = "<!-- file: a.txt -->\n```text\nhello\n```\n\n```sh\ncat a.txt\n```\n\n```text\nsomething else\n```\n"
    assert play(page, tmp_path) == page.replace("something else", "hello")


@pytest.mark.parametrize("page", [ROOT / "README.md", DOCS / "tutorial.md"], ids=lambda page: page.stem)
def test_every_flow_on_a_page_is_one_that_check_accepts(page: Path, tmp_path: Path) -> None:
    """The last of several versions counts: a page may show a fault and how it is put right."""
    make_workspace(tmp_path)
    flows = {yaml.safe_load(block.body)["campaign"]: block.body for block in blocks(page.read_text("utf-8")) if block.language == "yaml"}
    assert flows
    for name, text in flows.items():
        file = tmp_path / "flows" / f"{name}.yaml"
        file.write_text(text, encoding="utf-8")
        assert check_one(file, check_context(tmp_path)).faults == ()


@pytest.mark.parametrize("page", EVERY_PAGE, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_leads_somewhere(page: Path) -> None:
    links = {link for link, _ in LINK.findall(page.read_text(encoding="utf-8")) if "://" not in link}
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_every_settings_block_can_be_read() -> None:
    found = [block.body for page in EVERY_PAGE for block in blocks(page.read_text(encoding="utf-8")) if block.language == "toml"]
    assert found
    for text in found:
        Settings.model_validate(tomllib.loads(text))


def test_every_node_type_is_in_the_reference() -> None:
    page = (DOCS / "reference/flow-language.md").read_text(encoding="utf-8")
    assert [word for word in node_types() if f"### `{word}`" not in page] == []


def test_every_command_is_in_the_reference() -> None:
    page = (DOCS / "reference/commands.md").read_text(encoding="utf-8")
    commands = get_command(app).commands  # type: ignore[attr-defined]  # a group, which the type does not say
    assert [name for name in commands if f"\n## {name}\n" not in page] == []


def test_every_command_has_an_example_in_its_help() -> None:
    commands = get_command(app).commands  # type: ignore[attr-defined]  # see above
    assert [name for name, command in commands.items() if f"Example: contactflow {name}" not in (command.help or "")] == []


def test_every_setting_and_secret_is_in_the_reference() -> None:
    page = (DOCS / "reference/settings.md").read_text(encoding="utf-8")
    assert [name for name in Settings.model_fields if f"## `[{name}]`" not in page] == []
    assert [name for name in Secrets.model_fields if f"`CONTACTFLOW_{name.upper()}`" not in page] == []


def test_every_reason_is_in_the_reference() -> None:
    page = (DOCS / "reference/reasons.md").read_text(encoding="utf-8")
    assert [reason for reason in Reason if f"| `{reason.value}` |" not in page] == []


@pytest.mark.parametrize("channel", NAMES)
def test_every_channel_has_a_word_on_how_to_send_over_it(channel: str) -> None:
    words = {"email": "## E-mail", "sms": "Text messages", "print": "Letters"}
    assert words[channel] in (DOCS / "how-to/send-for-real.md").read_text(encoding="utf-8")


def test_every_page_that_the_code_sends_its_reader_to_exists() -> None:
    named = {
        match
        for package in ("channels", "contactflow", "customers", "engine", "landing", "response", "store", "studio")
        for file in (ROOT / package).rglob("*.py")
        for match in re.findall(r"docs/[\w/-]+\.md", file.read_text(encoding="utf-8"))
    }
    assert named
    assert sorted(name for name in named if not (ROOT / name).is_file()) == []


def test_the_glossary_is_in_alphabetical_order() -> None:
    words = re.findall(r"^\| \*\*(.+?)\*\* \|", (DOCS / "glossary.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert len(words) > 40
    assert words == sorted(words, key=str.lower)
