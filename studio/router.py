"""All pages of the studio that show what the sandboxes took."""

from fastapi import APIRouter
from fastapi.responses import FileResponse

from studio.inbox.routes import inbox_routes
from studio.letters import letter_routes
from studio.paths import StudioPaths
from studio.phone import phone_routes
from studio.render import PAGES


def studio_router(paths: StudioPaths) -> APIRouter:
    """/inbox, /phone and /letters. Opens nothing before a page is asked for."""
    router = APIRouter(include_in_schema=False)
    router.include_router(inbox_routes(paths))
    router.include_router(phone_routes(paths))
    router.include_router(letter_routes(paths))
    router.add_api_route("/studio.css", _style)
    return router


def _style() -> FileResponse:
    return FileResponse(PAGES / "studio.css", media_type="text/css", headers={"Cache-Control": "max-age=300"})
