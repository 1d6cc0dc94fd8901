"""One value of a field: text in, the field's type out, or what is wrong with it in words."""

from functools import lru_cache
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import TypeAdapter, ValidationError

from engine.language.faults import did_you_mean, listed, quoted
from engine.language.fields import MayBeEmpty
from engine.language.source import Scalar
from engine.language.values import YES_NO, ValueFault


class LeafFault(Exception):  # noqa: N818  # never leaves engine/language: a fault in a file
    """Why a text is not a value of the type that its field has."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy


def read_leaf(scalar: Scalar, annotation: Any) -> Any:
    """The value of a scalar for a field of this type. Raises LeafFault."""
    if scalar.is_empty and may_be_empty(annotation):
        return None if _accepts_none(annotation) else ""
    if _bare(annotation) is bool:
        return _read_boolean(scalar.text)
    try:
        return _adapter(annotation).validate_python(scalar.text)
    except ValidationError as error:
        raise _in_words(error, scalar.text) from None


def annotated(annotation: Any, metadata: list[Any]) -> Any:
    """A field's type with what pydantic has set aside of it."""
    return Annotated[(annotation, *metadata)] if metadata else annotation


def may_be_empty(annotation: Any) -> bool:
    """Whether nothing may be written in a field of this type."""
    inner = get_args(annotation)
    if get_origin(annotation) is Annotated:
        return any(isinstance(each, MayBeEmpty) for each in inner[1:]) or may_be_empty(inner[0])
    return get_origin(annotation) in (Union, UnionType) and any(may_be_empty(each) for each in inner)


def _accepts_none(annotation: Any) -> bool:
    if get_origin(annotation) is Annotated:
        return _accepts_none(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return any(_accepts_none(each) for each in get_args(annotation))
    return annotation is type(None)


def _bare(annotation: Any) -> Any:
    """A type without what is remarked about it, and without the None of a field that may be left out."""
    if get_origin(annotation) is Annotated:
        return _bare(get_args(annotation)[0])
    rest = [each for each in get_args(annotation) if each is not type(None)]
    return _bare(rest[0]) if get_origin(annotation) in (Union, UnionType) and len(rest) == 1 else annotation


@lru_cache(maxsize=256)
def _adapter(annotation: Any) -> TypeAdapter[Any]:
    return TypeAdapter(annotation)


def _read_boolean(text: str) -> bool:
    if text.lower() not in YES_NO:
        raise LeafFault(f"{quoted(text)} is neither yes nor no.", "Write `yes` or `no`.")
    return YES_NO[text.lower()]


def _in_words(error: ValidationError, text: str) -> LeafFault:
    """Pydantic's errors about one value, as one fault in our words."""
    details = error.errors(include_url=False)
    contexts = [(each["type"], each.get("ctx") or {}) for each in details]
    own = next((ctx["error"] for kind, ctx in contexts if isinstance(ctx.get("error"), ValueFault)), None)
    words = [word.strip("'") for kind, ctx in contexts if kind == "literal_error" for word in _literals(ctx["expected"])]
    if own:
        return LeafFault(own.message, own.remedy + (f" Or write {listed(f'`{word}`' for word in words)}." if words else ""))
    if words:
        remedy = f"Write {listed(f'`{word}`' for word in words)}."
        return LeafFault(f"{quoted(text)} is not one of the words that may stand here.{did_you_mean(text, words)}", remedy)
    longest = next((ctx["max_length"] for kind, ctx in contexts if kind in ("string_too_long", "too_long")), None)
    if longest:
        return LeafFault(f"the text has {len(text):,} characters; {longest:,} is the most.", "Make it shorter.")
    if any(kind in ("string_too_short", "too_short") for kind, _ in contexts):
        return LeafFault("the text is empty.", "Write something, or take the line away.")
    return LeafFault(f"{quoted(text)} cannot stand here.", "See the reference of the flow language.")


def _literals(expected: str) -> list[str]:
    return expected.replace(" or ", ", ").split(", ")
