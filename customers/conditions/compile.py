"""From a condition to SQL: one expression that means the same on SQLite and PostgreSQL.

Every expression that `compile_condition` gives is true or false, never NULL: unknown ends where a comparison, a `not` or the whole
condition ends (see language.py for what that means to a manager). All that is reckoned is reckoned in doubles, dates are days since
1970, text is compared by code point, and every number, text and date goes in as a parameter.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from operator import add, eq, ge, gt, le, lt, mul, ne, sub, truediv
from typing import Any, assert_never

from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    Double,
    Text,
    and_,
    case,
    cast,
    false,
    func,
    literal,
    not_,
    null,
    or_,
    true,
    type_coerce,
)
from sqlalchemy.types import TypeEngine

from customers.attributes import attribute_value
from customers.conditions.events import happened, last_said, latest_answer, reachable
from customers.conditions.instants import day_number
from customers.conditions.patterns import like
from customers.conditions.portable import ByCodePoint, Folded, Rounded, letters_of
from customers.conditions.scope import Scope
from customers.conditions.tree import (
    AllOf,
    Always,
    AnyOf,
    Arithmetic,
    Attribute,
    Between,
    Call,
    Compare,
    Condition,
    Constant,
    FormAnswer,
    Happened,
    Holds,
    InSegment,
    IsTruth,
    IsUnknown,
    Like,
    Not,
    OneOf,
    Predicate,
    Reachable,
    Said,
    Today,
    Value,
)
from customers.conditions.vocabulary import AttributeKind

__all__ = ["LARGEST", "SMALLEST", "Scope", "compile_condition", "compile_predicate"]

# A number of the workspace's own beyond these is not reckoned with (unknown) or counts as nothing (0): otherwise a product could
# leave the doubles, where PostgreSQL stops with an error and SQLite goes on with infinity.
LARGEST, SMALLEST = 1e15, 1e-15

_TYPES: dict[AttributeKind, TypeEngine[Any]] = {
    AttributeKind.TEXT: Text(),
    AttributeKind.INTEGER: BigInteger(),
    AttributeKind.NUMBER: Double(),
    AttributeKind.BOOLEAN: Boolean(),
    AttributeKind.DATE: BigInteger(),
}
_COMPARATORS: dict[str, Callable[[Any, Any], ColumnElement[bool]]] = {"=": eq, "<>": ne, "<": lt, "<=": le, ">": gt, ">=": ge}
_OPERATORS: dict[str, Callable[[Any, Any], ColumnElement[Any]]] = {"+": add, "-": sub, "*": mul, "/": truediv}
_CERTAIN = (Always, IsUnknown, Not, Happened, Reachable)  # never NULL in SQL either


def compile_condition(condition: Condition, scope: Scope) -> ColumnElement[bool]:
    """The condition as an expression over the scope's tables; true or false for every row."""
    return compile_predicate(condition.predicate, scope)


def compile_predicate(predicate: Predicate, scope: Scope) -> ColumnElement[bool]:
    """The same for a part of a condition."""
    return _Compiler(scope).certain(predicate)


