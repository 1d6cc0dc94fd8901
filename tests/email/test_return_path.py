"""Return paths and unsubscribe addresses: they name one message, survive folding, and cannot be made by others."""

import pytest
from email_validator import validate_email
from hypothesis import assume, example, given
from hypothesis import strategies as st

from channels.contract import MessageKey
from channels.email.incoming import ReturnPaths
from channels.email.incoming.return_path import MOST_LOCAL, SIGNED_LOCAL
from store.errors import InputError
from store.tokens import Signer

OLD, NEW = b"old key of sixteen", b"new key of sixteen"
PATHS = ReturnPaths(Signer([NEW]))
VERSIONS = st.text("0123456789abcdef", min_size=12, max_size=12)
OURS = st.builds("{}.{}".format, VERSIONS, st.integers(0, 2**63 - 1)).map(MessageKey)
ANY = (OURS | st.text(min_size=1, max_size=25).filter(lambda key: len(key.encode("utf-8", "replace")) <= 25)).map(MessageKey)
DOMAINS = st.sampled_from(["bounce.shop.example", "a.b"])


def folded(address: str, upper: list[bool]) -> str:
    return "".join(sign.upper() if up else sign for sign, up in zip(address, upper * len(address), strict=False))


@given(ANY, DOMAINS, st.lists(st.booleans(), min_size=1))
@example(MessageKey("Winback.7"), "a.b", [True])
@example(MessageKey("a..b"), "a.b", [False])
@example(MessageKey("-"), "a.b", [False])
def test_a_return_path_names_its_message_in_whatever_case(key: MessageKey, domain: str, upper: list[bool]) -> None:
    try:
        address = PATHS.return_path(key, domain)
    except UnicodeEncodeError:
        assume(False)
    assert PATHS.key_of(folded(address, upper)) == key
    assert PATHS.key_of(f" <{address}> ") == key
    assert PATHS.unsubscribed_key_of(address) is None
    assert PATHS.unsubscribed_key_of(PATHS.unsubscribe_address(key, domain).upper()) == key


@given(OURS)
def test_a_return_path_is_an_ordinary_address(key: MessageKey) -> None:
    address = PATHS.return_path(key, "bounce.shop.example")
    assert len(address.partition("@")[0]) <= MOST_LOCAL
    assert validate_email(address, check_deliverability=False, test_environment=True).normalized == address
    assert SIGNED_LOCAL.findall(f"for <{address}>; Mon") == [address.partition("@")[0]]


@given(OURS, st.integers(0, 200), st.sampled_from("abcdefghijklmnopqrstuvwxyz234567.-_@ ="))
def test_an_altered_return_path_is_not_ours(key: MessageKey, at: int, sign: str) -> None:
    local = PATHS.return_path(key, "a.b").partition("@")[0]
    at %= len(local)
    assume(local[at] != sign)
    assert PATHS.key_of(f"{local[:at]}{sign}{local[at + 1 :]}@a.b") is None


@given(st.text() | st.from_regex(r"[beuv]-[a-z0-9._-]{0,50}-[a-z2-7]{20}@a\.b", fullmatch=True))
def test_what_others_make_up_is_not_ours(address: str) -> None:
    assert PATHS.key_of(address) is None
    assert PATHS.unsubscribed_key_of(address) is None


def test_a_return_path_of_another_workspace_is_not_ours() -> None:
    assert PATHS.key_of(ReturnPaths(Signer([OLD])).return_path(MessageKey("a.1"), "a.b")) is None


def test_a_key_that_was_changed_still_reads_what_it_signed() -> None:
    address = ReturnPaths(Signer([OLD])).return_path(MessageKey("a.1"), "a.b")
    assert ReturnPaths(Signer([NEW, OLD])).key_of(address) == "a.1"


@pytest.mark.parametrize("key", ["a" * 42, "A" * 26])
def test_a_key_that_does_not_fit_is_refused(key: str) -> None:
    assert len(PATHS.return_path(MessageKey(key[1:]), "a.b")) <= MOST_LOCAL + 4
    with pytest.raises(InputError, match="does not fit"):
        PATHS.return_path(MessageKey(key), "a.b")
