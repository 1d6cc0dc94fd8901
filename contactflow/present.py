"""What time it is for contactflow: the machine's, or the moment that a rehearsal sets."""

from zoneinfo import ZoneInfo

from contactflow.moments import read_moment
from contactflow.settings import environment
from store.clock import Clock, FixedClock, SystemClock

NOW = "CONTACTFLOW_NOW"  # for rehearsals with a virtual clock: 2026-03-02 09:00


def present_clock(zone: ZoneInfo) -> Clock:
    """The machine's clock, or one that stands at CONTACTFLOW_NOW. Raises InputError for a moment that cannot be read."""
    rehearsed = environment().get(NOW)
    return FixedClock(read_moment(rehearsed, zone)) if rehearsed else SystemClock()
