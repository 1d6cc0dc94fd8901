"""Jinja for mail: a sandbox, and templates that come out quoted-printable because their static text already is."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache, partial
from typing import Any

from jinja2 import Template, UndefinedError, meta, nodes, pass_eval_context
from jinja2.compiler import CodeGenerator, Frame
from jinja2.exceptions import SecurityError
from jinja2.nodes import EvalContext
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup, escape

from channels.email.encoding import quoted
from channels.email.slots import NEEDED, slots_of
from channels.formats import FILTERS, reads_of
from channels.merging import Missing, one_line

_MOST_REPEATED = 10_000
_MOST_BITS = 4_096
# What these enclose is kept and shown later, so their static text cannot be encoded beforehand.
_KEEPING = (nodes.FilterBlock, nodes.AssignBlock, nodes.Macro, nodes.CallBlock)


class _FinalOutput(CodeGenerator):
    """Code that yields what `finalize` gives as it is: it has escaped it already."""

    def _output_child_pre(self, node: nodes.Expr, frame: Frame, finalize: CodeGenerator._FinalizeInfo) -> None:
        self.write(finalize.src or "(")

    def _output_child_post(self, node: nodes.Expr, frame: Frame, finalize: CodeGenerator._FinalizeInfo) -> None:
        self.write(")")


class MailEnvironment(ImmutableSandboxedEnvironment):
    """The sandbox. ``customer.items`` is the attribute of that name, never a method; None is a missing value."""

    intercepted_binops = frozenset({"*", "**"})

    def getattr(self, obj: Any, attribute: str) -> Any:
        if type(obj) is dict:
            value = obj.get(attribute)
            return self.undefined(obj=obj, name=attribute) if value is None else value
        return super().getattr(obj, attribute)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        if _grows_too_much(operator, left, right):
            raise SecurityError(f"the result of {operator} is too large")
        return super().call_binop(context, operator, left, right)


def _grows_too_much(operator: str, left: Any, right: Any) -> bool:
    if operator == "*" and isinstance(left, int) and isinstance(right, Sequence):
        left, right = right, left
    if operator == "*" and isinstance(left, Sequence) and isinstance(right, int):
        return len(left) * right > _MOST_REPEATED
    if operator == "**" and isinstance(left, int) and isinstance(right, int):
        return left.bit_length() * right > _MOST_BITS
    return False


class QuotedTemplate:
    """A template whose result is quoted-printable. `escaping` is for HTML."""

    def __init__(self, text: str, *, escaping: bool) -> None:
        tree = _environment(escaping, quoting=False).parse(text)
        self._keeps = any(tree.find(kind) for kind in _KEEPING) or any(loop.recursive for loop in tree.find_all(nodes.For))
        if not self._keeps:
            for data in tree.find_all(nodes.TemplateData):
                data.data = quoted(data.data)
        self._merged = _Merged(tree, escaping=escaping, quoting=not self._keeps)

    def render(self, values: Mapping[str, Any]) -> str:
        """The text for one recipient, quoted-printable. Raises what Jinja and the template's own expressions raise."""
        merged = self._merged.render(values)
        return quoted(merged) if self._keeps else merged


class PlainTemplate:
    """A template whose result is text: a subject."""

    def __init__(self, text: str) -> None:
        self._merged = _Merged(_environment(escaping=False, quoting=False).parse(text), escaping=False, quoting=False)

    def render(self, values: Mapping[str, Any]) -> str:
        """The text for one recipient. Raises what Jinja and the template's own expressions raise."""
        return self._merged.render(values)


class _Merged:
    """A template by its slots where it has nothing else, and by Jinja otherwise."""

    def __init__(self, tree: nodes.Template, *, escaping: bool, quoting: bool) -> None:
        environment = _environment(escaping, quoting)
        self._slots = slots_of(tree, partial(_FINALIZE[escaping, quoting], EvalContext(environment)))
        self._template = Template.from_code(environment, environment.compile(tree), environment.make_globals(None))

    def render(self, values: Mapping[str, Any]) -> str:
        text = None if self._slots is None else self._slots.render(values)
        return self._template.render(values) if text is None else text


