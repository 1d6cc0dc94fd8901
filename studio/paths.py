"""Where the studio finds what a workspace's sandboxes took."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class StudioPaths:
    """Files and folders that the pages read; none needs to be there yet."""

    inbox: Path  # the inbox's database
    texts: Path  # the sandbox phone's sms.jsonl
    letters: Path  # the folder of the print runs
    name: str = ""  # the workspace's, for the head of each page
