"""Messages put together into requests: up to a thousand in one, where they have their words in common."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from channels.contract import BatchInfo, Message, MessageKey
from channels.email.encoding import header_id, header_link, quoted
from channels.email.pictures import Picture
from channels.email.sendgrid.settings import SendGridSettings
from channels.email.sendgrid.skeleton import skeletons
from channels.email.wording import MailParts
from channels.merging import one_line

MOST_TOGETHER = 1_000  # personalizations in a request
KEY = "contactflow_key"  # the custom argument that comes back with each event
# Ours are rewritten by ourselves and led to our pages, so it must not put its own in their place.
_UNTRACKED = {
    "click_tracking": {"enable": False, "enable_text": False},
    "open_tracking": {"enable": False},
    "subscription_tracking": {"enable": False},
    "ganalytics": {"enable": False},
}


@dataclass(frozen=True, slots=True)
class Parcel:
    """Messages that go in one request: the parts that they share, with tags, and what each has in their place."""

    messages: Sequence[Message]
    parts: Mapping[str, str]
    values: Sequence[Mapping[str, str]]
    pictures: tuple[Picture, ...] = ()

    @property
    def keys(self) -> list[MessageKey]:
        """The messages' names."""
        return [message.key for message in self.messages]

    def without(self, places: Mapping[int, object]) -> "Parcel":
        """Those of other places."""
        return self._of([place for place in range(len(self.messages)) if place not in places])

    def halves(self) -> "tuple[Parcel, Parcel]":
        """Two of half the size."""
        places, middle = list(range(len(self.messages))), len(self.messages) // 2
        return self._of(places[:middle]), self._of(places[middle:])

    def _of(self, places: Sequence[int]) -> "Parcel":
        return Parcel([self.messages[place] for place in places], self.parts, [self.values[place] for place in places], self.pictures)


def parcels(messages: Sequence[Message], most: int = MOST_TOGETHER) -> Iterator[Parcel]:
    """All messages, each in one parcel, and not more than `most` in any.

    An address is in a parcel once: SendGrid may refuse a request that names one twice.
    """
    for alike, pictures in _by_pictures(messages):
        found = skeletons([_quoted(message) for message in alike], [message.content.parts.get("subject", "") for message in alike])
        for skeleton in found:
            rounds: list[dict[str, int]] = []
            for place in skeleton.values:
                address = alike[place].address.casefold()
                turn = next((each for each in rounds if address not in each and len(each) < most), None)
                if turn is None:
                    rounds.append(turn := {})
                turn[address] = place
            for turn in rounds:
                places = turn.values()
                yield Parcel([alike[each] for each in places], skeleton.parts, [skeleton.values[each] for each in places], pictures)


class Envelope:
    """What all requests of a batch have in common."""

    def __init__(self, settings: SendGridSettings, batch: BatchInfo) -> None:
        self._domain = settings.sender_address.rpartition("@")[2]
        campaign, node, version = header_id(batch.campaign), header_id(batch.node), header_id(batch.version)
        self._headers = {
            "X-Contactflow-Campaign": campaign,
            "X-Contactflow-Node": node,
            "Feedback-ID": f"{node}:{campaign}:{version}:contactflow",
            "Auto-Submitted": "no",
        }
        name = {"name": one_line(settings.sender_name)} if settings.sender_name else {}
        self._top: dict[str, Any] = {"from": {"email": settings.sender_address, **name}, "tracking_settings": _UNTRACKED}
        if settings.sandbox:
            self._top["mail_settings"] = {"sandbox_mode": {"enable": True}}

    def request(self, parcel: Parcel) -> bytes:
        """The request for a parcel, as it travels."""
        # RFC 2046: the richest last. An empty part is not allowed.
        contents = [{"type": f"text/{kind}", "value": parcel.parts[name]} for name, kind in _KINDS.items() if parcel.parts.get(name)]
        request = {
            **self._top,
            "personalizations": [self._personal(message, values) for message, values in zip(parcel.messages, parcel.values, strict=True)],
            "content": contents or [{"type": "text/plain", "value": " "}],
        }
        if parcel.pictures:
            request["attachments"] = [_attached(each) for each in parcel.pictures]
        return json.dumps(request, ensure_ascii=False, separators=(",", ":")).encode()

    def _personal(self, message: Message, values: Mapping[str, str]) -> dict[str, Any]:
        key, one_click = header_id(message.key), message.links.get("one_click")
        # All headers here and none above: those of a personalization may stand instead of the request's own.
        headers = {"Message-ID": f"<{key}@{self._domain}>", "X-Contactflow-Key": key, **self._headers}
        if one_click:
            headers["List-Unsubscribe"] = f"<{header_link(one_click)}>"
            headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        personal: dict[str, Any] = {
            "to": [{"email": message.address}],
            "subject": message.content.parts.get("subject", "") or " ",
            "headers": headers,
            "custom_args": {KEY: message.key},
        }
        return {**personal, "substitutions": values} if values else personal


_KINDS = {"text": "plain", "html": "html"}


def _by_pictures(messages: Sequence[Message]) -> Iterator[tuple[list[Message], tuple[Picture, ...]]]:
    """Messages with the same pictures: those are attached to a request, not to each of its messages."""
    found: dict[tuple[str, ...], tuple[list[Message], tuple[Picture, ...]]] = {}
    for message in messages:
        pictures = message.content.parts.pictures if isinstance(message.content.parts, MailParts) else ()
        found.setdefault(tuple(each.cid for each in pictures), ([], pictures))[0].append(message)
    yield from found.values()


def _quoted(message: Message) -> Mapping[str, str]:
    parts = message.content.parts
    if isinstance(parts, MailParts):
        return parts.quoted
    return {name: quoted(parts[name]) for name in _KINDS if name in parts}


def _attached(picture: Picture) -> dict[str, str]:
    return {
        "content": picture.data.replace("\r\n", ""),
        "type": picture.type,
        "filename": picture.name,
        "disposition": "inline",
        "content_id": picture.cid,
    }
