"""Pictures and films of pages: files under templates/, and nothing else of the machine."""

from collections.abc import Collection
from pathlib import Path

PICTURES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
    ".svg": "image/svg+xml",
}
FILMS = {".mp4": "video/mp4", ".webm": "video/webm"}
CAPTIONS = {".vtt": "text/vtt; charset=utf-8"}
SHOWN_FILES = PICTURES | FILMS | CAPTIONS
HEAVIEST_PICTURE = 150_000  # bytes; a page is read on a phone on the way
HEAVIEST_FILM = 20_000_000  # bytes; nothing of it is fetched before somebody plays it


def picture_path(root: Path, name: str) -> Path | None:
    """The file of a picture under templates/; None when there is none, or it lies elsewhere."""
    return shown_path(root, name, PICTURES)


def shown_path(root: Path, name: str, kinds: Collection[str]) -> Path | None:
    """The file under templates/ that ends in one of `kinds`; None when there is none, or it lies elsewhere."""
    try:
        path = (root / name).resolve()
        inside = path.is_relative_to(root.resolve()) and path.is_file()
    except (OSError, ValueError):
        return None
    return path if inside and path.suffix.lower() in kinds else None
