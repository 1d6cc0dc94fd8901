"""Whole mails as they travel, read back by the standard library and by another parser: no value becomes a header."""

import email
import email.policy
from collections import Counter
from datetime import UTC, datetime

import pytest
from fast_mail_parser import parse_email
from hypothesis import example, given, settings
from hypothesis import strategies as st

from channels.contract import BatchInfo, Content, Message, MessageKey
from channels.email import EmailSettings
from channels.email.incoming.return_path import ReturnPaths
from channels.email.letterhead import Letterhead, is_safe_address
from store.errors import SettingsError
from store.tokens import Signer
from tests.email.test_dkim import DNS, KEYS, verdicts

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
PATHS = ReturnPaths(Signer([b"0123456789abcdef"]))
HEADERS = [
    "From", "Date", "To", "Message-ID", "X-Contactflow-Key", "List-Unsubscribe", "List-Unsubscribe-Post", "X-Contactflow-Campaign",
    "X-Contactflow-Node", "Feedback-ID", "Auto-Submitted", "Subject", "MIME-Version", "Content-Type",
]  # fmt: skip
EVIL = st.sampled_from(
    [
        "\r\n",
        "\n",
        "\r",
        "\r\n\r\n",
        "\x00",
        "\x0b",
        "\x85",
        "\u2028",
        " ",
        "\t",
        ":",
        ">",
        "<",
        "@",
        ",",
        '"',
        "Bcc: x@y.example",
        "é",
        "=?",
    ]
)
TEXTS = st.one_of(st.text(max_size=60), st.lists(st.one_of(EVIL, st.text(max_size=8)), max_size=8).map("".join))
LOCALS = st.lists(st.one_of(EVIL, st.sampled_from(["a", "b.c", "o'", "{}|"])), min_size=1, max_size=5).map("".join)
ADDRESSES = st.tuples(LOCALS, LOCALS).map("@".join).filter(is_safe_address)


def letterhead(name: str = "Shop", batch: tuple[str, str, str] = ("spring", "1a2b3c", "mail"), **given_: object) -> Letterhead:
    mail_settings = EmailSettings(host="h", port=25, sender_address="shop@example.com", sender_name=name, **given_)  # type: ignore[arg-type]  # a test's own
    campaign, version, node = batch
    return Letterhead(mail_settings, BatchInfo("b", campaign, version, node, "Spring", NOON))


def message(
    key: str = "1a2b3c4d5e6f.7", address: str = "ann@example.org", subject: str = "Hello", link: str = "https://example.com/o"
) -> Message:
    return Message(MessageKey(key), address, Content({"subject": subject, "text": "Dear Ann"}), {"one_click": link})


def read_back(data: bytes) -> tuple[list[str], list[str]]:
    """The names of the headers as each parser finds them, after both have found the same body and no defect."""
    assert data.endswith(b"\r\n.\r\n")
    ours, other = email.message_from_bytes(data[:-3], policy=email.policy.default), parse_email(data[:-3])
    assert not ours.defects
    assert not other.warnings
    assert ours.get_content().strip() == other.text_plain[0].strip() == "Dear Ann"
    return ours.keys(), list(Counter({name: len(values) for name, values in other.headers.items()}).elements())


@settings(max_examples=150, deadline=None)
@given(TEXTS, TEXTS, TEXTS, st.tuples(TEXTS, TEXTS, TEXTS), ADDRESSES)
@example("a\r\nBcc: b@c.example", "k\r\n\r\nbody", "https://x/>\r\nBcc: y", ("a\r\nX: y", "v\n", "n\r"), "ann@example.org")
def test_no_value_becomes_a_header_whatever_it_holds(subject: str, key: str, link: str, batch: tuple[str, str, str], address: str) -> None:
    data = letterhead(subject, batch).mail(message(key or "k", address, subject, link or "x"))
    mine, other = read_back(data)
    assert (
        set(mine) | {"Content-Transfer-Encoding"} == set(other) | {"Content-Transfer-Encoding"} == {*HEADERS, "Content-Transfer-Encoding"}
    )
    assert len(mine) == len(set(mine)) == len(other)


@pytest.mark.parametrize("sender", ["a@b.example>\r\nBcc: c@d.example", "a b@c.example", "nobody", ""])
def test_a_sender_that_could_end_a_header_is_refused(sender: str) -> None:
    with pytest.raises(SettingsError, match="sender"):
        Letterhead(EmailSettings(host="h", port=25, sender_address=sender), BatchInfo("b", "c", "v", "n", "t", NOON))


def test_with_a_domain_for_bounces_each_message_has_a_return_path_that_names_it() -> None:
    made = letterhead(bounce_domain="bounces.example.com", return_paths=PATHS)
    first, second = (made.sender_of(MessageKey(f"1a2b3c4d5e6f.{number}")) for number in (7, 8))
    assert first.endswith("@bounces.example.com")
    assert (PATHS.key_of(first), PATHS.key_of(second)) == ("1a2b3c4d5e6f.7", "1a2b3c4d5e6f.8")
    assert letterhead().sender_of(MessageKey("1a2b3c4d5e6f.7")) == "shop@example.com"
    assert letterhead(return_paths=PATHS).sender_of(MessageKey("1a2b3c4d5e6f.7")) == "shop@example.com"


def test_with_a_domain_for_bounces_one_can_unsubscribe_by_mail_too() -> None:
    data = letterhead(bounce_domain="bounces.example.com", return_paths=PATHS, signing_keys=KEYS).mail(message())[:-3]
    mail = email.message_from_bytes(data, policy=email.policy.default)
    by_mail, by_click = (way.strip(" <>") for way in mail["List-Unsubscribe"].split(","))
    assert by_mail.startswith("mailto:u-")
    assert PATHS.unsubscribed_key_of(by_mail.removeprefix("mailto:")) == "1a2b3c4d5e6f.7"
    assert by_click == "https://example.com/o"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert max(map(len, data.partition(b"\r\n\r\n")[0].split(b"\r\n"))) <= 998
    assert verdicts(data, DNS) == [True, True]
    forged = data.replace(by_mail.encode(), b"mailto:u-somebody@else.example")
    assert verdicts(forged, DNS) == [False, False]
