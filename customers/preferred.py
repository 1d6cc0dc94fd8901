"""The part of the day in which customers like to be written to, in their own time zone.

A preferred part is a wish and no permission: it says when a message leaves, not whether.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, time, timedelta
from enum import IntEnum
from types import MappingProxyType
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from store.clock import from_micros, to_micros


class PartOfDay(IntEnum):
    """What a customer can choose; the numbers are the values of choices that are stored."""

    ANY = 0
    MORNING = 1
    AFTERNOON = 2
    EVENING = 3


# From the first time up to the second, on the customer's clock.
HOURS: Mapping[int, tuple[time, time]] = MappingProxyType(
    {
        PartOfDay.MORNING: (time(8), time(12)),
        PartOfDay.AFTERNOON: (time(12), time(18)),
        PartOfDay.EVENING: (time(18), time(22)),
    }
)


def preferred_from(part: int, moment: datetime, zone: ZoneInfo) -> datetime:
    """The first moment of this part of a day in `zone`, at or after `moment`; aware UTC. A part that nobody knows is any."""
    if part not in HOURS:
        return moment
    day = moment.astimezone(zone).date()
    for ahead in (0, 1, 2):  # two, where a zone has skipped a whole day
        begins, ends = (datetime.combine(day + timedelta(days=ahead), clock, zone).timestamp() for clock in HOURS[part])
        if moment.timestamp() < ends:
            return max(moment, datetime.fromtimestamp(begins, moment.tzinfo))
    raise AssertionError("every part of a day comes round within three days")


def preferred_moments(parts: NDArray[np.int64], moments: NDArray[np.int64], zones: Sequence[str]) -> NDArray[np.int64]:
    """The same for many, in columns; moments in microseconds since 1970. Each different case is worked out once."""
    found = moments.copy()
    known: dict[tuple[int, int, str], int] = {}
    for place in np.flatnonzero(parts).tolist():
        case = (int(parts[place]), int(moments[place]), zones[place])
        if case not in known:
            known[case] = to_micros(preferred_from(case[0], from_micros(case[1]), ZoneInfo(case[2])))
        found[place] = known[case]
    return found
