"""Where the followed links of a message lead: templates of addresses, kept in the wording's source, each under its number.

A reader's click comes to us first, with the message and the number. The server of every address stands in the template itself, so
that no value of a customer's can lead anybody elsewhere.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from channels.merging import START, Texts

TARGETS = "targets"  # under which a wording's source has them
_TAG = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
_LONGEST_LABEL = 200
_OUTSIDE = re.compile(r"https?://(?P<host>[^\s/?#{}\\<>\"'@]+)(?:[/?#]|\Z)", re.IGNORECASE)


@dataclass(frozen=True)
class Targets:
    """The templates of a wording's followed links; the first has the number 1."""

    texts: tuple[str, ...]

    @staticmethod
    def of(source: bytes) -> "Targets":
        """Those of a stored wording; none when it follows nothing."""
        return Targets(tuple(json.loads(source).get(TARGETS, ())))

    def address(self, number: int, values: Mapping[str, Any]) -> str | None:
        """Where a link leads for whoever got these values; None when there is no such link, or a value is gone."""
        if not 1 <= number <= len(self.texts):
            return None
        text = self.texts[number - 1]
        merged = _texts(text).merge(values) if host_of(text) else None  # what begins with a server in letters leads there, whatever follows
        return merged if isinstance(merged, str) else None

    def label(self, number: int) -> str:
        """How a link is named in the log: without scheme, query and fragment, and with an ellipsis for what is personal in it."""
        general = _TAG.sub("\u2026", self.texts[number - 1])
        return re.split(r"[?#]", general.partition("://")[2], maxsplit=1)[0][:_LONGEST_LABEL]


def host_of(target: str) -> str | None:
    """The server (and port) that an address names, in small letters; None when it is not on the web, or only a value names it."""
    outside = _OUTSIDE.match(target)
    return outside["host"].lower() if outside else None


@cache
def _texts(text: str) -> Texts:
    return Texts({START: text})
