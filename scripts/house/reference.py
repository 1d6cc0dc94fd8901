"""Everything in docs/ that comes from the code: `python -m scripts.house.reference` writes it, tests/test_docs.py compares it.

A page that is written here says so in its second line; whoever wants it different changes the code that it comes from.
"""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeGuard, get_args
from zoneinfo import ZoneInfo

from pydantic import BaseModel
from typer.main import get_command
from typer.testing import CliRunner

from contactflow.checking import check_context, check_one
from contactflow.commands import app
from contactflow.present import NOW
from contactflow.settings import Secrets, Settings
from customers.conditions.vocabulary import BUILT_IN
from engine.language.reference import PAGE, SCHEMA, schema_text
from engine.language.reference import reference_page as flow_language
from engine.picture import draw_dot, render
from engine.reasons import REASONS
from landing.app import landing_app
from landing.description import description_text
from landing.settings import LandingSettings
from response.reference import reference_page as report_json
from store.clock import SystemClock
from store.session import open_database

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
WRITTEN = "*Written from the code by `scripts/reference`; a test fails when it is not up to date.*"
VARIABLES = {NOW: "The moment that commands take for now, for rehearsals: `2026-03-02 09:00`."}


def written() -> dict[str, Callable[[], str]]:
    """Every file below docs/ that is written from the code, and what writes it."""
    return {
        f"reference/{PAGE}": flow_language,
        f"reference/{SCHEMA}": schema_text,
        "reference/report-json.md": report_json,
        "reference/settings.md": settings_page,
        "reference/commands.md": commands_page,
        "reference/reasons.md": reasons_page,
        "reference/attributes.md": attributes_page,
        "reference/landing-openapi.json": landing_description,
        "images/winback.svg": winback_picture,
    }


def settings_page() -> str:
    """Every key of contactflow.toml, and every variable of the environment."""
    return _page("Settings", _settings())


def commands_page() -> str:
    """Every command with the help that it prints."""
    return _page("Commands", _commands())


def reasons_page() -> str:
    """The closed list of reasons."""
    rows = [f"| `{reason.value}` | {sentence} |" for reason, sentence in REASONS.items()]
    head = ["Why a member left, and why a message was not sent. `contactflow explain`, `status`, `simulate` and the report use this list."]
    return _page("Reasons", [*head, "", "| reason | what it says |", "|---|---|", *rows])


def attributes_page() -> str:
    """What every customer has, whatever the workspace declares."""
    rows = [f"| `{name}` | {each.kind.value} | {each.title} |" for name, each in BUILT_IN.items()]
    head = (
        "What conditions and templates (`{{ customer.NAME }}`) may say of a customer in every workspace. "
        "A workspace adds its own under `[attributes]` in `contactflow.toml`. Templates also have `{{ customer.said_QUESTION }}`: what the "
        "customer said last in answer to a question of a form; conditions write `said QUESTION = 'value'`."
    )
    return _page("Attributes", [head, "", "| attribute | kind | what it holds |", "|---|---|---|", *rows])


def winback_picture() -> str:
    """The campaign that the README shows."""
    graph = check_one(ROOT / "flows" / "winback.yaml", check_context(ROOT)).require()
    return render(draw_dot(graph), "svg").decode()


def landing_description() -> str:
    """The public addresses, as OpenAPI."""
    settings = LandingSettings("http://127.0.0.1:8484", ROOT / "templates", (b"it signs nothing here",), ZoneInfo("UTC"))
    return description_text(landing_app(open_database("sqlite:///never-opened.db"), settings, SystemClock(), lambda _: None))


def _page(title: str, lines: Any) -> str:
    return "\n".join([f"# {title}", "", WRITTEN, "", *lines]).rstrip() + "\n"


def _settings() -> Iterator[str]:
    yield from ("`contactflow.toml` lies at the top of a workspace. Every key has a default, so a new file may be empty.", "")
    for name, info in Settings.model_fields.items():
        section = info.annotation
        if _is_section(section):
            yield from _section(name, section)
        else:
            yield from (f"## `[{name}]`", "", info.description or "")
            for each in get_args(section):  # sections of which a file may have many, each with a name
                if isinstance(each, type) and issubclass(each, BaseModel):
                    yield from ("", *_keys(each))
        yield ""
    yield from ("## The environment", "", (Secrets.__doc__ or "").strip(), "", "| variable | what it says |", "|---|---|")
    yield from (f"| `CONTACTFLOW_{name.upper()}` | {info.description} |" for name, info in Secrets.model_fields.items())
    yield from (f"| `{name}` | {text} |" for name, text in VARIABLES.items())
    yield "| `PREFECT_API_URL` | A Prefect server that several machines share; without it, the workspace has its own. |"


def _section(name: str, section: type[BaseModel]) -> Iterator[str]:
    """A section, and those inside it under their own names."""
    yield from (f"## `[{name}]`", "", (section.__doc__ or "").strip(), "", *_keys(section))
    for key, each in section.model_fields.items():
        if _is_section(each.annotation):
            yield from ("", *_section(f"{name}.{key}", each.annotation))


def _is_section(annotation: Any) -> TypeGuard[type[BaseModel]]:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _keys(section: type[BaseModel]) -> Iterator[str]:
    yield from ("| key | what it says | default |", "|---|---|---|")
    keys = ((key, each) for key, each in section.model_fields.items() if not _is_section(each.annotation))
    yield from (f"| `{key}` | {_said(each)} | {_default(each)} |" for key, each in keys)


def _said(field: Any) -> str:
    words = [each for part in (field.annotation, *get_args(field.annotation)) for each in get_args(part) if isinstance(each, str)]
    accepted = f" One of {', '.join(f'`{word}`' for word in words)}." if words else ""
    return (field.description or "") + accepted


def _default(field: Any) -> str:
    if field.is_required():
        return "needed"
    match field.default:
        case None:
            return "none"
        case tuple():
            return "`[" + ", ".join(f'"{each}"' for each in field.default) + "]`"
        case str():
            return f'`"{field.default}"`'
    return f"`{field.default}`"


def _commands() -> Iterator[str]:
    names = sorted(get_command(app).commands)  # type: ignore[attr-defined]  # a group, which click's type does not say
    yield from ("`contactflow COMMAND --help` prints the same. Exit codes: 0 done, 1 the input is at fault, 2 typed wrongly.", "")
    for name in names:
        yield from (f"## {name}", "", "```text", _help(name), "```", "")


def _help(command: str) -> str:
    return CliRunner().invoke(app, [command, "--help"], prog_name="contactflow", env={"NO_COLOR": "1", "COLUMNS": "100"}).stdout.strip()


def main() -> None:
    """Write every file that is not up to date, then run the examples of the pages and write down what they print."""
    from scripts.house.examples import PAGES, play, told  # noqa: PLC0415  # it imports this module's ROOT

    for name, write in written().items():
        _bring_up_to_date(DOCS / name, write())
    for page in PAGES:
        with tempfile.TemporaryDirectory() as folder:
            _bring_up_to_date(page, play(page.read_text(encoding="utf-8"), Path(folder)), told)


def _bring_up_to_date(file: Path, text: str, essence: Callable[[str], str] = str) -> None:
    if file.is_file() and essence(file.read_text(encoding="utf-8")) == essence(text):
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    print(f"written: {file.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
