"""What has to be on the disk before somebody is told that it is there."""

import os
from pathlib import Path


def sync_folder(folder: Path) -> None:
    """Put on the disk which files are in a folder, so that a new name survives a power cut. What is in a file is synced by itself."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
