"""Settings of what is followed of e-mails: [tracking]."""

import re

from pydantic import Field, field_validator

from contactflow.section import Section
from engine.tracking import Tracking

_DOMAIN = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)+")


class TrackingSection(Section):
    """What is followed of e-mails, where a campaign does not say otherwise (`track`)."""

    clicks: bool = Field(False, description="Whether links lead over the landing pages, so that it is known who clicked on which.")
    opens: bool = Field(False, description="Whether mails count opens, by a picture that cannot be seen.")
    utm: bool = Field(False, description="Whether links carry `utm_` parameters where they lead, for other web statistics.")
    purpose: str | None = Field(
        None,
        description="A purpose of `[consent]`: only who allows it for e-mail is followed; the others get plain links and no picture.",
    )
    utm_source: str = Field("", description="What `utm_source` says. Default: the organisation's name, in small letters.", max_length=100)
    utm_domains: tuple[str, ...] = Field(
        (), description='The sites whose links carry `utm_` parameters, with what lies below them: `["shop.nl"]`. Default: all.'
    )

    @field_validator("utm_domains")
    @classmethod
    def _domains(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            if not _DOMAIN.fullmatch(name):
                raise ValueError(f"'{name[:60]}' is not a domain in small letters, such as \"shop.nl\".")
        return value

    def of(self, organisation: str) -> Tracking:
        """What the engine is told, for an organisation of this name."""
        source = self.utm_source or "-".join(re.findall(r"\w+", organisation.lower()))
        return Tracking(self.clicks, self.opens, self.utm, self.purpose, source, self.utm_domains)
