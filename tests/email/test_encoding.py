import email
import email.policy

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from channels.email.encoding import header_id, header_link, header_name, header_text, quoted, unquoted
from channels.email.letterhead import is_safe_address

PIECES = st.sampled_from(
    [
        ".",
        "..",
        "\n",
        "\r\n",
        " ",
        "\t",
        "=",
        "=\n",
        "€",
        "👩‍👩‍👧",
        "From ",
        "=_",
        "long " * 5,
        "x" * 74,
        "x" * 75,
        "x" * 76,
        "<p>",
        "\x00",
        "é",
    ]
)
TEXTS = st.one_of(st.text(), st.lists(PIECES, max_size=12).map("".join))


@given(TEXTS)
@example("long " * 14 + " ")
@example("\tlong long long long long long long long long long long long long long long \n€")
@example("." * 200)
def test_quoted_printable_keeps_every_text_within_the_rules(text: str) -> None:
    encoded = quoted(text)
    lines = encoded.split("\r\n")
    assert encoded.isascii()
    assert "\n" not in "".join(lines)
    assert lines[-1] == ""
    assert all(len(line) <= 76 and not line.startswith(".") and not line.endswith((" ", "\t")) for line in lines)
    assert "=_" not in encoded
    assert unquoted(encoded.encode()) == text.replace("\r\n", "\n").replace("\r", "\n")


@given(st.lists(TEXTS, max_size=5))
def test_chunks_that_are_encoded_apart_read_as_one_text(texts: list[str]) -> None:
    together = unquoted("".join(quoted(text) for text in texts).encode())
    assert together == "".join(text.replace("\r\n", "\n").replace("\r", "\n") for text in texts)


@given(st.text())
@example("a\r\nBcc: everybody@example.com")
@example("=?utf-8?b?AAAA?=")
def test_a_subject_is_one_header_whatever_it_holds(text: str) -> None:
    value = header_text(text)
    assert value.isascii()
    assert all(line.startswith(" ") for line in value.split("\r\n")[1:])
    assert all(len(line) <= 78 - len("Subject: ") for line in value.split("\r\n"))
    assert "\n" not in value.replace("\r\n ", "")
    message = email.message_from_string(f"Subject: {value}\r\n\r\n", policy=email.policy.default)
    assert message.keys() == ["Subject"]


@pytest.mark.parametrize("text", ["Plain", "€ 5 for you", "Zoë's" * 20, "a" * 200, "=?utf-8?q?trick?=", "👩‍👩‍👧 family", 'with "quotes"'])
def test_a_subject_reads_back_as_it_was(text: str) -> None:
    message = email.message_from_string(f"Subject: {header_text(text)}\r\n\r\n", policy=email.policy.default)
    assert message["Subject"] == text


@pytest.mark.parametrize("name", ["Shop", "Café de Zon", 'The "Best", Ltd.', "a <b@c.example>", "back\\slash", "x\r\nBcc: y"])
def test_a_name_before_an_address_stays_a_name(name: str) -> None:
    message = email.message_from_string(f"From: {header_name(name)} <shop@example.com>\r\n\r\n", policy=email.policy.default)
    addresses = message["From"].addresses
    assert [(each.display_name, each.addr_spec) for each in addresses] == [(" ".join(name.split()), "shop@example.com")]


@given(st.text())
def test_a_key_and_a_link_cannot_leave_their_header(text: str) -> None:
    for made in (header_id(text), header_link(text)):
        assert made.isascii()
        assert made.isprintable()
        assert not set(made) & set(" <>\r\n")


@given(st.text())
def test_an_address_that_is_called_safe_has_nothing_that_ends_a_command(text: str) -> None:
    if is_safe_address(text):
        assert not set(text) & set(" \t\r\n<>\0")
        assert text.count("@") >= 1
