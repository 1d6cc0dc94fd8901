"""What a letter is made of, before it is drawn; travels as the parts of a Content."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from typing import Self

from channels.merging import packed
from channels.print.settings import Window


@dataclass(frozen=True, slots=True)
class Letterhead:
    """What every letter of one wording has in common. Images are base64 of a PNG or JPEG file, or empty."""

    sender: tuple[str, ...]
    country: str
    window: Window
    landing: str
    colour: str
    logo: str = ""
    signature: str = ""

    @classmethod
    def read(cls, text: str) -> Self:
        """The letterhead that packed itself so."""
        document = json.loads(text)
        return cls(**{**document, "sender": tuple(document["sender"])})

    @property
    def text(self) -> str:
        """The letterhead as a part of a Content."""
        return packed(asdict(self)).decode()


@dataclass(frozen=True, slots=True)
class Letter:
    """One recipient's letter. `heading` to `small_print` are in the mark-up of channels/print/markup.py."""

    language: str
    date: str
    heading: str
    body: str
    signed: str
    ps: str
    panel: str
    invitation: str
    small_print: str
    url: str
    code: str
    letterhead: str  # read with letterhead_of

    @classmethod
    def of(cls, parts: Mapping[str, str]) -> Self:
        """The letter that these parts describe."""
        return cls(**{each.name: parts[each.name] for each in fields(cls)})

    @property
    def parts(self) -> dict[str, str]:
        """The letter as the parts of a Content."""
        return {each.name: getattr(self, each.name) for each in fields(self)}


@lru_cache(maxsize=64)
def letterhead_of(text: str) -> Letterhead:
    """The letterhead in a letter's part, read once for all letters that share it."""
    return Letterhead.read(text)
