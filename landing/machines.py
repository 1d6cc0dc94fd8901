"""Who opened a page: a person, or a machine that looks ahead.

The rule, which the docs repeat: a visit is a machine's when it asks for the head only, when it says that it fetches ahead
(Purpose, Sec-Purpose, X-Purpose, X-Moz), or when it gives no name or the name of a known robot, previewer or program.
A visit that is not known to be a machine's counts as a person's. An answer is always a person's.
"""

import re
from collections.abc import Mapping

_AHEAD = ("purpose", "sec-purpose", "x-purpose", "x-moz")
_ROBOTS = re.compile(
    r"bot\b|bot/|crawl|spider|slurp|preview|scan|monitor|headless|facebookexternalhit|whatsapp|telegram|skypeuri|googleimageproxy"
    r"|barracuda|mimecast|proofpoint|safelinks|^curl|^wget|^python|^go-http|^java|^okhttp|^apache-http|^libwww|^ruby|^php|^node",
    re.IGNORECASE,
)


def is_machine(method: str, headers: Mapping[str, str]) -> bool:
    """Whether a request was made by a machine, by the rule above."""
    ahead = any(word in headers.get(name, "").lower() for name in _AHEAD for word in ("prefetch", "preview", "prerender"))
    agent = headers.get("user-agent", "")
    return method == "HEAD" or ahead or not agent.strip() or bool(_ROBOTS.search(agent))
