"""Pages that are alike but for what is personal in them: rendered once, and from then on only filled in.

Rendering a page takes several times as long as all the rest of showing it. What is personal is marked where it comes from (`Personal`);
two pages are alike when all else that they are rendered with is the same. While the page that is kept is rendered, something stands in
the personal parts' place that can be written into a page and nothing else: a template that looks into it, compares it or counts its
letters makes a page that is not kept, but rendered anew each time.
"""

import re
from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, NoReturn

from markupsafe import Markup, escape
from pydantic import BaseModel

MOST_KEPT = 200  # a few tens of kB each
MOST_SEEN = 2_000
_PLACE = re.compile("\ue000([0-9]+)\ue001")  # of Unicode's private use: nobody types these
_VALUES = (str, Markup, int, bool, float, type(None))

Render = Callable[[Mapping[str, Any]], str]


class Personal(Markup):
    """A part of a page, as it stands in HTML, that is another for each recipient. An empty one is no part, and is to be plain."""

    __slots__ = ()


def personal(text: str) -> str:
    """A text of a recipient's own, as a template writes it."""
    return Personal(escape(text)) if text else text


class _NotAlikeError(Exception):
    """These pages cannot be kept."""


class _Place:
    """Where something personal will stand."""

    def __init__(self, number: int) -> None:
        self._number = number

    def __html__(self) -> str:
        return f"\ue000{self._number}\ue001"

    def __bool__(self) -> bool:
        return True

    def _refuse(self, *_: object) -> NoReturn:
        raise _NotAlikeError

    __str__ = __len__ = __eq__ = __lt__ = __contains__ = __iter__ = __getitem__ = __format__ = __add__ = __mod__ = (
        _refuse  # whoever asks is refused
    )
    __hash__ = None  # type: ignore[assignment]  # as above

    def __getattr__(self, _: str) -> NoReturn:
        raise _NotAlikeError


class Alike:
    """Pages as they are kept. For several threads."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Any, _Kept] = OrderedDict()
        self._seen: OrderedDict[int, None] = OrderedDict()

    def rendered(self, values: Mapping[str, Any], render: Render) -> str:
        """What `render` makes of the values."""
        try:
            look = _Look(values)
        except _NotAlikeError:
            return render(values)
        kept = self._kept.get(look.key)
        if kept and kept.pieces:
            return _filled(kept.pieces, look.personal)
        page = render(values)
        if kept is None and self._is_seen(hash(look.key)):
            self._keep(look.key, _Kept(_pieces_of(page, look, values, render), look.named))
        return page

    def _is_seen(self, sign: int) -> bool:
        """Whether such a page came before: most of those that come once are somebody's own, and not worth keeping."""
        if sign in self._seen:
            return True
        self._seen[sign] = None
        if len(self._seen) > MOST_SEEN:
            _drop_oldest(self._seen)
        return False

    def _keep(self, key: object, kept: "_Kept") -> None:
        self._kept[key] = kept
        if len(self._kept) > MOST_KEPT:
            _drop_oldest(self._kept)


@dataclass(frozen=True, slots=True)
class _Kept:
    """A page in pieces, every second one the number of something personal; none when it is to be rendered anew each time."""

    pieces: list[str]
    named: list[object]  # what the page's key only names is kept with it


class _Look:
    """A page's values taken apart: a key that alike pages share, what is personal, and the objects that the key only names."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.personal: list[str] = []
        self.named: list[object] = []
        self.key = self._key_of(values)

    def _key_of(self, value: Any) -> Any:
        kind = type(value)
        if kind is Personal:
            self.personal.append(value)
            return Personal
        if kind in _VALUES:
            return value if kind is str else (kind, value)  # a text that is markup, and 1 and True, are equal to Python
        if kind is dict:
            return (kind, *[(name, self._key_of(each)) for name, each in value.items()])
        if kind is list or kind is tuple:
            return (kind, *[self._key_of(each) for each in value])
        return self._key_of_object(value)

    def _key_of_object(self, value: Any) -> Any:
        if isinstance(value, BaseModel) and value.model_config.get("frozen"):
            self.named.append(value)
            return (type(value), id(value))
        if is_dataclass(value) and not isinstance(value, type):
            return (type(value), *[self._key_of(getattr(value, each.name)) for each in fields(value)])
        raise _NotAlikeError


def _pieces_of(page: str, look: _Look, values: Mapping[str, Any], render: Render) -> list[str]:
    try:
        pieces = _PLACE.split(render(_with_places(values, [])))
        return pieces if _filled(pieces, look.personal) == page else []
    except Exception:  # noqa: BLE001 - whatever a template stumbles over was only a place; a text of the page's own may look like one, too
        return []


def _with_places(value: Any, places: list[_Place]) -> Any:
    """The same with places, numbered in the order of `_Look.personal`."""
    if isinstance(value, Personal):
        places.append(_Place(len(places)))
        return places[-1]
    if isinstance(value, dict):
        return {name: _with_places(each, places) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_with_places(each, places) for each in value]
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{each.name: _with_places(getattr(value, each.name), places) for each in fields(value)})
    return value


def _filled(pieces: list[str], personal: list[str]) -> str:
    filled = pieces.copy()
    filled[1::2] = [personal[int(number)] for number in pieces[1::2]]
    return "".join(filled)


def _drop_oldest(kept: OrderedDict[Any, Any]) -> None:
    with suppress(KeyError):  # another thread was quicker
        kept.popitem(last=False)
