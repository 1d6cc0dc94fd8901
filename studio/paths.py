"""Where the studio finds what a workspace's sandboxes took, and what it is told of the workspace."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo
from pathlib import Path


@dataclass(frozen=True, slots=True)
class StudioPaths:
    """Files and folders that the pages read; none needs to be there yet."""

    inbox: Path  # the inbox's database
    texts: Path  # the sandbox phone's sms.jsonl
    letters: Path  # the folder of the print runs
    name: str = ""  # the workspace's, for the head of each page
    zone: tzinfo = UTC  # the workspace's, in which times are shown
    messages_of: Callable[[str], Sequence[str]] = lambda _: ()  # the keys of all messages to the customer of a key