@lru_cache(1_000)  # the variants and segments of a message share most of their texts
def compile_faultlessly(text: str) -> None:
    """Raises TemplateSyntaxError when the text is no template: syntax, unknown filters and tests."""
    environment = _environment(escaping=True, quoting=False)
    environment.compile(environment.parse(text))


@lru_cache(1_000)
def variables_of(text: str) -> frozenset[str]:
    """Dotted names that a template reads: ``customer.first_name``, ``links.page``, ``today``."""
    tree = _environment(escaping=True, quoting=False).parse(text)
    # Jinja counts a name that is set in one branch only as undeclared, too.
    roots = meta.find_undeclared_variables(tree) - {node.name for node in tree.find_all(nodes.Name) if node.ctx == "store"}
    reaching: list[nodes.Getattr | nodes.Getitem] = [*tree.find_all(nodes.Getattr), *tree.find_all(nodes.Getitem)]
    inner = {id(node.node) for node in reaching}
    bare = {node.name for node in tree.find_all(nodes.Name) if id(node) not in inner and node.ctx == "load"}
    dotted = {".".join(path) for node in reaching if (path := _path(node))}
    return frozenset(name for name in bare | dotted if name.split(".")[0] in roots) | reads_of(tree)


def names_set_in(text: str) -> frozenset[str]:
    """Names that a template gives a value itself: by a loop, `set`, `with` or a macro."""
    tree = _environment(escaping=True, quoting=False).parse(text)
    return frozenset(node.name for node in tree.find_all(nodes.Name) if node.ctx != "load")


def _path(node: nodes.Getattr | nodes.Getitem) -> tuple[str, ...]:
    if not isinstance(node.node, nodes.Name):
        return ()
    if isinstance(node, nodes.Getattr):
        return (node.node.name, node.attr)
    return (node.node.name, str(node.arg.value)) if isinstance(node.arg, nodes.Const) else (node.node.name,)


@cache
def _environment(escaping: bool, quoting: bool) -> MailEnvironment:
    environment = MailEnvironment(
        undefined=Missing,
        autoescape=escaping,
        finalize=_FINALIZE[escaping, quoting],
        keep_trailing_newline=True,
        optimized=False,  # `{{ 9 ** 9 ** 9 }}` is not to be worked out while it is compiled
    )
    environment.filters |= {**FILTERS, NEEDED: _needed}
    if not escaping:
        environment.filters["e"] = environment.filters["escape"] = _as_it_is
    if quoting:
        environment.code_generator_class = _FinalOutput
    return environment


def _needed(value: Any) -> str:
    """Shows nothing, but cannot do without the value."""
    _shown(value)
    return ""


def _as_it_is(value: Any) -> Any:
    return value


# pass_eval_context also keeps Jinja from working out constants while it compiles.
@pass_eval_context
def _show(_: EvalContext, value: Any) -> Any:
    if type(value) is str:
        return _one_line(value)
    return value if isinstance(value, Markup) else one_line(_shown(value))


@pass_eval_context
def _show_quoted(_: EvalContext, value: Any) -> str:
    return _quoted_text(value if type(value) is str else _shown(value))


@pass_eval_context
def _show_quoted_html(_: EvalContext, value: Any) -> Markup:
    if isinstance(value, Markup):
        return Markup(quoted(value))  # noqa: S704 - it was safe before, and has nothing but quoted-printable now
    return _quoted_html(value if type(value) is str else _shown(value))


# A wording shows one value in several places, and many people have the same name and town.
@lru_cache(maxsize=16_384)
def _one_line(text: str) -> str:
    return one_line(text)


@lru_cache(maxsize=16_384)
def _quoted_text(text: str) -> str:
    return quoted(one_line(text))


@lru_cache(maxsize=16_384)
def _quoted_html(text: str) -> Markup:
    return Markup(quoted(escape(one_line(text))))  # noqa: S704 - escaped, then nothing but quoted-printable


def _shown(value: Any) -> str:
    if value is None:
        raise UndefinedError("a value is missing")
    return str(value)


_FINALIZE: dict[tuple[bool, bool], Callable[[EvalContext, Any], Any]] = {
    (True, True): _show_quoted_html,
    (True, False): _show,
    (False, True): _show_quoted,
    (False, False): _show,
}
