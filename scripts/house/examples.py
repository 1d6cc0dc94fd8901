"""The examples of the pages: run in a workspace of their own, so that a page can not say what does not happen.

In a page, a block of `sh` is run, and a block of `text` that follows it at once is what it printed. A block after the comment
`<!-- file: NAME -->` is written to that file first. `<!-- not run: WHY -->` leaves a block alone. All blocks of a page share
one folder and one shell's worth of files, from top to bottom; a line that ends in `# fails` must fail. A page that says
`<!-- run in: a copy of the project -->` gets one, and its commands are the copy's.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from scripts.house.reference import DOCS, ROOT

_HOW_TO = ("add-a-node-type", "add-a-provider", "analyse-in-a-notebook", "read-a-report")
PAGES = (ROOT / "README.md", DOCS / "tutorial.md", *(DOCS / "how-to" / f"{name}.md" for name in _HOW_TO))
_BLOCK = re.compile(
    r"(?:<!-- (?P<order>file|not run): (?P<subject>[^>]*?) -->\n)?^```(?P<language>[a-z]*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL
)
_COPY = "<!-- run in: a copy of the project -->"
_COPIED = (
    "channels",
    "contactflow",
    "customers",
    "docs",
    "engine",
    "flows",
    "landing",
    "response",
    "store",
    "studio",
    "templates",
    "tests",
)
_SECONDS = re.compile(r"\b\d+\.\d s\b")
_VERSION = re.compile(r"\bversion [0-9a-f]{12}\b")
_SWALLOWED = {"CONTACTFLOW_DATABASE_URL", "CONTACTFLOW_SECRET_KEY", "CONTACTFLOW_NOW", "PREFECT_API_URL"}


class ExampleError(Exception):
    """A block of a page that does not do what the page says."""


@dataclass(frozen=True)
class Block:
    """A fenced block of a page, and where its body stands."""

    language: str
    body: str
    start: int
    end: int
    order: str | None
    subject: str | None


def blocks(page: str) -> Iterator[Block]:
    """Every fenced block, from top to bottom."""
    for match in _BLOCK.finditer(page):
        yield Block(match["language"], match["body"], match.start("body"), match.end("body"), match["order"], match["subject"])


def play(page: str, folder: Path, prefect: str | None = None) -> str:
    """Run a page's blocks in `folder`; gives the page with what they really printed. Raises ExampleError.

    `prefect` is the address of a Prefect server that runs already; without it every command starts its own, as a user's does.
    """
    if _COPY in page:
        _copy_project(folder)
    pieces, done, printed, end_of_shell = [], 0, None, -1
    for block in blocks(page):
        if block.order == "file":
            _write(folder, block)
        elif block.language == "sh" and block.order is None:
            printed, end_of_shell = _run(block.body, folder, prefect), block.end
        elif block.language == "text" and printed is not None and page[end_of_shell : block.start].strip() == "```\n\n```text":
            pieces += [page[done : block.start], printed]
            done = block.end
    return "".join([*pieces, page[done:]])


def told(text: str) -> str:
    """A text without what differs from run to run, or with every letter of a flow."""
    return _VERSION.sub("version 0", _SECONDS.sub("0.0 s", text))


def _copy_project(folder: Path) -> None:
    for name in _COPIED:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "contactflow.toml", folder)


def _write(folder: Path, block: Block) -> None:
    target = folder / (block.subject or "")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(block.body, encoding="utf-8")


def _run(script: str, folder: Path, prefect: str | None) -> str:
    """What a block prints. Each line is a command of its own; a folder that is changed to stays changed to."""
    # Coverage is measured by the tests; here it would only slow the servers down that the commands start.
    environment = {name: value for name, value in os.environ.items() if name not in _SWALLOWED and not name.startswith("COVERAGE_")}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment.get('PATH', '')}"
    environment |= {"COLUMNS": "100", "NO_COLOR": "1", "PWD_FILE": str(folder / ".pwd")}
    environment |= {"PREFECT_API_URL": prefect} if prefect else {}
    environment["PYTHONPATH"] = str(folder if (folder / "contactflow").is_dir() else ROOT)
    whole = f'set -e\n[ -f "$PWD_FILE" ] && cd "$(cat "$PWD_FILE")"\n{_with_failures(script)}\npwd > "$PWD_FILE"\n'
    done = subprocess.run(
        ["/bin/bash", "-c", whole], cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if done.returncode:
        raise ExampleError(f"{script}\nended with {done.returncode}:\n{done.stdout}")
    return done.stdout


def _with_failures(script: str) -> str:
    lines = (f"! {line.removesuffix('# fails').rstrip()} || exit 9" if line.endswith("# fails") else line for line in script.splitlines())
    return "\n".join(lines)
