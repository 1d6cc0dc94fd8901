"""Every wording that a report has is said somewhere, so that none is translated for nobody."""

import ast
import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

from response.words import LANGUAGES, table

RESPONSE = Path(str(files("response")))
# Words for codes that data or other layers bring: the last part of the key is not written in response/.
OPEN = ("channel", "reason", "month", "short", "did", "metric", "measure", "kind_of", "drop", "arm")
PARTS = {"Column": "col", "Section": "section", "Table": "table", "Chart": "table"}  # a class, and the prefix of its name's word


def said() -> set[str]:
    """Patterns of keys that the code of response/ names, whole or with gaps."""
    found: set[str] = set()
    for path in RESPONSE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            found |= set(_named(node))
    for path in (RESPONSE / "pages").glob("*.j2"):
        found |= {re.escape(key) for key in re.findall(r'read\("([\w.]+)"', path.read_text("utf-8"))}
    return found


def _named(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Constant(value=str(text)) if re.fullmatch(r"[\w.-]+", text):
            yield re.escape(text)
            yield rf"(section|term|define|{'|'.join(PARTS.values())})\.{re.escape(text)}"
        case ast.JoinedStr(values=[*parts]):
            pattern = "".join(re.escape(str(part.value)) if isinstance(part, ast.Constant) else ".+" for part in parts)
            if re.match(r"[a-z_]+\\\.", pattern):  # it names the prefix, which is enough to be looked for
                yield pattern
        case ast.keyword(arg="words", value=ast.Constant(value=str(prefix))):
            yield rf"{prefix}\..+"
        case ast.Call(func=ast.Name(id="Word") | ast.Attribute(attr="word"), args=[ast.Constant(value=str(prefix)), ast.AST(), *_]):
            yield rf"{prefix}\..+"
        case _:
            pass


def test_no_wording_is_unused() -> None:
    patterns = re.compile("|".join(f"(?:{each})" for each in sorted(said())))
    unused = [key for key in table("en") if not patterns.fullmatch(key) and key.split(".")[0] not in OPEN]
    assert not unused


def test_every_table_has_a_name_in_words() -> None:
    calls = [node for path in RESPONSE.rglob("*.py") for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Call)]
    tables = [call for call in calls if isinstance(call.func, ast.Name) and call.func.id == "Table" and call.args]
    untitled = [call.args[0] for call in tables if not any(word.arg == "title" for word in call.keywords)]
    names = [str(name.value) for name in untitled if isinstance(name, ast.Constant)]
    assert names
    assert [name for name in names if f"table.{name}" not in table("en")] == []


def test_all_languages_fill_in_the_same_things() -> None:
    gaps = {language: {key: set(re.findall(r"{(\w+)}", text)) for key, text in table(language).items()} for language in LANGUAGES}
    assert {key for key in gaps["en"] if gaps["en"][key] != gaps["nl"][key]} == set()
