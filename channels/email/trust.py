"""Whether a receiver will trust our mail: SPF, DKIM and DMARC as a zone file has them, and whether they align with the sender."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import dns.exception
import dns.name
import dns.rdatatype
import dns.zone
from publicsuffixlist import PublicSuffixList

from channels.email.dkim import public_record
from channels.email.settings import EmailSettings, SigningKey
from store.errors import InputError

_MOST_LOOKUPS = 10  # RFC 7208, 4.6.4
_LOOKS_UP = re.compile(r"^[+?~-]?(include:|a\b|mx\b|ptr\b|exists:|redirect=)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Doubt:
    """What keeps a receiver from trusting our mail, and what to write into DNS instead."""

    name: str
    message: str
    remedy: str


class Zones:
    """Records by full name, from zone files. Raises InputError for a file that is none."""

    def __init__(self, files: Sequence[Path], sender: str) -> None:
        """A file without $ORIGIN is taken for the zone of the sender's organisation."""
        self._zones = [_read(file, sender) for file in files]

    def texts(self, name: str) -> list[str]:
        """The TXT records at a name, each joined from its strings."""
        return [b"".join(record.strings).decode("utf-8", "replace") for record in self._records(name, dns.rdatatype.TXT)]

    def takes_mail(self, name: str) -> bool:
        """Whether mail to this domain goes anywhere: to its MX, or without one to its own address (RFC 5321, 5.1; RFC 7505)."""
        servers = [record.exchange for record in self._records(name, dns.rdatatype.MX)]
        if servers:
            return dns.name.root not in servers
        return any(self._records(name, kind) for kind in (dns.rdatatype.A, dns.rdatatype.AAAA))

    def _records(self, name: str, kind: dns.rdatatype.RdataType) -> list[Any]:
        full = dns.name.from_text(name)
        return [record for zone in self._zones for record in zone.get_rdataset(full, kind) or ()]


def _read(file: Path, sender: str) -> dns.zone.Zone:
    try:
        text = file.read_text(encoding="utf-8")
        origin = None if "$ORIGIN" in text else dns.name.from_text(_organisation(sender))
        return dns.zone.from_text(f"$TTL 3600\n{text}", origin=origin, relativize=False, check_origin=False)
    except (OSError, UnicodeDecodeError, dns.exception.DNSException, ValueError) as error:
        why = f"{file} cannot be read as a zone file: {str(error)[:200] or type(error).__name__}."
        raise InputError(f"{why} Export the zone from your DNS provider in BIND's format.") from error


def doubts(settings: EmailSettings, zones: Zones, return_domain: str | None = None) -> list[Doubt]:
    """All that is wrong with what DNS says of our mail. `return_domain`: of the return path, where a provider sets its own."""
    domain = settings.sender_address.rpartition("@")[2].lower()
    returns = (return_domain or settings.bounce_domain or domain).lower()
    dkim = [doubt for key in settings.signing_keys for doubt in _dkim(zones, key)]
    return [*_spf(zones, returns), *_mx(settings.bounce_domain, zones), *dkim, *_dmarc(zones, domain, returns, settings.signing_keys)]


def _spf(zones: Zones, domain: str) -> Iterator[Doubt]:
    records = [text for text in zones.texts(domain) if text.lower().split(" ")[0] == "v=spf1"]
    if len(records) != 1:
        message = f"there are {len(records)} SPF records, which is an error." if records else "there is no SPF record."
        yield Doubt(domain, message, 'Write exactly one TXT record, such as "v=spf1 include:PROVIDER -all".')
        return
    terms = records[0].split()[1:]
    lookups = sum(bool(_LOOKS_UP.match(term)) for term in terms)
    if lookups > _MOST_LOOKUPS:
        yield Doubt(
            domain, f"the SPF record needs {lookups} look-ups, and {_MOST_LOOKUPS} are allowed.", "Take out what does not send for you."
        )
    if "+all" in terms or "all" in terms:
        yield Doubt(domain, "the SPF record lets everybody send in your name.", "End it with -all.")
    elif not any(term.lower().endswith("all") or term.lower().startswith("redirect=") for term in terms):
        yield Doubt(domain, "the SPF record does not say what to do with others.", "End it with -all.")


def _mx(bounce_domain: str | None, zones: Zones) -> Iterator[Doubt]:
    if bounce_domain and not zones.takes_mail(bounce_domain):
        yield Doubt(
            bounce_domain,
            "there is no MX record: bounces do not come back, and who unsubscribes by mail is not heard.",
            "Write an MX record that leads to the server that reads them, or name the zone of this domain too.",
        )


def _dkim(zones: Zones, key: SigningKey) -> Iterator[Doubt]:
    name, wanted = f"{key.selector}._domainkey.{key.domain}", public_record(key.pem)
    records = zones.texts(name)
    if not records:
        yield Doubt(name, f"there is no DKIM record for selector '{key.selector}'.", f'Write a TXT record: "{wanted}"')
        return
    tags = _tags(records[0])
    if re.sub(r"\s", "", tags.get("p", "")) != _tags(wanted)["p"] or tags.get("k", "rsa") != _tags(wanted)["k"]:
        gone = not tags.get("p")
        yield Doubt(name, "the key was revoked." if gone else "DNS has the public half of another key.", f'Write a TXT record: "{wanted}"')
    elif "y" in tags.get("t", "").split(":"):
        yield Doubt(name, "it says that you are only testing (t=y): receivers take no notice of signatures.", "Take t=y out.")


def _dmarc(zones: Zones, domain: str, return_domain: str, keys: Sequence[SigningKey]) -> Iterator[Doubt]:
    organisation = _organisation(domain)
    names = dict.fromkeys((f"_dmarc.{domain}", f"_dmarc.{organisation}"))
    found = next(((name, text) for name in names for text in zones.texts(name) if text.lower().startswith("v=dmarc1")), None)
    if found is None:
        yield Doubt(
            f"_dmarc.{organisation}", "there is no DMARC record.", 'Write a TXT record such as "v=DMARC1; p=none; rua=mailto:..." to begin.'
        )
        return
    name, tags = found[0], _tags(found[1])
    if tags.get("p", "").lower() not in ("none", "quarantine", "reject"):
        yield Doubt(name, "the DMARC record has no policy that is known.", "Write p=none, p=quarantine or p=reject.")
    by_dkim = any(_aligned(key.domain, domain, strict=tags.get("adkim", "r") == "s") for key in keys)
    by_spf = _aligned(return_domain, domain, strict=tags.get("aspf", "r") == "s")
    if not by_dkim and not by_spf:
        text = f"neither DKIM nor SPF speaks for {domain}: mail fails DMARC."
        yield Doubt(name, text, f"Sign for {domain} ([[email.dkim]] domain), or let the return path be of {domain}.")
    elif not by_dkim:
        text = f"no DKIM key signs for {domain}: forwarded mail fails DMARC."
        yield Doubt(name, text, "Make a key: contactflow dkim SELECTOR")


def _aligned(other: str, domain: str, *, strict: bool) -> bool:
    other, domain = other.lower().rstrip("."), domain.lower().rstrip(".")
    return other == domain or (not strict and _organisation(other) == _organisation(domain))


def _organisation(domain: str) -> str:
    """The domain that an organisation has registered: `example.co.uk` of `news.example.co.uk`."""
    return _suffixes().privatesuffix(domain.rstrip(".")) or domain


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList()


def _tags(text: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in text.split(";") if "=" in part)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}