@dataclass(frozen=True)
class _Compiler:
    scope: Scope

    def certain(self, predicate: Predicate) -> ColumnElement[bool]:
        """True or false."""
        if isinstance(predicate, InSegment):
            return self.certain(predicate.predicate)
        if isinstance(predicate, AllOf):
            return and_(true(), *map(self.certain, predicate.parts))
        if isinstance(predicate, AnyOf):
            return or_(false(), *map(self.certain, predicate.parts))
        truth = self._truth(predicate)
        return truth if isinstance(predicate, _CERTAIN) else func.coalesce(truth, false())

    def _truth(self, predicate: Predicate) -> ColumnElement[bool]:  # noqa: PLR0911  # one line a kind of predicate
        match predicate:
            case AllOf() | AnyOf() | InSegment():
                return self.certain(predicate)
            case Always(holds):
                return true() if holds else false()
            case Not(part):
                return not_(self.certain(part))
            case Happened(event):
                return self.scope.answers[event] if event in self.scope.answers else happened(event, self.scope)
            case Reachable(channel):
                return reachable(channel, self.scope)
            case IsUnknown(value):
                return self._value(value).is_(null())
            case Compare() | OneOf() | Between() | Like() | IsTruth() | Holds():
                return self._test(predicate)
            case _:
                assert_never(predicate)

    def _test(self, test: Compare | OneOf | Between | Like | IsTruth | Holds) -> ColumnElement[bool]:  # see above
        match test:
            case Compare(operator, left, right):
                one, other = self._alike([left, right], ordered=operator not in ("=", "<>"))
                return _COMPARATORS[operator](one, other)
            case OneOf(value, options, negated):
                sought, *among = self._alike([value, *options])
                return sought.not_in(among) if negated else sought.in_(among)
            case Between(value, low, high, negated):
                middle, least, most = self._alike([value, low, high], ordered=True)
                inside = and_(middle >= least, middle <= most)
                return not_(inside) if negated else inside
            case Like(value, pattern, escape, negated):
                alike = like(self._value(_unfolded(value)), pattern, escape)
                return not_(alike) if negated else alike
            case IsTruth(value, truth):
                return func.coalesce(self._value(value) == literal(truth, Boolean()), false())
            case Holds(value):
                return self._value(value) == literal(True, Boolean())  # SQLAlchemy's own way
            case _:
                assert_never(test)

    def _alike(self, values: Sequence[Value], *, ordered: bool = False) -> list[ColumnElement[Any]]:
        """The values in one form, so that they can be compared: all doubles where one is, text by code point where order counts."""
        letters = letters_of(*[value.value for value in values if isinstance(value, Constant) and isinstance(value.value, str)])
        only_constants = (
            all(isinstance(value, Constant | Call) for value in values) and sum(isinstance(value, Call) for value in values) == 1
        )
        columns = [self._value(value, letters if only_constants and not ordered else None) for value in values]
        if any(isinstance(column.type, Double) for column in columns):
            return [_as_double(column) for column in columns]
        if ordered and values[0].kind is AttributeKind.TEXT:
            return [ByCodePoint(column) for column in columns]
        return columns

    def _answer(self, value: FormAnswer | Said) -> ColumnElement[Any]:
        return last_said(value.name, self.scope) if isinstance(value, Said) else latest_answer(value.event, self.scope)

    def _value(self, value: Value, letters: str | None = None) -> ColumnElement[Any]:
        match value:
            case Constant(plain, kind):
                return _literal(plain, kind)
            case Today():
                return _literal(self.scope.today, AttributeKind.DATE)
            case Attribute(name):
                return attribute_value(name, self.scope)
            case FormAnswer() | Said():
                return self._answer(value)
            case Call():
                return self._call(value, letters)
            case Arithmetic():
                return self._arithmetic(value)
            case _:
                assert_never(value)

    def _call(self, call: Call, letters: str | None) -> ColumnElement[Any]:
        if call.function in ("lower", "upper"):
            return Folded(self._value(call.arguments[0]), upper=call.function == "upper", letters=letters)
        if call.function == "length":
            return type_coerce(func.length(self._value(call.arguments[0])), BigInteger)
        if call.function == "coalesce":
            return func.coalesce(*self._alike(call.arguments))
        number = self._number(call.arguments[0])
        if call.function == "abs":
            return type_coerce(func.abs(number), Double)
        return self._round(number, call.arguments[1])

    def _round(self, number: ColumnElement[Any], decimals: Value) -> ColumnElement[Any]:
        assert isinstance(decimals, Constant)
        assert isinstance(decimals.value, int)
        scale: ColumnElement[Any] = literal(10.0**decimals.value, Double())
        return type_coerce(Rounded(number * scale), Double) / scale if decimals.value else Rounded(number)

    def _arithmetic(self, sum_: Arithmetic) -> ColumnElement[Any]:
        left, right = self._number(sum_.left), self._number(sum_.right)
        if sum_.operator == "/":
            right = func.nullif(right, literal(0.0, Double()))
        return type_coerce(_OPERATORS[sum_.operator](left, right), Double)

    def _number(self, value: Value) -> ColumnElement[Any]:
        """A value to reckon with: a double within the limits."""
        column = _as_double(self._value(value))
        if not isinstance(value, Attribute) or value.kind is not AttributeKind.NUMBER:
            return column
        size = func.abs(column)
        limited = case((size > literal(LARGEST), null()), (size < literal(SMALLEST), literal(0.0)), else_=column)
        return type_coerce(limited, Double)


def _unfolded(value: Value) -> Value:
    """A text without lower and upper, which say nothing more to `like`; folding twice would be much for SQLite's parser."""
    if not isinstance(value, Call):
        return value
    if value.function in ("lower", "upper"):
        return _unfolded(value.arguments[0])
    return replace(value, arguments=tuple(map(_unfolded, value.arguments)))


def _literal(plain: str | float | date, kind: AttributeKind) -> ColumnElement[Any]:
    return literal(day_number(plain) if isinstance(plain, date) else plain, _TYPES[kind])


def _as_double(column: ColumnElement[Any]) -> ColumnElement[Any]:
    if isinstance(column.type, Double):
        return column
    return cast(type_coerce(column, BigInteger), Double)
