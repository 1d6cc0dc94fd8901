"""Moments as they are typed on the command line."""

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from store.errors import InputError


def read_moment(text: str, zone: ZoneInfo) -> datetime:
    """``2026-03-02``, ``2026-03-02 09:00`` (in the workspace's zone) or with an offset; aware UTC. Raises InputError."""
    try:
        moment = datetime.fromisoformat(re.sub(r"\s+", " ", text.strip()))
    except ValueError:
        raise InputError(f"'{text}' is not a moment. Write a day, or a day and a time: 2026-03-02 09:00") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
