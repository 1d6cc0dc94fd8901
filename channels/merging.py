"""Wording with {{ variables }}: compiled once, merged per recipient, in a sandbox that cannot reach beyond the values.

What every channel of plain text shares. A value is data: it is put on one line, never read as a template, and may be made
harmless for the channel's own mark-up by `guard`. A variable without a value (missing, or None) is false in a condition,
takes a `default`, and makes the message a CompositionFault when it is to be shown.
"""

import json
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from jinja2 import DictLoader, Template, TemplateError, TemplateSyntaxError, Undefined, UndefinedError, meta, nodes
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from channels.contract import CompositionFault, WordingFault
from channels.formats import FILTERS, reads_of

SCALARS = frozenset({"code", "node", "segment", "today", "voucher"})  # variables without a dot; all others are read as group.name
START = "{start}"  # no file can be called so where names are relative paths with an ending
Guard = Callable[[str], str]


class Missing(Undefined):
    """A variable without a value: may be asked for and replaced, but not shown."""

    # As Jinja's own classes do it.
    __str__ = __iter__ = __len__ = Undefined._fail_with_undefined_error  # noqa: SLF001 - there is no public name for it


class Sandbox(ImmutableSandboxedEnvironment):
    """Jinja that reaches nothing but the values, nor fills the memory by multiplication.

    A dot reads a value, never a method of the mapping that it stands in: ``customer.items`` is an attribute of that name.
    """

    intercepted_binops = frozenset({"*", "**", "%"})

    def getattr(self, obj: Any, attribute: str) -> Any:
        return self.getitem(obj, attribute) if isinstance(obj, Mapping) else super().getattr(obj, attribute)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        if not all(isinstance(each, int | float) and abs(each) < _LARGE for each in (left, right)) or (operator == "**" and right > 9):
            raise SecurityError(f"{operator} is for numbers of moderate size")
        return super().call_binop(context, operator, left, right)


_LARGE = 10**9


@dataclass(frozen=True)
class Texts:
    """A template and all that it includes, by name; START names where it begins. Compiles to the same thing for ever."""

    files: Mapping[str, str]
    guard: Guard = field(default=str, compare=False)

    @cached_property
    def variables(self) -> frozenset[str]:
        """Dotted names of what the texts read."""
        found: set[str] = set()
        for text in self.files.values():
            found |= _variables(_environment().parse(text))
        return frozenset(found)

    @cached_property
    def _template(self) -> Template:
        return _environment(self.files, self.guard).get_template(START)

    def merge(self, values: Mapping[str, Any]) -> str | CompositionFault:
        """The text for one recipient; pure."""
        try:
            return self._template.render(_with_values(values))
        except UndefinedError as error:
            name = self._dotted(str(error.message))
            return CompositionFault(f"{name or 'a variable'} has no value", name)
        except (TemplateError, ArithmeticError, LookupError, TypeError, ValueError, AttributeError, NameError, RecursionError) as error:
            return CompositionFault(f"the wording cannot be worked out ({type(error).__name__})")

    def _dotted(self, message: str) -> str | None:
        """The variable that Jinja's message is about: it quotes the last part of the name, or the first when there is no such group."""
        ends = (name for name in sorted(self.variables) if f"'{name.rsplit('.', 1)[-1]}'" in message)
        starts = (name for name in sorted(self.variables) if f"'{name.split('.', 1)[0]}' is undefined" in message)
        return next(ends, None) or next(starts, None)


def read_texts(template: Path, root: Path, guard: Guard = str) -> Texts | list[WordingFault]:
    """Read a template and what it includes from `root`, and try to compile it; all faults at once."""
    text = read_text(template)
    return text if isinstance(text, list) else compile_text(text, template, root, guard)


def compile_text(text: str, file: Path, root: Path, guard: Guard = str, line: int = 1) -> Texts | list[WordingFault]:
    """Compile a text that begins at `line` of `file`, with what it includes from `root`."""
    files: dict[str, str] = {}
    faults = list(_collect(START, text, file, root, files))
    if faults:
        return [
            WordingFault(each.file, each.line + (line - 1 if each.file == file else 0), 1, each.message, each.remedy) for each in faults
        ]
    return Texts(files, guard)


