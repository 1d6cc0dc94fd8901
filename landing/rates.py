"""How often one link and one network may send something: a flood of forms is turned away before it is read."""

import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from ipaddress import ip_address

from fastapi import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from landing.attempts import network_of
from landing.settings import LandingSettings

JOIN = "join"  # behind no link, and the address is whoever's: a network asks less often
WINDOW_SECONDS = 60.0
REMEMBERED = 20_000  # links and networks, each; the one that was quiet for longest is forgotten first
TOO_MANY = 429
# Big mail providers pass on the stops of all their users from a few addresses, and a provider's events are signed.
_FROM_ANYWHERE = ("u", "hooks")
_WITHOUT_LINK = ("c", "hooks", JOIN)

_logger = logging.getLogger(__name__)


class Rates:
    """A ring around the application that counts what is sent (POST), by link and by network; in memory, and not what is looked at.

    It counts by the machine's own seconds, also where the clock stands still in a rehearsal.
    """

    def __init__(
        self,
        app: ASGIApp,
        settings: LandingSettings,
        refuse: Callable[[str, int], Response],
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._app, self._refuse, self._seconds = app, refuse, seconds
        self._links, self._networks = Counts(settings.forms_a_link), Counts(settings.forms_a_network)
        self._joins = Counts(settings.joins_a_network)
        self._is_behind_known_proxy = bool(settings.proxies)
        self._has_warned = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] not in {"GET", "HEAD"} and not self._may_send(scope):
            await self._refuse(_header(scope, b"accept-language"), TOO_MANY)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _may_send(self, scope: Scope) -> bool:
        self._warn_of_proxy(scope)
        now = self._seconds()
        kind, *rest = scope["path"].strip("/").split("/")
        if rest and kind not in _WITHOUT_LINK and not self._links.one_more(f"{kind}/{rest[0]}", now):
            return False
        address = scope["client"][0] if scope["client"] else ""
        if kind in _FROM_ANYWHERE or _is_here(address):
            return True
        network = network_of(address)
        return (kind != JOIN or self._joins.one_more(network, now)) and self._networks.one_more(network, now)

    def _warn_of_proxy(self, scope: Scope) -> None:
        if not (self._is_behind_known_proxy or self._has_warned) and _header(scope, b"x-forwarded-for"):
            self._has_warned = True
            _logger.warning("Requests come through a proxy that [landing] proxies does not name: all visitors look like one.")


class Counts:
    """How often each key came within a window, for the `remembered` that came last. For one thread, the server's own."""

    def __init__(self, most: int, remembered: int = REMEMBERED) -> None:
        self._most, self._remembered = most, remembered
        self._counts: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def one_more(self, key: str, now: float) -> bool:
        """Count one at `now` (seconds); False when there were as many as may be already."""
        begun, count = self._counts.get(key, (now, 0))
        if now - begun >= WINDOW_SECONDS:
            begun, count = now, 0
        self._counts[key] = (begun, min(count, self._most) + 1)
        self._counts.move_to_end(key)
        if len(self._counts) > self._remembered:
            self._counts.popitem(last=False)
        return count < self._most


def _is_here(address: str) -> bool:
    """Whether it is this machine: a rehearsal, or a proxy that nobody named, behind which one visitor would shut out the others."""
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


def _header(scope: Scope, name: bytes) -> str:
    return next((value.decode("latin-1") for each, value in scope["headers"] if each == name), "")
