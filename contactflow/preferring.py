"""Settings of what customers can choose: [preferences]."""

import re

from pydantic import Field, field_validator

from contactflow.section import Section
from customers.conditions.vocabulary import AttributeKind
from landing.offered import TOPIC, Offered, Text
from landing.words import LANGUAGES

_NAME = re.compile("[a-z][a-z0-9_]{0,30}")


class PreferencesSection(Section):
    """What customers can choose on the page behind `{{ links.preferences }}`. A text is for all languages, or `{en = "", nl = ""}`."""

    titles: dict[str, str | dict[str, str]] = Field(
        {}, description='What customers read for a purpose of `[consent]`: `titles = {offers = "Offers and news"}`. Default: its name.'
    )
    topics: dict[str, str | dict[str, str]] = Field(
        {},
        description='What they can ask to read about: `topics = {fresh = "Fruit and vegetables"}`. In conditions and templates '
        "`topic_fresh` is then true, false, or unknown.",
    )

    @field_validator("topics")
    @classmethod
    def _names(cls, value: dict[str, Text]) -> dict[str, Text]:
        for name in value:
            if not _NAME.fullmatch(name):
                raise ValueError(f"'{name[:60]}' cannot name a topic: use at most 31 small letters, digits and _, beginning with a letter.")
        return value

    @field_validator("titles", "topics")
    @classmethod
    def _texts(cls, value: dict[str, Text]) -> dict[str, Text]:
        for name, text in value.items():
            texts = {LANGUAGES[0]: text} if isinstance(text, str) else text
            if not texts or not all(each.strip() for each in texts.values()):
                raise ValueError(f"there is no text for '{name[:60]}'. Write one.")
            for language in texts:
                if language not in LANGUAGES:
                    raise ValueError(f"'{language[:20]}' is not a language of the pages. Choose from {', '.join(LANGUAGES)}.")
        return value

    @property
    def attributes(self) -> dict[str, AttributeKind]:
        """The attributes that the topics are."""
        return {TOPIC + name: AttributeKind.BOOLEAN for name in self.topics}

    def offered(self, purposes: tuple[str, ...]) -> Offered:
        """What the pages offer, for the purposes that there are."""
        return Offered(purposes, self.titles, self.topics)