def read_text(file: Path) -> str | list[WordingFault]:
    """A file's text, or why it cannot be read."""
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        return [WordingFault(file, line, 1, "the file is not UTF-8 text.", "Save it as UTF-8 in your editor.")]
    except OSError:
        return [
            WordingFault(file, 1, 1, f"the template {file.name} cannot be read.", "Put the file there, or correct its name in the flow.")
        ]


def packed(document: Mapping[str, Any]) -> bytes:
    """A wording's source: JSON with its keys sorted, so that equal wordings are equal bytes."""
    return json.dumps(document, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def one_line(value: object) -> str:
    """A value as it may stand in a sentence: composed letters, no line breaks, nothing that cannot be seen."""
    text = unicodedata.normalize("NFC", str(value))
    if text.isprintable():
        return text
    seen = (" " if each.isspace() else each for each in text if each.isspace() or _is_seen(each))
    return " ".join("".join(seen).split())


def _is_seen(character: str) -> bool:
    # The two joiners cannot be seen either, but whole scripts and emoji families fall apart without them.
    return character in "\u200c\u200d" or unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Co", "Cn"}


def _collect(name: str, text: str, file: Path, root: Path, files: dict[str, str]) -> Iterator[WordingFault]:
    """Compile one text and go on to those it includes; what compiles is put into `files`."""
    files[name] = text
    environment = _environment()
    try:
        tree = environment.parse(text)
        environment.compile(text)
    except TemplateSyntaxError as error:
        yield WordingFault(file, error.lineno, 1, f"{error.message}.", "Correct the {{ }} or {% %} on this line.")
        return
    for included in meta.find_referenced_templates(tree):
        if included is None:
            yield WordingFault(file, 1, 1, "an include takes its name from a variable.", "Name the included file itself.")
        elif included not in files:
            yield from _include(included, text, file, root, files)


def _include(name: str, text: str, file: Path, root: Path, files: dict[str, str]) -> Iterator[WordingFault]:
    path = (root / name).resolve()
    line = text.count("\n", 0, max(text.find(name), 0)) + 1
    if not path.is_relative_to(root.resolve()):
        yield WordingFault(file, line, 1, f"'{name}' lies outside the templates.", "Include only what lies under templates/.")
        return
    found = read_text(path)
    if isinstance(found, list):
        yield WordingFault(file, line, 1, f"the included file '{name}' cannot be read.", "Put the file there, or correct its name.")
        return
    yield from _collect(name, found, path, root, files)


def _environment(files: Mapping[str, str] | None = None, guard: Guard = str) -> Sandbox:
    def finalize(value: object) -> str:
        if value is None:
            raise UndefinedError("a value")
        return str(value) if isinstance(value, Missing) else guard(one_line(value))

    environment = Sandbox(
        loader=DictLoader(files or {}),
        undefined=Missing,
        finalize=finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        optimized=False,  # `{{ 9 ** 9 ** 9 }}` is not to be worked out while it is compiled
    )
    environment.filters |= FILTERS
    return environment


def _with_values(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: {key: each for key, each in value.items() if each is not None} if isinstance(value, Mapping) else value
        for name, value in values.items()
        if value is not None
    }


def _variables(tree: nodes.Template) -> set[str]:
    roots = meta.find_undeclared_variables(tree)
    found = {_path(node) for node in tree.find_all((nodes.Getattr, nodes.Getitem, nodes.Name))}
    names = {".".join(path[:1] if path[0] in SCALARS else path[:2]) for path in found if path and path[0] in roots}
    # `customer.first_name` is also seen as the bare `customer` inside it.
    return {name for name in names if not any(other.startswith(f"{name}.") for other in names)} | reads_of(tree)


def _path(node: nodes.Node) -> tuple[str, ...]:
    if isinstance(node, nodes.Name):
        return (node.name,)
    if isinstance(node, nodes.Getattr):
        inner = _path(node.node)
        return (*inner, node.attr) if inner else ()
    if isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const) and isinstance(node.arg.value, str):
        inner = _path(node.node)
        return (*inner, node.arg.value) if inner else ()
    return ()
