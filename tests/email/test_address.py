import time

import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import given
from hypothesis import strategies as st

from channels.email import EmailChannel, EmailSettings
from channels.email.address import normal_address

CHANNEL = EmailChannel(EmailSettings(host="127.0.0.1", port=1, sender_address="a@example.com"))


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("Jan.de.Vries@Example.COM", "Jan.de.Vries@example.com"),
        ("  jan@example.com\n", "jan@example.com"),
        ("zoë@example.com", "zoë@example.com"),
        ("jan@münchen.example.com", "jan@xn--mnchen-3ya.example.com"),
        ("o'brien+news@example.co.uk", "o'brien+news@example.co.uk"),
        ("", None),
        ("jan", None),
        ("jan@", None),
        ("@example.com", None),
        ("jan@localhost", None),
        ("jan@example", None),
        (".jan@example.com", None),
        ("jan..x@example.com", None),
        ("jan@exam ple.com", None),
        ("jan@example.com, piet@example.com", None),
        ("Jan <jan@example.com>", None),
        ("jan@example.com\r\nBcc: x@y.example", None),
        ("a" * 65 + "@example.com", None),
        ("jan@" + "a" * 250 + ".com", None),
    ],
)
def test_the_normal_form_of_an_address(text: str, address: str | None) -> None:
    assert CHANNEL.address_of({"email": text}) == address


def test_a_customer_without_an_address_has_none() -> None:
    assert CHANNEL.address_of({}) is None
    assert CHANNEL.address_of({"email": None}) is None


LOCALS = st.text("abzAZ09._+-'\"@ é", max_size=70)
DOMAINS = st.sampled_from(["example.com", "EXAMPLE.com", "a-b.example.nl", "-a.example.nl", "x", "x.test", "münchen.example.de", "a..b"])


@given(LOCALS, DOMAINS)
def test_the_quick_road_and_email_validator_agree(local: str, domain: str) -> None:
    text = f"{local}@{domain}".strip()
    try:
        found = validate_email(text, check_deliverability=False, strict=True)
        expected = found.ascii_email or f"{found.local_part}@{found.ascii_domain}"
    except EmailNotValidError:
        expected = None
    assert normal_address(text) == expected


def test_an_audience_of_a_hundred_thousand_takes_no_time() -> None:
    start = time.perf_counter()
    for index in range(100_000):
        normal_address(f"customer.{index}@mail{index % 50}.example.com")
    assert time.perf_counter() - start < 3
