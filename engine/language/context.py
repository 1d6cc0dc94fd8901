"""What a flow is checked against: everything that lies outside its own file."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from types import MappingProxyType

from channels.contract import Wording, WordingFault
from customers.conditions.vocabulary import Vocabulary
from engine.metrics import BUILT_IN, Metrics
from engine.tracking import Tracking

# channel, template file, options (`subject` where one was given): the compiled wording, or what is wrong with it
LoadTemplate = Callable[[str, Path, Mapping[str, str]], Wording | list[WordingFault]]


@dataclass(frozen=True, slots=True)
class ChannelTraits:
    """What a flow may ask of a channel."""

    takes_subject: bool = False
    tracks_opens: bool = False
    arrives_at_once: bool = False  # so that the part of the day that a customer prefers is worth waiting for
    address: tuple[str, ...] = ()  # the attributes that make up an address; a test holds them to the channel's own


CHANNELS: Mapping[str, ChannelTraits] = MappingProxyType(
    {
        "email": ChannelTraits(takes_subject=True, tracks_opens=True, arrives_at_once=True, address=("email",)),
        "sms": ChannelTraits(arrives_at_once=True, address=("phone",)),
        "print": ChannelTraits(address=("first_name", "last_name", "street", "postcode", "city", "country")),
    }
)


@dataclass(frozen=True)
class CheckContext:
    """A workspace as the check sees it; needs no database.

    `vocabulary` (Vocabulary.of_workspace) holds attributes, segments and channels. `own_attributes` are those that an update may
    set; `stated` are the answers to forms that a template may show, as `said_NAME`. Without `purposes` or `load_template` the
    checks that need them are left out. `shown` says how a file's name stands in a fault.
    """

    templates: Path
    vocabulary: Vocabulary = field(default_factory=Vocabulary)
    own_attributes: Mapping[str, str] = field(default_factory=dict)
    stated: tuple[str, ...] = ()
    purposes: tuple[str, ...] | None = None
    metrics: Metrics = field(default_factory=lambda: BUILT_IN)
    channels: Mapping[str, ChannelTraits] = field(default_factory=lambda: CHANNELS)
    load_template: LoadTemplate | None = None
    today: date | None = None
    shown: Callable[[Path], str] = str
    tracking: Tracking = field(default_factory=Tracking)
