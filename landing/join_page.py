"""The page on which anybody may ask to join: a page file with the few questions that it takes, and what is agreed to."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field, field_validator

from landing.blocks import Block
from landing.fields import FIELD_TYPES, EmailField, FormField, TextField, Words
from landing.page import ByWord, FieldName, Page

EMAIL, FIRST_NAME = "email", "first_name"
KINDS: dict[str, type[FormField]] = {EMAIL: EmailField, FIRST_NAME: TextField}


class JoinPage(Page):
    """A page to join by. What was typed stands for nothing but the wish: who has the address is asked by mail."""

    consent: Words = Field(description="What joining means: which messages come, and that they can be stopped. Kept as it was shown.")
    form: dict[FieldName, Annotated[FormField, ByWord(FIELD_TYPES)]] = Field(
        description="The questions: `email`, which is required, and at most `first_name`."
    )

    @field_validator("form")
    @classmethod
    def _asks_little(cls, form: dict[str, FormField]) -> dict[str, FormField]:
        for name, asked in form.items():
            if not isinstance(asked, KINDS.get(name, FormField)) or name not in KINDS:
                raise ValueError(f"'{name}' cannot be asked of strangers. Ask for `email: {{email: ...}}` and `first_name: {{text: ...}}`.")
        if EMAIL not in form or not form[EMAIL].required:
            raise ValueError("nobody can join without an address. Add `email: {email: Your e-mail address, required: yes}`.")
        return form

    @field_validator("blocks")
    @classmethod
    def _shows_no_event(cls, blocks: tuple[Block, ...]) -> tuple[Block, ...]:
        if any(each.word == "event" for each in blocks):
            raise ValueError("an event is for whoever has a message of ours. Show it on the page that the welcome leads to.")
        return blocks

    @field_validator("variants", "by_segment")
    @classmethod
    def _is_one(cls, otherwise: Mapping[str, object]) -> Mapping[str, object]:
        if otherwise:
            raise ValueError("whoever joins is not known yet, and sees the same as everybody. Take it out.")
        return otherwise
