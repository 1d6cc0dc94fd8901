"""From sqlglot's tree to ours, with every kind checked."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypeGuard, get_args

from sqlglot import exp

from customers.conditions.cursor import Function, SegmentName, Unread, Word, short
from customers.conditions.faults import ConditionFault
from customers.conditions.tree import (
    AllOf,
    Always,
    AnyOf,
    Arithmetic,
    Between,
    Call,
    Comparator,
    Compare,
    Constant,
    Holds,
    InSegment,
    IsTruth,
    IsUnknown,
    Like,
    Not,
    OneOf,
    Predicate,
    Value,
)
from customers.conditions.vocabulary import AttributeKind

INFIX_NOT = "infix_not"  # a mark on `x not in (...)`, which is not the same as `not x in (...)` when x is unknown
MOST_FACTORS = 8  # so many numbers multiplied or divided stay within a double, whatever they are
MOST_DECIMALS = 6

_COMPARATORS: dict[type[exp.Expr], Comparator] = {
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
}
_ARGUMENTS = {"lower": (1, 1), "upper": (1, 1), "length": (1, 1), "abs": (1, 1), "round": (1, 2), "coalesce": (2, 10)}
_NUMERIC = (AttributeKind.INTEGER, AttributeKind.NUMBER)
_NAMES = {
    AttributeKind.TEXT: "text",
    AttributeKind.INTEGER: "a whole number",
    AttributeKind.NUMBER: "a number",
    AttributeKind.BOOLEAN: "true or false",
    AttributeKind.DATE: "a date",
}
Operand = Value | Unread


@dataclass
class Meaning:
    """Gives the predicate that a parsed tree means; `faults` collects what makes no sense."""

    text: str
    words: Sequence[Word]
    faults: list[ConditionFault]
    segment: Callable[[str], Predicate | str]  # what a segment means, or what is wrong with it

    def predicate(self, node: exp.Expr) -> Predicate:
        """What holds or does not hold."""
        match node:
            case exp.Paren():
                return self.predicate(node.this)
            case exp.And():
                return AllOf(tuple(self.predicate(part) for part in _chain(node, exp.And)))
            case exp.Or():
                return AnyOf(tuple(self.predicate(part) for part in _chain(node, exp.Or)))
            case exp.Not():
                return Not(self.predicate(node.this))
            case _:
                return self._test(node)

    def value(self, node: exp.Expr) -> Operand:
        """What can be compared."""
        match node:
            case exp.Paren():
                return self.value(node.this)
            case exp.Column():
                return self._leaf(node)
            case exp.Anonymous():
                return self._call(node)
            case exp.Neg():
                return self._negative(node)
            case exp.Add() | exp.Sub() | exp.Mul() | exp.Div():
                return self._arithmetic(node)
            case _:
                return self._fault(
                    node, "this is a condition, not a value.", "Join conditions with `and` or `or`; compare attributes with values."
                )

    def _test(self, node: exp.Expr) -> Predicate:
        if type(node) in _COMPARATORS:
            return self._compare(node)
        match node:
            case exp.Like() | exp.Escape():
                return self._like(node)
            case exp.Is():
                return self._is(node)
            case exp.Between():
                value, low, high = self._alike([node.this, node.args["low"], node.args["high"]])
                return Between(value, low, high, negated=INFIX_NOT in node.meta)
            case exp.In():
                value, *options = self._alike([node.this, *node.expressions])
                return OneOf(value, tuple(options), negated=INFIX_NOT in node.meta)
            case _:
                return self._alone(node)

    def _like(self, node: exp.Expr) -> Predicate:
        like, escape = (node.this, node.expression.this) if isinstance(node, exp.Escape) else (node, "")
        value, pattern = self.value(like.this), self.value(like.expression)
        negated = INFIX_NOT in node.meta
        if isinstance(value, Unread) or isinstance(pattern, Unread):
            return Always(holds=False)
        if value.kind is not AttributeKind.TEXT:
            self._fault(
                like.this, f"`like` is for text, but {self._shown(like.this)} is {_NAMES[value.kind]}.", "Compare it with =, < or >."
            )
            return Always(holds=False)
        if not isinstance(pattern, Constant) or not isinstance(pattern.value, str):
            self._fault(like.expression, "`like` needs a text in quotes.", "Write `like 'Jan%'`: % is any text, _ one character.")
            return Always(holds=False)
        return self._pattern(like.expression, Like(value, pattern.value, escape, negated))

    def _pattern(self, node: exp.Expr, like: Like) -> Predicate:
        rest = like.pattern.replace(like.escape * 2, "") if like.escape else like.pattern
        if like.escape and rest.endswith(like.escape):
            self._fault(node, f"the pattern ends with its escape character {like.escape}.", "Write it twice to mean itself.")
        return like

    def _is(self, node: exp.Expr) -> Predicate:
        value = self.value(node.this)
        if isinstance(value, Unread):
            return Always(holds=False)
        if isinstance(node.expression, exp.Null):
            return IsUnknown(value)
        truth = self.value(node.expression)
        if value.kind is AttributeKind.BOOLEAN and isinstance(truth, Constant) and isinstance(truth.value, bool):
            return IsTruth(value, truth.value)
        self._fault(node, "`is` goes with null, and for a yes-or-no attribute with true and false.", "Write = to compare values.")
        return Always(holds=False)

    def _compare(self, node: exp.Expr) -> Predicate:
        operator = _COMPARATORS[type(node)]
        left, right = self._alike([node.this, node.expression])
        if operator not in ("=", "<>") and _kind(left) is AttributeKind.BOOLEAN:
            self._fault(node, "true and false have no order.", "Compare them with = or <>.")
        return Compare(operator, left, right)

    def _alone(self, node: exp.Expr) -> Predicate:
        """A leaf or a value that stands where a condition is expected."""
        leaf = self._word(node).leaf if isinstance(node, exp.Column) else None
        if isinstance(leaf, SegmentName):
            return self._in_segment(node, leaf.name)
        if _is_predicate(leaf):
            return leaf
        value = self.value(node)
        if isinstance(value, Constant) and isinstance(value.value, bool):
            return Always(value.value)
        if not isinstance(value, Unread) and value.kind is not AttributeKind.BOOLEAN:
            self._fault(
                node, f"{self._shown(node)} is {_NAMES[value.kind]}: by itself it neither holds nor not.", "Compare it with a value."
            )
        return Always(holds=False) if isinstance(value, Unread) else Holds(value)

    def _in_segment(self, node: exp.Expr, name: str) -> Predicate:
        meant = self.segment(name)
        if isinstance(meant, str):
            self._fault(node, meant, "Correct the segment in contactflow.toml under [segments].")
            return Always(holds=False)
        return InSegment(name, meant)

    def _leaf(self, node: exp.Expr) -> Operand:
        leaf = self._word(node).leaf
        if isinstance(leaf, Unread) or _is_value(leaf):
            return leaf
        return self._fault(node, f"{self._shown(node)} is a condition, not a value.", "Let it stand by itself, joined with `and` or `or`.")

    def _call(self, node: exp.Expr) -> Operand:
        function = self._word(node).leaf
        assert isinstance(function, Function)
        name = function.name
        arguments = _values(self._arguments(name, node.expressions))
        if arguments is None or name not in _ARGUMENTS:
            return Unread()
        least, most = _ARGUMENTS[name]
        if not least <= len(arguments) <= most:
            count = f"{least}" if least == most else f"{least} to {most}"
            return self._fault(node, f"{name} takes {count} values, not {len(arguments)}.", "Write them between the brackets, with commas.")
        return self._typed_call(node, name, arguments)

    def _arguments(self, name: str, nodes: list[exp.Expr]) -> tuple[Operand, ...]:
        return self._alike(nodes) if name == "coalesce" and len(nodes) > 1 else tuple(self.value(each) for each in nodes)

    def _typed_call(self, node: exp.Expr, name: str, arguments: tuple[Value, ...]) -> Operand:
        first = arguments[0]
        if name in ("lower", "upper", "length"):
            self._need(node.expressions[0], first, (AttributeKind.TEXT,), name)
            return self._of_text(node, name, arguments)
        if name == "coalesce":
            mixed = len({argument.kind for argument in arguments}) > 1
            return Call(name, arguments, AttributeKind.NUMBER if mixed else first.kind)
        self._need(node.expressions[0], first, _NUMERIC, name)
        if name == "abs":
            return Call(name, arguments, first.kind)
        return self._round(node, arguments)

    def _of_text(self, node: exp.Expr, name: str, arguments: tuple[Value, ...]) -> Operand:
        if name == "length":
            return Call(name, arguments, AttributeKind.INTEGER)
        if _calls(arguments[0], "lower", "upper"):
            return self._fault(node, "lower and upper stand inside each other.", "Use one of them, once.")
        return Call(name, arguments, AttributeKind.TEXT)

    def _round(self, node: exp.Expr, arguments: tuple[Value, ...]) -> Operand:
        decimals = arguments[1] if len(arguments) > 1 else Constant(0, AttributeKind.INTEGER)
        if not isinstance(decimals, Constant) or decimals.kind is not AttributeKind.INTEGER or not 0 <= decimals.value <= MOST_DECIMALS:  # type: ignore[operator]  # an integer's value is an int
            return self._fault(node, "round needs a plain number of decimals.", f"Write 0 to {MOST_DECIMALS}: round(total_spent, 2).")
        if _calls(arguments[0], "round"):
            return self._fault(node, "round stands inside round.", "Round once.")
        return Call("round", (arguments[0], decimals), AttributeKind.NUMBER)

    def _negative(self, node: exp.Expr) -> Operand:
        value = self.value(node.this)
        if isinstance(value, Unread) or not self._need(node.this, value, _NUMERIC, "-"):
            return Unread()
        if isinstance(value, Constant):
            return Constant(-value.value, value.kind)  # type: ignore[operator]  # _need has seen a number
        return Arithmetic("-", Constant(0, AttributeKind.INTEGER), value, value.kind)

    def _arithmetic(self, node: exp.Expr) -> Operand:
        left, right = self.value(node.this), self.value(node.expression)
        if isinstance(left, Unread) or isinstance(right, Unread):
            return Unread()
        if isinstance(node, exp.Add | exp.Sub):
            left, right = self._as_dates(node.this, left, right), self._as_dates(node.expression, right, left)
            if isinstance(left, Unread) or isinstance(right, Unread):
                return Unread()
            if AttributeKind.DATE in (left.kind, right.kind):
                return self._days(node, left, right)
        if not (self._need(node.this, left, _NUMERIC, "a calculation") and self._need(node.expression, right, _NUMERIC, "a calculation")):
            return Unread()
        return self._reckoned(node, left, right)

    def _reckoned(self, node: exp.Expr, left: Value, right: Value) -> Operand:
        kind = (
            AttributeKind.NUMBER if isinstance(node, exp.Div) or AttributeKind.NUMBER in (left.kind, right.kind) else AttributeKind.INTEGER
        )
        if isinstance(node, exp.Add | exp.Sub):
            return Arithmetic("+" if isinstance(node, exp.Add) else "-", left, right, kind)
        product = Arithmetic("*" if isinstance(node, exp.Mul) else "/", left, right, kind)
        if sum(not isinstance(part, Call | Arithmetic) for part in _parts(product)) > MOST_FACTORS:
            return self._fault(node, f"more than {MOST_FACTORS} numbers are multiplied or divided.", "Import the result as an attribute.")
        return product

    def _days(self, node: exp.Expr, left: Value, right: Value) -> Operand:
        """A date and days, or two dates."""
        if isinstance(node, exp.Sub) and left.kind is right.kind:
            return Arithmetic("-", left, right, AttributeKind.INTEGER)
        days_come_last = left.kind is AttributeKind.DATE and right.kind is AttributeKind.INTEGER
        if days_come_last or (isinstance(node, exp.Add) and left.kind is AttributeKind.INTEGER):
            return Arithmetic("+" if isinstance(node, exp.Add) else "-", left, right, AttributeKind.DATE)
        return self._fault(node, "only whole days can be added to a date or taken from it.", "Write today - 30, or today - birth_date.")

    def _alike(self, nodes: list[exp.Expr]) -> tuple[Value, ...]:
        """The values of several nodes that are compared with the first; their kinds go together, or there is a fault."""
        values = [self.value(node) for node in nodes]
        dated = next((value for value in values if _kind(value) is AttributeKind.DATE), None)
        if dated:
            values = [self._as_dates(node, value, dated) for node, value in zip(nodes, values, strict=True)]
        first = next(((node, value) for node, value in zip(nodes, values, strict=True) if not isinstance(value, Unread)), None)
        for node, value in zip(nodes, values, strict=True):
            if first and not isinstance(value, Unread) and not _go_together(first[1].kind, value.kind):
                self._apart(nodes[0] if nodes[0] is not node else nodes[1], node, *first, value)
        return tuple(values)  # type: ignore[arg-type]  # an Unread has a fault, and then the tree is thrown away

    def _apart(self, around: exp.Expr, node: exp.Expr, first_node: exp.Expr, first: Operand, value: Value) -> None:
        first_kind = _kind(first)
        assert first_kind is not None
        message = (
            f"{self._shown(first_node)} is {_NAMES[first_kind]} and {self._shown(node)} is {_NAMES[value.kind]}: they cannot be compared."
        )
        self._fault(node, message, _remedy(first_kind, value, self._shown(node)))

    def _as_dates(self, node: exp.Expr, value: Operand, other: Operand) -> Operand:
        """A text in quotes becomes a date where it meets one."""
        if _kind(other) is not AttributeKind.DATE or not isinstance(value, Constant) or not isinstance(value.value, str):
            return value
        try:
            if len(value.value) != 10:
                raise ValueError  # noqa: TRY301  # fromisoformat takes more forms than a manager should meet
            return Constant(date.fromisoformat(value.value), AttributeKind.DATE)
        except ValueError:
            return self._fault(node, f"{self._shown(node)} is not a date.", "Write year, month and day: '2026-01-31'.")

    def _need(self, node: exp.Expr, value: Value, kinds: tuple[AttributeKind, ...], what: str) -> bool:
        if value.kind in kinds:
            return True
        needed = "text" if AttributeKind.TEXT in kinds else "numbers"
        self._fault(node, f"{what} is for {needed}, but {self._shown(node)} is {_NAMES[value.kind]}.", f"Use {needed} there.")
        return False

    def _word(self, node: exp.Expr) -> Word:
        return self.words[int(node.name.lstrip("f"))]

    def _span(self, node: exp.Expr) -> tuple[int, int]:
        spans = [self._word(each) for each in node.find_all(exp.Column, exp.Anonymous)]
        return (min(each.start for each in spans), max(each.end for each in spans)) if spans else (0, len(self.text))

    def _shown(self, node: exp.Expr) -> str:
        start, end = self._span(node)
        written = short(self.text[start:end])
        return written if written[:1] in "'\"" else f"'{written}'"

    def _fault(self, node: exp.Expr, message: str, remedy: str) -> Unread:
        self.faults.append(ConditionFault(*self._span(node), message, remedy))
        return Unread()


def _chain(node: exp.Expr, joint: type[exp.Expr]) -> Iterable[exp.Expr]:
    """The parts of `a and b and c`, in reading order, without going deeper for each."""
    parts: list[exp.Expr] = []
    while isinstance(node, joint):
        parts.append(node.expression)
        node = node.this
    return reversed([*parts, node])


def _parts(value: Value) -> Iterator[Value]:
    yield value
    inner = value.arguments if isinstance(value, Call) else (value.left, value.right) if isinstance(value, Arithmetic) else ()
    for each in inner:
        yield from _parts(each)


def _calls(value: Value, *functions: str) -> bool:
    return any(isinstance(part, Call) and part.function in functions for part in _parts(value))


def _is_value(leaf: object) -> TypeGuard[Value]:
    return isinstance(leaf, get_args(Value))


def _is_predicate(leaf: object) -> TypeGuard[Predicate]:
    return isinstance(leaf, get_args(Predicate))


def _values(operands: Iterable[Operand]) -> tuple[Value, ...] | None:
    """The operands when every one of them was understood."""
    values = tuple(each for each in operands if not isinstance(each, Unread))
    return values if len(values) == len(tuple(operands)) else None


def _kind(value: Operand) -> AttributeKind | None:
    return None if isinstance(value, Unread) else value.kind


def _go_together(one: AttributeKind, other: AttributeKind) -> bool:
    return one is other or (one in _NUMERIC and other in _NUMERIC)


def _remedy(wanted: AttributeKind, value: Value, shown: str) -> str:
    if wanted is AttributeKind.BOOLEAN:
        return "Write true or false."
    if not isinstance(value, Constant):
        return "Compare it with something of its own kind."
    plain = shown.strip("'\"")
    if wanted is AttributeKind.TEXT:
        return f"Put it in quotes: '{plain}'."
    if wanted is AttributeKind.DATE:
        return "Write a date in quotes: '2026-01-31'."
    return f"Write {plain} without quotes." if plain.replace(".", "", 1).isdigit() else "Write a number."
