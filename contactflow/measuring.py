"""Settings of measuring: metrics, the global hold-out, and what is meant for a segment."""

import re
from collections.abc import Iterator
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from contactflow.section import Section
from engine.language.values import Duration, Lift, Share
from engine.metrics import SHARES, Measure, MetricSpec

LEAST_HOLDOUT, MOST_HOLDOUT = 0.01, 0.1


class ProgrammeSection(Section):
    """All campaigns together."""

    holdout: str | None = Field(
        None,
        description="The random part of all customers that no campaign writes to, such as `5%` (1 to 10), so that what the campaigns bring "
        "together can be measured. A customer is in it when the hash of the salt `programme` and the customer's number lies below it. "
        "Written down at the first look, and never changed afterwards.",
    )

    @field_validator("holdout")
    @classmethod
    def _small(cls, value: str | None) -> str | None:
        if value is not None and not LEAST_HOLDOUT <= _share(value) <= MOST_HOLDOUT:
            raise ValueError(f"must be 1% to 10%, but it is '{value}'. Fewer show nothing, more cost too much.")
        return value

    @property
    def share(self) -> float | None:
        """The part held out (0..1), or None."""
        return None if self.holdout is None else _share(self.holdout)


def _share(text: str) -> float:
    """`5%` as 0.05. Raises ValueError."""
    match = re.fullmatch(r"([0-9]{1,2}(?:\.[0-9]{1,4})?) ?%", text)
    if match is None:
        raise ValueError(f"must be a percentage such as 5%, but it is '{text}'.")
    return float(match[1]) / 100


class StrategySection(Section):
    """What is meant for one segment: [strategy.SEGMENT]."""

    result: str = Field("", description="What these customers should come to do, in words.")
    channel: Literal["email", "sms", "print"] | None = Field(None, description="The channel that should reach them first.")
    measure: Measure = Field("purchase", description="What tells whether it works.")


class MetricSection(Section):
    """What counts as success, for flows to name: [metrics.NAME]."""

    of: Measure = Field(description="What is counted of each customer assigned.")
    per: Measure | None = Field(
        None, description='Divide the total by the total of this: `of = "spend"` with `per = "orders"` is the value of an order.'
    )
    within: str | None = Field(
        None, description="How long it is counted from the moment that a customer came in. Default: the learning goal's."
    )
    margin: str | None = Field(
        None, description="The share of its amount, such as `35%`, that a purchase without a margin of its own brings; with `margin` only."
    )
    winsorise: str | None = Field(
        None,
        description="Such as `99%`: an amount above that of 99 in 100 customers assigned (those with nothing included) counts as that "
        "amount, so that a few large ones do not decide. Nothing is cut off where that amount is 0.",
    )
    better: Literal["more", "less"] = Field("more", description="Which direction is good.")
    guardrail: str | float | None = Field(
        None,
        description="How much worse is still acceptable: `0.5 points` of a share, or an amount. Every report then says whether that was "
        "kept.",
    )

    @field_validator("within")
    @classmethod
    def _duration(cls, value: str | None) -> str | None:
        return value if value is None else str(Duration.parse(" ".join(value.split())))

    @field_validator("margin", "winsorise")
    @classmethod
    def _part(cls, value: str | None) -> str | None:
        return value if value is None else str(Share.parse(value.strip()))

    @field_validator("guardrail")
    @classmethod
    def _lift(cls, value: str | float | None) -> str | None:
        return None if value is None else str(Lift.parse(str(value).strip()))

    @model_validator(mode="after")
    def _together(self) -> Self:
        faults = list(self._faults())
        if faults:
            raise ValueError(" ".join(faults))
        return self

    def _faults(self) -> Iterator[str]:
        """What does not go together."""
        spec = self.spec("")
        if self.per == self.of:
            yield f"`of` and `per` are both {self.of}, which makes 1."
        if self.margin is not None and "margin" not in (self.of, self.per):
            yield 'a share of `margin` says nothing here: write `of = "margin"`, or take it away.'
        if self.winsorise is not None and (self.of in SHARES or spec.winsorise == 1):
            yield "nothing can be cut off: `winsorise` is for amounts and numbers, and below 100%."
        in_points = "point" in str(self.guardrail).lower()
        if in_points and spec.unit != "share":
            yield f"a guardrail in points is for shares, and this is {'an amount' if spec.unit == 'money' else 'a number'}. Write 0.50."
        if self.guardrail is not None and spec.unit == "share" and not (in_points and (spec.guardrail or 0) < 1):
            yield "the guardrail of a share is in points, fewer than 100. Write 0.5 points."

    def spec(self, name: str) -> MetricSpec:
        """The metric as it is measured."""
        return MetricSpec(
            name=name,
            of=self.of,
            per=self.per,
            within_seconds=Duration.parse(self.within).seconds if self.within else None,
            margin_share=Share.parse(self.margin).fraction if self.margin else None,
            winsorise=Share.parse(self.winsorise).fraction if self.winsorise else None,
            better=self.better,
            guardrail=Lift.parse(str(self.guardrail)).amount if self.guardrail is not None else None,
        )
