"""What is followed of a message: who clicked and opened, and which marks its links carry to other web statistics.

The node's word goes before the campaign's, and the campaign's before the workspace's. Nothing is followed unless one of them asks.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from pydantic import BaseModel, ConfigDict, Field

from engine.nodes.send import ONLY, Send


class Track(BaseModel):
    """What is followed in a campaign; what is not said here is as in `[tracking]` of contactflow.toml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    clicks: bool | None = Field(None, description="Whether links of e-mails lead over us, so that it is known who clicked on which.")
    opens: bool | None = Field(
        None, description="Whether e-mails count opens, by a picture that cannot be seen; `track_opens` at a node wins."
    )
    utm: bool | None = Field(
        None,
        description="Whether links carry `utm_source`, `utm_medium`, `utm_campaign` and `utm_content` (node and variant) where they lead.",
    )


@dataclass(frozen=True, slots=True)
class Tracking:
    """A workspace's word on it. With a `purpose`, only who allows that is followed; `utm_domains` have marks (all, without any)."""

    clicks: bool = False
    opens: bool = False
    utm: bool = False
    purpose: str | None = None
    utm_source: str = ""
    utm_domains: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Followed:
    """What is followed of one node's messages."""

    clicks: bool
    opens: bool
    utm: bool
    workspace: Tracking

    @property
    def is_personal(self) -> bool:
        """Whether it tells what one person did."""
        return self.clicks or self.opens

    def options(self, campaign: str, node: Send, arm: str, *, personal: bool) -> dict[str, str]:
        """What the channel is told when it loads a wording; without what is `personal`, the marks alone."""
        found = {name: "yes" for name, wanted in (("clicks", self.clicks), ("opens", self.opens)) if wanted and personal}
        if not self.utm:
            return found
        content = node.id if arm == ONLY else f"{node.id}-{arm}"
        marks = {"source": self.workspace.utm_source, "medium": node.send, "campaign": campaign, "content": content}
        found["marks"] = urlencode({f"utm_{name}": value for name, value in marks.items() if value})
        return found | {"mark_domains": " ".join(self.workspace.utm_domains)}


def followed(tracking: Tracking, track: Track | None, node: Send, *, shows_opens: bool = True) -> Followed:
    """What is followed of a node's messages. `shows_opens`: whether its channel can show that one was opened."""
    asked: Mapping[str, bool | None] = track.model_dump() if track else {}
    clicks, opens, utm = (
        ours if (said := asked.get(name)) is None else said
        for name, ours in (("clicks", tracking.clicks), ("opens", tracking.opens), ("utm", tracking.utm))
    )
    told = node.track_opens if node.says_opens else opens
    return Followed(clicks, told and shows_opens, utm, tracking)
