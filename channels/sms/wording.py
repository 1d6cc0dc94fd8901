"""The text of an SMS."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from channels.contract import CompositionFault, Content, WordingFault
from channels.merging import Texts, packed, read_texts
from channels.sms.gsm import economical, size_of

MOST_SEGMENTS = 10  # networks and providers join no more reliably, and nobody reads on


@dataclass(frozen=True)
class SmsWording:
    """A text with variables. Lines may be as long as they like: nothing is wrapped, so that a link stays whole."""

    texts: Texts

    @property
    def variables(self) -> frozenset[str]:
        return self.texts.variables

    @property
    def source(self) -> bytes:
        return packed({"sms": 1, "texts": dict(self.texts.files)})

    def compose(self, values: Mapping[str, Any]) -> Content | CompositionFault:
        merged = self.texts.merge(values)
        if isinstance(merged, CompositionFault):
            return merged
        text = economical("\n".join(line.rstrip() for line in merged.strip().splitlines()))
        if not text:
            return CompositionFault("the text is empty")
        segments = size_of(text).segments
        if segments > MOST_SEGMENTS:
            return CompositionFault(f"the text takes {segments} segments; at most {MOST_SEGMENTS} are joined by a phone")
        return Content({"text": text}, segments)

    def lacks(self, values: Mapping[str, Any]) -> CompositionFault | None:
        merged = self.texts.merge(values)
        return merged if isinstance(merged, CompositionFault) else None


def load_wording(template: Path, root: Path) -> SmsWording | list[WordingFault]:
    """Read and compile a text; an empty one is a fault."""
    texts = read_texts(template, root)
    if isinstance(texts, list):
        return texts
    if not any(text.strip() for text in texts.files.values()):
        return [WordingFault(template, 1, 1, "the text is empty.", "Write the message, with {{ links.page }} where the link goes.")]
    return SmsWording(texts)


def restore_wording(source: bytes) -> SmsWording:
    """The wording that gave this source."""
    return SmsWording(Texts(json.loads(source)["texts"]))
