"""What a page file says: headline, text, pictures, form, and what comes after the answer."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from engine.language.fields import NAME
from engine.language.values import Share
from landing.blocks import BLOCK_TYPES, Block
from landing.fields import FIELD_TYPES, FormField, Words
from landing.surveys import Survey, SurveyPage
from landing.wording import VOUCHER, shows

SegmentName = str  # which of the workspace's, the check looks up
VariantName = Annotated[str, Field(pattern=rf"^{NAME}$")]
FieldName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,30}$")]


@dataclass(frozen=True, slots=True, eq=False)  # so that it can be told apart where types are put together
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


Blocks = tuple[Annotated[Block, ByWord(BLOCK_TYPES)], ...]
Form = Annotated[dict[FieldName, Annotated[FormField, ByWord(FIELD_TYPES)]], Field(max_length=20)]
Pages = dict[FieldName, SurveyPage]


class Parts(BaseModel):
    """What a page says otherwise to some: each part that stands here takes the place of the page's own, and one left empty takes it out."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: Words | None = None
    greeting: Words | None = None
    intro: Words | None = None
    image: str | None = None
    alt: Words | None = None
    blocks: Blocks | None = None
    form: Form | None = None
    pages: Pages | None = None
    button: Words | None = None
    thanks: Thanks | None = None

    @property
    def said(self) -> dict[str, Any]:
        """The parts that stand here, as the page holds them."""
        names = self.model_fields_set & Page.model_fields.keys()
        return {name: getattr(self, name) or Page.model_fields[name].get_default(call_default_factory=True) for name in names}


class Variant(Parts):
    """One of several pages that are compared."""

    share: Share = Field(description="The part of the visitors who see this variant, such as 50%; all together 100 %.")
    control: bool = Field(False, description="The variant that the others are compared with. Without it, the last one.")


class Page(BaseModel):
    """A campaign's landing page."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: Words = Field(description="The headline.")
    greeting: Words | None = Field(None, description="The line above the headline.")
    intro: Words | None = Field(None, description="The text below the headline.")
    image: str | None = Field(None, description="A picture across the top: a file under templates/.")
    alt: Words | None = Field(None, description="What that picture shows. Left out: it only adorns.")
    blocks: Blocks = Field((), description=f"What stands above the form: {', '.join(BLOCK_TYPES)}.")
    form: Form = Field(default_factory=dict, description="The questions, by a short name for the log.")
    pages: Pages = Field(
        default_factory=dict, description="The pages of the form, by name, when it has more than one; each says what it asks."
    )
    button: Words | None = Field(None, description="What stands on the button.")
    thanks: Thanks = Field(default_factory=Thanks, description="What is shown after the answer.")
    variants: dict[VariantName, Variant] = Field(
        default_factory=dict, description="Pages that are compared, by name: each has a share, and what it says otherwise."
    )
    by_segment: dict[SegmentName, Parts] = Field(
        default_factory=dict, description="What is said otherwise to a segment; the first segment that fits. It goes before a variant."
    )

    @property
    def survey(self) -> Survey:
        """The form and its pages."""
        return Survey(self.form, self.pages)

    @property
    def shares(self) -> dict[str, float]:
        """The share (0..1) of each variant, in the order in which they are drawn."""
        return {name: variant.share.fraction for name, variant in self.variants.items()}

    @property
    def control(self) -> str:
        """The variant that the others are compared with. Only of a page that has variants."""
        return next((name for name, variant in self.variants.items() if variant.control), list(self.variants)[-1])

    def seen(self, variant: str | None, segment: str | None) -> "Page":
        """The page as it is seen in a variant and by a segment. Whose variant is no longer there sees the control."""
        name = variant if variant in self.variants or not self.variants else self.control
        parts = [each for each in (self.variants.get(name or ""), self.by_segment.get(segment or "")) if each]
        said = {key: value for each in parts for key, value in each.said.items()}
        return self.model_copy(update=said) if said else self

    @cached_property
    def shows_voucher(self) -> bool:
        """Whether any text of the page, in any language, variant or segment, shows the recipient's voucher."""
        return any(shows(text, VOUCHER) for _, words in self.texts() for _, text in words.by_language)

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
