"""The print runs: what is ready for the mail house."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from fastapi import APIRouter
from fastapi.responses import FileResponse, HTMLResponse, Response

from studio.paths import StudioPaths
from studio.render import page

_FILES = {"letters.pdf": "application/pdf", "manifest.csv": "text/csv; charset=utf-8"}


@dataclass(frozen=True, slots=True)
class Run:
    """One print run: a folder with letters.pdf and manifest.csv."""

    folder: str
    title: str
    campaign: str
    node: str
    at: datetime | None
    letters: int
    pages: int
    size: int  # bytes of the PDF


def letter_routes(paths: StudioPaths) -> APIRouter:
    """/letters, and each run's two files."""
    router = APIRouter()

    @router.get("/letters")
    def show() -> HTMLResponse:
        return page("letters.html.jinja", paths, runs=read_runs(paths.letters))

    @router.get("/letters/{folder}/{file}")
    def download(folder: str, file: str) -> Response:
        place = paths.letters / folder / file
        # Only what the list shows: a run's own folder, and two names in it.
        if folder not in {run.folder for run in read_runs(paths.letters)} or file not in _FILES or not place.is_file():
            return page("missing.html.jinja", paths, status=404, what="There is no such print run.", back="/letters")
        shown = "inline" if file == "letters.pdf" else "attachment"
        return FileResponse(
            place,
            media_type=_FILES[file],
            filename=f"{folder}-{file}",
            content_disposition_type=shown,
            headers={"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"},
        )

    return router


def read_runs(folder: Path) -> list[Run]:
    """The runs that are finished, the latest first."""
    if not folder.is_dir():
        return []
    runs = [_run(place) for place in folder.iterdir() if not place.name.startswith(".") and (place / "letters.pdf").is_file()]
    return sorted(runs, key=lambda run: (run.at.timestamp() if run.at else 0.0, run.folder), reverse=True)


def _run(place: Path) -> Run:
    about = _about(place / "batch.json")
    at = about.get("at")
    return Run(
        folder=place.name,
        title=str(about.get("title") or place.name),
        campaign=str(about.get("campaign") or ""),
        node=str(about.get("node") or ""),
        at=datetime.fromisoformat(at) if isinstance(at, str) else None,
        letters=int(about.get("letters") or 0),
        pages=int(about.get("pages") or 0),
        size=(place / "letters.pdf").stat().st_size,
    )


def _about(file: Path) -> Mapping[str, Any]:
    try:
        about = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return about if isinstance(about, dict) else {}
