"""What a page file says: headline, text, pictures, form, and what comes after the answer."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from landing.blocks import BLOCK_TYPES, Block
from landing.fields import FIELD_TYPES, FormField, Words
from landing.surveys import Survey, SurveyPage

FieldName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,30}$")]


@dataclass(frozen=True, slots=True)
class ByWord:
    """Reads a mapping as the type whose word is one of its keys."""

    types: Mapping[str, type[BaseModel]]

    def _word(self, value: Any) -> str | None:
        """None when no key says the type, or more than one does."""
        keys = value if isinstance(value, dict) else (getattr(value, "word", ""),)
        found = [word for word in self.types if word in keys]
        return found[0] if len(found) == 1 else None

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        kinds = {word: handler.generate_schema(kind) for word, kind in self.types.items()}
        return core_schema.tagged_union_schema(kinds, discriminator=self._word)


class Thanks(BaseModel):
    """What is shown when the answer has been stored."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: Words | None = Field(None, description="The headline.")
    text: Words | None = Field(None, description="Paragraphs.")
    voucher: Words | None = Field(None, description="A code to use in the shop, shown large.")
    voucher_note: Words | None = Field(None, description="How the voucher is used, and until when.")


class Page(BaseModel):
    """A campaign's landing page."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: Words = Field(description="The headline.")
    greeting: Words | None = Field(None, description="The line above the headline.")
    intro: Words | None = Field(None, description="The text below the headline.")
    image: str | None = Field(None, description="A picture across the top: a file under templates/.")
    alt: Words | None = Field(None, description="What that picture shows. Left out: it only adorns.")
    blocks: tuple[Annotated[Block, ByWord(BLOCK_TYPES)], ...] = Field(
        (), description=f"What stands above the form: {', '.join(BLOCK_TYPES)}."
    )
    form: dict[FieldName, Annotated[FormField, ByWord(FIELD_TYPES)]] = Field(
        default_factory=dict, description="The questions, by a short name for the log.", max_length=20
    )
    pages: dict[FieldName, SurveyPage] = Field(
        default_factory=dict, description="The pages of the form, by name, when it has more than one; each says what it asks."
    )
    button: Words | None = Field(None, description="What stands on the button.")
    thanks: Thanks = Field(default_factory=Thanks, description="What is shown after the answer.")

    @property
    def survey(self) -> Survey:
        """The form and its pages."""
        return Survey(self.form, self.pages)

    def texts(self) -> Iterator[tuple[tuple[str | int, ...], Words]]:
        """Every text of the page, with the keys that lead to it."""
        yield from _texts_in(self, ())


def _texts_in(value: Any, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], Words]]:
    if isinstance(value, Words):
        yield path, value
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _texts_in(getattr(value, name), (*path, name))
    elif isinstance(value, dict):
        for name, each in value.items():
            yield from _texts_in(each, (*path, name))
    elif isinstance(value, tuple):
        for number, each in enumerate(value):
            yield from _texts_in(each, (*path, number))
