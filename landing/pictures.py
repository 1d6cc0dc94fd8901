"""Pictures of pages: files under templates/, and nothing else of the machine."""

from pathlib import Path

PICTURES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
    ".svg": "image/svg+xml",
}
HEAVIEST_PICTURE = 150_000  # bytes; a page is read on a phone on the way


def picture_path(root: Path, name: str) -> Path | None:
    """The file of a picture under templates/; None when there is none, or it lies elsewhere."""
    try:
        path = (root / name).resolve()
        inside = path.is_relative_to(root.resolve()) and path.is_file()
    except (OSError, ValueError):
        return None
    return path if inside and path.suffix.lower() in PICTURES else None
