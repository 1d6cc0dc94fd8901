"""A limit on guessing: so many misses an address, and then a pause."""

from collections import OrderedDict, deque
from datetime import datetime, timedelta
from ipaddress import IPv6Address, IPv6Network, ip_address
from threading import Lock

MISSES = 10
PAUSE = timedelta(minutes=15)
REMEMBERED = 20_000  # addresses; the one that was quiet for longest is forgotten first


class Attempts:
    """Remembers, in memory only, how often each network address missed. Safe for threads."""

    def __init__(self) -> None:
        self._misses: OrderedDict[str, deque[datetime]] = OrderedDict()
        self._lock = Lock()

    def may_try(self, address: str, now: datetime) -> bool:
        """Whether this address has missed less often than the limit within the pause."""
        with self._lock:
            misses = self._misses.get(network_of(address), ())
            return sum(now - miss < PAUSE for miss in misses) < MISSES

    def missed(self, address: str, now: datetime) -> None:
        """Note a miss."""
        with self._lock:
            key = network_of(address)
            self._misses.setdefault(key, deque(maxlen=MISSES)).append(now)
            self._misses.move_to_end(key)
            if len(self._misses) > REMEMBERED:
                self._misses.popitem(last=False)


def network_of(address: str) -> str:
    """What one household or office has: an IPv4 address, or the /64 of an IPv6 address."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    return str(IPv6Network((parsed, 64), strict=False)) if isinstance(parsed, IPv6Address) else address
