"""The fields that a form may have. A field type is one class: its keys in the page file, and how it reads an answer.

Its look is the macro of the same name in html/fields.html.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, field_validator
from pydantic_core import CoreSchema, core_schema

from landing.mail_domains import meant_domain
from landing.words import LANGUAGES

Value = str | int | bool
SCORES = ("1", "2", "3", "4", "5")
LONGEST_TEXT = 200
LONGEST_LONG_TEXT = 2_000
PREFILLED = ("customer.first_name", "customer.language", "customer.country")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")  # all but tab and new line


@dataclass(frozen=True, slots=True)
class Words:
    """A text of a page: the same in every language, or one a language (`{en: Hello, nl: Hallo}`)."""

    by_language: tuple[tuple[str, str], ...]

    def spoken(self, language: str) -> str:
        """The text in a language; in the first one that was written when this one was not."""
        for each, text in self.by_language:
            if each == language:
                return text
        return self.by_language[0][1]

    @classmethod
    def _validate(cls, value: Any) -> "Words":
        if isinstance(value, Words):
            return value
        texts = value if isinstance(value, dict) else {LANGUAGES[0]: value}
        for language, text in texts.items():
            if language not in LANGUAGES:
                raise ValueError(f"'{language}' is not a language of the pages. Write a text, or {{{': ..., '.join(LANGUAGES)}: ...}}.")
            if not isinstance(text, str) or not text.strip():
                raise ValueError("there is no text here. Write one, in quotes when it has a colon or begins with a sign.")
        if not texts:
            raise ValueError("there is no text here. Write one.")
        return cls(tuple((language, text.strip()) for language, text in texts.items()))

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(cls._validate)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a field made of what was typed: a value (None: left empty), or the word for what is wrong with it."""

    value: Value | None = None
    complaint: str | None = None
    suggestion: str | None = None  # what was probably meant; the value is good all the same


EMPTY = Reading()


class FormField(BaseModel):
    """One question of a form."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    word: ClassVar[str]  # the key that makes a mapping this type of field, and holds the question

    required: bool = Field(False, description="Whether the form cannot be sent without it.")
    hint: Words | None = Field(None, description="A line of help below the question.")
    prefill: str | None = Field(
        None,
        alias="from",
        description=f"What is filled in already: {', '.join(PREFILLED)}. Anything else would be read by whoever gets the link.",
    )

    @field_validator("prefill")
    @classmethod
    def _may_be_shown(cls, name: str | None) -> str | None:
        if name is not None and name not in PREFILLED:
            raise ValueError(
                f"'{name}' is not filled in beforehand: a link may be forwarded, and whoever opens it would read it. "
                f"Only {' and '.join(PREFILLED)} are, which say no more than the greeting."
            )
        return name

    @property
    def answers(self) -> tuple[str, ...]:
        """All that can be answered; empty when it can be anything."""
        return ()

    @property
    def shows_results(self) -> bool:
        """Whether the thanks show what everybody answered."""
        return bool(getattr(self, "results", False))

    @property
    def question(self) -> Words:
        """The question as it is asked."""
        words = getattr(self, self.word)
        assert isinstance(words, Words)
        return words

    def filled_in(self, known: Mapping[str, Any]) -> str:
        """What stands in the field before anybody typed, of the attributes that are known."""
        return str(known.get(self.prefill.partition(".")[2], "")) if self.prefill else ""

    def read(self, typed: str, region: str | None) -> Reading:
        """What `typed` means; `region` is the country that a phone number without one belongs to."""
        text = _CONTROL.sub("", typed.replace("\r\n", "\n").replace("\r", "\n")).strip()
        if text:
            return self.understand(text, region)
        return Reading(complaint="missing") if self.required else EMPTY

    def understand(self, text: str, region: str | None) -> Reading:
        """What a text that is not empty means."""
        raise NotImplementedError  # pragma: no cover - each type has its own


class ChoiceField(FormField):
    """One of several options."""

    word: ClassVar[str] = "choice"

    choice: Words = Field(description="The question.")
    options: dict[str, Words] = Field(description="The options: a short name for the log, and the text.", min_length=2, max_length=12)
    results: bool = Field(False, description="Whether the thanks show what everybody answered, once enough did.")

    @property
    def answers(self) -> tuple[str, ...]:
        """The options' names."""
        return tuple(self.options)

    def understand(self, text: str, region: str | None) -> Reading:
        return Reading(text) if text in self.options else Reading(complaint="not_an_option")


class ScaleField(FormField):
    """A score from 1 to 5."""

    word: ClassVar[str] = "scale"

    scale: Words = Field(description="The question.")
    lowest: Words | None = Field(None, description="What 1 means.")
    highest: Words | None = Field(None, description="What 5 means.")
    results: bool = Field(False, description="Whether the thanks show what everybody answered, once enough did.")

    @property
    def answers(self) -> tuple[str, ...]:
        """The scores."""
        return SCORES

    def understand(self, text: str, region: str | None) -> Reading:
        return Reading(int(text)) if text in SCORES else Reading(complaint="not_a_score")


class CheckboxField(FormField):
    """A box to tick. Required: it must be ticked."""

    word: ClassVar[str] = "checkbox"

    checkbox: Words = Field(description="The sentence beside the box.")

    @property
    def answers(self) -> tuple[str, ...]:
        """How a page file writes whether it is ticked."""
        return ("yes", "no")

    def read(self, typed: str, region: str | None) -> Reading:
        ticked = bool(typed.strip())
        return Reading(complaint="missing") if self.required and not ticked else Reading(ticked)


class TextField(FormField):
    """One line."""

    word: ClassVar[str] = "text"

    text: Words = Field(description="The question.")

    def understand(self, text: str, region: str | None) -> Reading:
        return _short(" ".join(text.split()), LONGEST_TEXT)


class LongTextField(FormField):
    """Several lines."""

    word: ClassVar[str] = "long_text"

    long_text: Words = Field(description="The question.")

    def understand(self, text: str, region: str | None) -> Reading:
        return _short(text, LONGEST_LONG_TEXT)


class EmailField(FormField):
    """An e-mail address, stored in its normal form."""

    word: ClassVar[str] = "email"

    email: Words = Field(description="The question.")

    def understand(self, text: str, region: str | None) -> Reading:
        from email_validator import EmailNotValidError, validate_email  # noqa: PLC0415 - `contactflow check` reads no answer

        try:
            address = validate_email(text, check_deliverability=False)
        except EmailNotValidError:
            return Reading(complaint="not_an_email")
        meant = meant_domain(address.ascii_domain)
        return Reading(address.normalized, suggestion=f"{address.local_part}@{meant}" if meant else None)


class PhoneField(FormField):
    """A phone number, stored as E.164; without a country it is one of the customer's own."""

    word: ClassVar[str] = "phone"

    phone: Words = Field(description="The question.")

    def understand(self, text: str, region: str | None) -> Reading:
        import phonenumbers  # noqa: PLC0415 - `contactflow check` reads no answer

        try:
            number = phonenumbers.parse(text, (region or "NL").upper())
        except phonenumbers.NumberParseException:
            return Reading(complaint="not_a_phone")
        if not phonenumbers.is_valid_number(number):
            return Reading(complaint="not_a_phone")
        return Reading(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def _short(text: str, longest: int) -> Reading:
    return Reading(text) if len(text) <= longest else Reading(complaint="too_long")


FIELD_TYPES: dict[str, type[FormField]] = {kind.word: kind for kind in FormField.__subclasses__()}
