"""What customers may choose from: purposes and topics of a workspace, in the words that customers read."""

from collections.abc import Mapping
from dataclasses import dataclass, field

Text = str | Mapping[str, str]  # the same in every language, or one a language
TOPIC = "topic_"  # in front of a topic's name as an attribute


@dataclass(frozen=True, slots=True)
class Offered:
    """Purposes as `[consent]` names them, what customers read instead of the name, and topics by name."""

    purposes: tuple[str, ...] = ()
    titles: Mapping[str, Text] = field(default_factory=dict)
    topics: Mapping[str, Text] = field(default_factory=dict)

    def title(self, purpose: str, language: str) -> str:
        """What a customer reads for a purpose: its own name when nothing else was written."""
        return spoken(self.titles.get(purpose, purpose), language)

    def topic(self, name: str, language: str) -> str:
        """What a customer reads for a topic; its own name when it is no longer offered."""
        return spoken(self.topics.get(name, name), language)


def spoken(text: Text, language: str) -> str:
    """A text in a language; in the first one that was written when this one was not."""
    return text if isinstance(text, str) else text.get(language) or next(iter(text.values()))
