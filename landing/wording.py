"""Texts with {{ variables }}: which may stand in them, and how they are merged for a recipient."""

from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache
from typing import Any

from jinja2 import ChainableUndefined, Template, TemplateError, nodes
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup, escape

from customers.conditions.vocabulary import SAID
from engine.language.faults import did_you_mean
from landing.alike import Personal

VOUCHER = "voucher"
OURS = ("campaign.name", "campaign.title", "sender.name", "sender.address", VOUCHER)  # always there
CUSTOMER = "customer."
# A page may be open on somebody's screen in a train; what it greets with is enough. These are columns of customers/tables.py,
# which `contactflow check` does not load; a test holds the two together.
_SHOWN = "key first_name last_name email phone street postcode city country language timezone birth_date".split()  # noqa: SIM905  # reads best as words
BUILT_IN = tuple(CUSTOMER + name for name in _SHOWN)


class Sandbox(ImmutableSandboxedEnvironment):
    """Expressions over given values and nothing else. A name without a value is an empty text: checked pages have none."""

    def __init__(self) -> None:
        super().__init__(autoescape=True, undefined=ChainableUndefined, trim_blocks=True, lstrip_blocks=True)
        self.globals.clear()  # `range(10**9)` is no business of a page's

    intercepted_binops = frozenset({"*", "**"})

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        raise SecurityError(f"a page does not count with {operator}")  # 'a' * 10**10 would fill the memory


class Merger:
    """Merges a page's texts. Compiled texts are kept."""

    def __init__(self) -> None:
        self._compiled = lru_cache(maxsize=4_096)(_compile)

    def merge(self, text: str, values: Mapping[str, Any]) -> Markup:
        """One line, escaped, with its variables filled in; then it is personal."""
        template = self._compiled(text)
        if isinstance(template, Markup):
            return template
        merged = template.render(values)
        return Personal(merged) if merged else Markup()

    def paragraphs(self, text: str, values: Mapping[str, Any]) -> list[Markup]:
        """The paragraphs of a text, each with its variables filled in; a new line stays one."""
        return [self.merge(part, values).replace("\n", Markup("<br>")) for part in text.split("\n\n") if part.strip()]


@lru_cache(maxsize=4_096)
def shows(text: str, name: str) -> bool:
    """Whether a text of a checked page shows what this variable stands for."""
    return "{" in text and name in {found for found, _ in _variables(_SANDBOX.parse(text), guarded=True)}


def text_faults(text: str, attributes: Collection[str]) -> Iterator[tuple[str, str]]:
    """What is wrong with the variables of a text, and what to do; `attributes` are the workspace's own."""
    for part in text.split("\n\n"):
        try:
            tree = _SANDBOX.parse(part)
            _SANDBOX.from_string(part).render({})
        except TemplateError as error:
            yield f"the text cannot be merged: {error.message}.", "A variable is written {{ customer.first_name | default('reader') }}."
        except (ArithmeticError, TypeError, ValueError, LookupError):
            yield "the text cannot be merged for a customer without these values.", "Write only variables, with `| default('...')`."
        else:
            yield from _variable_faults(tree, attributes)


def _variable_faults(tree: nodes.Template, attributes: Collection[str]) -> Iterator[tuple[str, str]]:
    known = (*OURS, *BUILT_IN, *(CUSTOMER + name for name in attributes))
    for name, guarded in _variables(tree, guarded=False):
        if name.startswith(CUSTOMER + SAID):
            # Checked before the others: whoever is forwarded a link would read what somebody else answered.
            yield f"'{name}' is what the customer answered, which no page shows.", "A mail may; here, ask the question again."
        elif name not in known:
            guess = did_you_mean(name, known)
            yield f"'{name}' is not something that a page knows.{guess}", f"Known are {', '.join(OURS)} and the customer's attributes."
        elif name.startswith(CUSTOMER) and not guarded:
            yield f"'{name}' is not known of every customer.", f"Say what to write instead: {{{{ {name} | default('reader') }}}}."


def _variables(node: nodes.Node, *, guarded: bool) -> Iterator[tuple[str, bool]]:
    """Every dotted name, and whether something stands in for it when it is missing."""
    if isinstance(node, nodes.Getattr) and isinstance(node.node, nodes.Name):
        yield f"{node.node.name}.{node.attr}", guarded
        return
    if isinstance(node, nodes.Name) and node.ctx == "load":
        yield node.name, guarded
        return
    guarded = guarded or isinstance(node, nodes.If | nodes.CondExpr) or (isinstance(node, nodes.Filter) and node.name in ("default", "d"))
    for child in node.iter_child_nodes():
        yield from _variables(child, guarded=guarded)


def _compile(text: str) -> Template | Markup:
    """A template, or the text itself where nothing is to be merged."""
    return _SANDBOX.from_string(text) if "{" in text else escape(text)


_SANDBOX = Sandbox()
