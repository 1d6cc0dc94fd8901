"""Who opened a page, followed a link or opened a mail: a person, or a machine that looks ahead.

The rule, which the docs repeat: a visit is a machine's when it asks for the head only, when it says that it fetches ahead
(Purpose, Sec-Purpose, X-Purpose, X-Moz), or when it gives no name or the name of a known robot, previewer or program.
A visit that is not known to be a machine's counts as a person's. An answer is always a person's.

A click is a machine's by the same rule, and when the request does not say which languages are understood, which every browser does.
landing/traces.py adds what one request cannot show: several links of a mail at once, and a click as soon as the mail has left.

An opening is a machine's by the rule for visits, but for Gmail's proxy, which fetches pictures when a person opens the mail. Apple's
Mail Privacy Protection fetches all pictures of all mails and is called "Mozilla/5.0", no more; Gmail's look ahead has the name of a
browser that nobody uses any more.
"""

import re
from collections.abc import Mapping
from functools import lru_cache

_AHEAD = ("purpose", "sec-purpose", "x-purpose", "x-moz")
_ROBOTS = re.compile(
    r"bot\b|bot/|crawl|spider|slurp|preview|scan|monitor|headless|facebookexternalhit|whatsapp|telegram|skypeuri|googleimageproxy"
    r"|barracuda|mimecast|proofpoint|safelinks|^curl|^wget|^python|^go-http|^java|^okhttp|^apache-http|^libwww|^ruby|^php|^node",
    re.IGNORECASE,
)
_PROXIES = re.compile(r"googleimageproxy", re.IGNORECASE)
_APPLE = "Mozilla/5.0"
_GMAIL_AHEAD = "Edge/12.246 Mozilla/5.0"


def is_machine(method: str, headers: Mapping[str, str]) -> bool:
    """Whether a request was made by a machine, by the rule above."""
    said = " ".join([headers.get(name, "") for name in _AHEAD]).lower()
    ahead = any(word in said for word in ("prefetch", "preview", "prerender"))
    agent = headers.get("user-agent", "")
    return method == "HEAD" or ahead or not agent.strip() or _is_robots(agent)


@lru_cache(maxsize=256)  # browsers have few names, and each is long
def _is_robots(agent: str) -> bool:
    return bool(_ROBOTS.search(agent))


def is_machines_click(method: str, headers: Mapping[str, str]) -> bool:
    """Whether a followed link was fetched by a machine, as far as the request shows."""
    return is_machine(method, headers) or not headers.get("accept-language", "").strip()


def is_machines_open(method: str, headers: Mapping[str, str]) -> bool:
    """Whether the picture of a mail was fetched by a machine, as far as the request shows."""
    agent = headers.get("user-agent", "").strip()
    if method != "HEAD" and _PROXIES.search(agent):
        return False
    return agent == _APPLE or agent.endswith(_GMAIL_AHEAD) or is_machine(method, headers)
