"""Settings of how fast messages may leave: [limits.CHANNEL]."""

import re
from datetime import date
from typing import Annotated, Any, Self

from pydantic import Field, field_validator, model_validator

from contactflow.section import Section
from engine.pace import Limits, Pace

# Points and the like part thousands only: `2.5 per second` is not 25.
_PACE = re.compile(r"([0-9]+|[0-9]{1,3}(?:[.,_ ][0-9]{3})+) ?(?:per|an?|/) ?(second|minute|hour)")
_SECONDS = {"second": 1, "minute": 60, "hour": 3600}
_DOMAIN = re.compile(r"\*|[a-z0-9-]+(?:\.[a-z0-9-]+)+")
Positive = Annotated[int, Field(gt=0)]


class LimitSection(Section):
    """How fast a channel's messages may leave, in all campaigns and processes together: [limits.email] and the like."""

    pace: str | None = Field(None, description="The most in all, such as `600 per minute`; never more than a minute's worth at once.")
    daily: Positive | None = Field(None, description="The most on one day of the organisation's calendar.")
    warm_up: tuple[Positive, ...] = Field(
        (), description="A new sender begins small: the most on the first day, the second and so on; `daily` holds after them."
    )
    warm_up_from: date | None = Field(None, description="The first day of the warm-up.")
    receivers: dict[str, str] = Field(
        {},
        description='The most to one receiving side, by the domain of the address: `"gmail.com" = "120 per minute"`; `"*"` is for each of '
        "the others.",
    )

    receivers_at_once: dict[str, Positive] = Field(
        {},
        description='The most mails on the wire to one receiving side at the same moment, by each process that sends: `"gmail.com" = 2`; '
        '`"*"` is for each of the others. With `smtp` only.',
    )

    @field_validator("pace")
    @classmethod
    def _readable(cls, value: str | None) -> str | None:
        if value is not None:
            read_pace(value)
        return value

    @field_validator("receivers")
    @classmethod
    def _receivers(cls, value: dict[str, str]) -> dict[str, str]:
        for pace in value.values():
            read_pace(pace)
        return value

    @field_validator("receivers", "receivers_at_once")
    @classmethod
    def _domains(cls, value: dict[str, Any]) -> dict[str, Any]:
        for name in value:
            if not _DOMAIN.fullmatch(name):
                raise ValueError(f'\'{name[:60]}\' is not a domain in small letters, such as "gmail.com", nor "*".')
        return value

    @model_validator(mode="after")
    def _together(self) -> Self:
        if bool(self.warm_up) != bool(self.warm_up_from):
            raise ValueError("a warm-up needs both `warm_up` (how many on each day) and `warm_up_from` (the first day).")
        return self

    @property
    def limits(self) -> Limits:
        """The limits as the engine keeps to them."""
        receivers = {name: read_pace(pace) for name, pace in self.receivers.items()}
        return Limits(read_pace(self.pace) if self.pace else None, self.daily, self.warm_up, self.warm_up_from, receivers)


def read_pace(text: str) -> Pace:
    """`600 per minute` as a Pace. Raises ValueError."""
    match = _PACE.fullmatch(" ".join(text.lower().split()))
    figures = re.sub(r"[.,_ ]", "", match[1]) if match else ""
    if match is None or int(figures) == 0:
        raise ValueError(f"'{text[:60]}' is not a pace. Write how many in how long: 10 per second, 600 per minute, 5000 per hour.")
    return Pace(int(figures), _SECONDS[match[2]])
