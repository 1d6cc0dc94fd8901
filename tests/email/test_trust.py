"""What DNS says of our mail, from a zone file."""

from pathlib import Path

import pytest

from channels.email import EmailSettings
from channels.email.dkim import public_record
from channels.email.settings import SigningKey
from channels.email.trust import Zones, doubts
from store.errors import InputError
from tests.email.test_dkim import ED25519, OTHER_RSA, RSA

HEAD = "$ORIGIN example.co.uk.\n$TTL 3600\n@ IN SOA ns hostmaster 1 2 3 4 5\n@ IN NS ns\n$ORIGIN news.example.co.uk.\n"
SPF = '@ TXT "v=spf1 include:_spf.example.net -all"\n'
DMARC = '_dmarc TXT "v=DMARC1; p=reject; rua=mailto:dmarc@example.co.uk"\n'


def dkim_record(key: bytes = RSA, tags: str = "") -> str:
    """In strings of at most 255 characters, as DNS has them."""
    text = public_record(key).replace("p=", f"{tags}p=")
    return "s1._domainkey TXT " + " ".join(f'"{text[at : at + 200]}"' for at in range(0, len(text), 200)) + "\n"


def said(tmp_path: Path, records: str, domain: str = "news.example.co.uk", key: bytes = RSA, return_domain: str | None = None) -> list[str]:
    file = tmp_path / "zone"
    file.write_text(HEAD + records, encoding="utf-8")
    other = tmp_path / "other"
    other.write_text("$ORIGIN net.\n" + '_bounce.provider TXT "x"\nbounce.provider 60 IN TXT "v=spf1 -all"\n', encoding="utf-8")
    settings = EmailSettings(host="h", port=25, sender_address="shop@news.example.co.uk", signing_keys=(SigningKey(domain, "s1", key),))
    return [each.message for each in doubts(settings, Zones([file, other], "news.example.co.uk"), return_domain)]


def test_a_good_zone_leaves_no_doubt(tmp_path: Path) -> None:
    assert said(tmp_path, SPF + dkim_record() + DMARC) == []
    assert said(tmp_path, SPF + dkim_record(ED25519) + DMARC, key=ED25519) == []


@pytest.mark.parametrize(
    ("records", "doubt"),
    [
        (dkim_record() + DMARC, "there is no SPF record."),
        (SPF + SPF.replace("net", "org") + dkim_record() + DMARC, "there are 2 SPF records"),
        (SPF.replace("-all", "+all") + dkim_record() + DMARC, "lets everybody send"),
        (SPF.replace(" -all", "") + dkim_record() + DMARC, "does not say what to do with others"),
        (SPF.replace("include:_spf.example.net", "mx " * 11) + dkim_record() + DMARC, "needs 11 look-ups"),
        (SPF + DMARC, "there is no DKIM record for selector 's1'"),
        (SPF + dkim_record(OTHER_RSA) + DMARC, "the public half of another key"),
        (SPF + 's1._domainkey TXT "v=DKIM1; k=rsa; p="\n' + DMARC, "the key was revoked"),
        (SPF + dkim_record(tags="t=y; ") + DMARC, "only testing"),
        (SPF + dkim_record(), "there is no DMARC record"),
        (SPF + dkim_record() + DMARC.replace("p=reject", "p=perhaps"), "no policy that is known"),
    ],
)
def test_each_doubt_is_told_by_itself(tmp_path: Path, records: str, doubt: str) -> None:
    [message] = said(tmp_path, records)
    assert doubt in message


def test_alignment_is_that_of_the_organisation_unless_dmarc_is_strict(tmp_path: Path) -> None:
    record = dkim_record().replace("s1._domainkey", "s1._domainkey.example.co.uk.")
    assert said(tmp_path, SPF + record + DMARC, domain="example.co.uk") == []
    [strict] = said(tmp_path, SPF + record + DMARC.replace("p=reject", "p=reject; adkim=s"), domain="example.co.uk")
    assert "no DKIM key signs for news.example.co.uk" in strict


def test_a_sender_for_whom_nothing_speaks_fails_dmarc(tmp_path: Path) -> None:
    [missing, message] = said(tmp_path, SPF + DMARC, domain="other.net", return_domain="bounce.provider.net")
    assert "there is no DKIM record" in missing
    assert "neither DKIM nor SPF speaks for news.example.co.uk" in message


@pytest.mark.parametrize(
    ("records", "doubts_"),
    [
        ('bounces TXT "v=spf1 -all"\nbounces MX 10 mx.example.net.\n', []),
        ('bounces TXT "v=spf1 -all"\nbounces A 192.0.2.1\n', []),
        ('bounces TXT "v=spf1 -all"\n', ["there is no MX record"]),
        ('bounces TXT "v=spf1 -all"\nbounces MX 0 .\nbounces A 192.0.2.1\n', ["there is no MX record"]),
        ("bounces MX 10 mx.example.net.\n", ["there is no SPF record"]),
    ],
)
def test_a_domain_for_bounces_is_the_one_that_spf_is_asked_of_and_needs_a_server(tmp_path: Path, records: str, doubts_: list[str]) -> None:
    file = tmp_path / "zone"
    file.write_text(HEAD + dkim_record() + DMARC.replace("p=reject", "p=reject; aspf=r") + records, encoding="utf-8")
    key = SigningKey("news.example.co.uk", "s1", RSA)
    bounces = "bounces.news.example.co.uk"
    settings = EmailSettings(host="h", port=25, sender_address="shop@news.example.co.uk", signing_keys=(key,), bounce_domain=bounces)
    found = doubts(settings, Zones([file], "news.example.co.uk"))
    assert [each.name for each in found] == [bounces] * len(doubts_)
    assert all(told in each.message for told, each in zip(doubts_, found, strict=True))


def test_a_file_that_is_no_zone_is_refused_in_words(tmp_path: Path) -> None:
    file = tmp_path / "zone"
    file.write_bytes(b"\xff\xfe{}")
    with pytest.raises(InputError, match="BIND's format"):
        Zones([file], "example.com")
