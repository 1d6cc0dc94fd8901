"""The landing application: its addresses, and what it answers when something is not there."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.telemetry import TelemetryConfig
from sqlalchemy import Engine
from starlette.exceptions import HTTPException
from starlette.routing import Match, Route

from engine.links import Links
from landing.calendars import Calendars
from landing.centre import Centre
from landing.confirming import Confirming
from landing.followed import Remembered
from landing.guard import Guard
from landing.joining import Joining, OnRequest
from landing.looks import Looks
from landing.my_data import FILE_NAME, MyData
from landing.page_files import load_brand_of
from landing.patience import LONGEST_HEAD, MOST_CONNECTIONS, PatientProtocol
from landing.rates import Rates
from landing.redirects import Redirects
from landing.render import Renderer
from landing.responses import PATIENCE_SECONDS
from landing.routes import PageRoute
from landing.settings import LandingSettings
from landing.site import OnResponse, Site
from landing.traces import Traces
from store.clock import Clock
from store.errors import TokenError
from store.together import Together
from store.tokens import Signer

LOOK = ["GET", "HEAD"]
NO_CONTENT = 204
METHOD_NOT_ALLOWED = 405
# FastAPI would tell OpenTelemetry of each address, which is a key to somebody's page, and asks each time whether anybody listens.
UNTOLD: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False}


def landing_app(
    database: Engine, settings: LandingSettings, clock: Clock, on_response: OnResponse, on_request: OnRequest = lambda: None
) -> FastAPI:
    """The pages behind personal links, and those to join by. `on_response` is called after each stored response, and `on_request` after
    each request of somebody whom nobody knows, from a worker thread.

    Opens nothing yet. Raises SettingsError without good keys and InputError for a broken brand file.
    """
    links = Links(settings.base_url, Signer(settings.keys))
    renderer = Renderer(settings, load_brand_of(settings.templates))
    together = Together(database, PATIENCE_SECONDS)
    site = Site(together, settings, clock, on_response, links, renderer)
    traces = Traces(database, clock, settings.zone, on_response, settings.waiting)
    app = FastAPI(
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        lifespan=_ending_with(traces, site.looks),
        telemetry=UNTOLD,
    )
    app.router.route_class = PageRoute
    app.state.traces = traces
    app.state.proxies = settings.proxies
    # What is added last stands outermost.
    app.add_middleware(Rates, settings=settings, refuse=site.slower)
    app.add_middleware(Guard, apologise=site.notice, is_secure=settings.is_secure)
    _add_failures(app, site)
    calendars = Calendars(database, settings, clock, links, renderer, site)
    app.add_api_route("/p/{token}", site.show_page, methods=LOOK, response_model=None)  # what is asked for most is looked for first
    app.add_api_route("/p/{token}/event/{number:int}.ics", calendars.event, methods=LOOK, response_model=None)
    _add_routes(app, site)
    _add_centre(app, Centre(together, settings, clock, on_response, links, renderer))
    _add_my_data(app, MyData(together, settings, clock, on_response, links, renderer))
    joining = Joining(together, settings, clock, on_request, renderer)
    _add_joining(app, joining, Confirming(together, settings, clock, on_response, links, renderer))
    _add_redirects(app, Redirects(links, Remembered(database), traces, clock))
    return app


def landing_server(app: FastAPI, host: str, port: int, protocol: type[PatientProtocol] = PatientProtocol) -> uvicorn.Server:
    """A server for the application that waits for nobody for long, and believes only the named proxies about where one comes from.

    It keeps no access log: every line of one would hold a key to somebody's page.
    """
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        http=protocol,
        ws="none",
        h11_max_incomplete_event_size=LONGEST_HEAD,
        limit_concurrency=MOST_CONNECTIONS,
        proxy_headers=bool(app.state.proxies),
        forwarded_allow_ips=list(app.state.proxies),
        access_log=False,
        server_header=False,
        log_level="warning",
    )
    return uvicorn.Server(config)


def _add_routes(app: FastAPI, site: Site) -> None:
    routes: list[tuple[str, list[str], Callable[..., Any]]] = [
        ("/p/{token}", ["POST"], site.take_answer),
        ("/p/{token}/thanks", LOOK, site.show_thanks),
        ("/p/{token}/again", ["POST"], site.begin_again),
        ("/p/{token}/{part}/{sitting}", LOOK, site.show_part),
        ("/o/{token}", LOOK, site.ask_opt_out),
        ("/o/{token}", ["POST"], site.take_opt_out),
        ("/u/{token}", LOOK, site.lead_to_opt_out),
        ("/u/{token}", ["POST"], site.take_one_click),
        ("/", LOOK, site.ask_code),
        ("/c", LOOK, site.ask_code),
        ("/c", ["POST"], site.take_code),
        ("/static/{name}.css", LOOK, site.stylesheet),
        ("/i/{name:path}", LOOK, site.picture),
        ("/favicon.ico", LOOK, lambda: Response(status_code=NO_CONTENT)),
    ]
    for path, methods, endpoint in routes:
        app.add_api_route(path, endpoint, methods=methods, response_model=None)


def _add_centre(app: FastAPI, centre: Centre) -> None:
    app.add_api_route("/s/{token}", centre.show, methods=LOOK, response_model=None)
    app.add_api_route("/s/{token}", centre.take, methods=["POST"], response_model=None)
    app.add_api_route("/s/{token}/saved", centre.show_saved, methods=LOOK, response_model=None)
    app.add_api_route("/o/{token}/why", centre.take_reason, methods=["POST"], response_model=None)


def _add_my_data(app: FastAPI, mine: MyData) -> None:
    routes: list[tuple[str, list[str], Callable[..., Any]]] = [
        ("/s/{token}/my-data", ["POST"], mine.ask),
        ("/d/{token}", LOOK, mine.show_door),
        ("/d/{token}", ["POST"], mine.open_door),
        ("/d/{token}/{seal}", LOOK, mine.show),
        ("/d/{token}/{seal}/corrected", LOOK, mine.show_corrected),
        (f"/d/{{token}}/{{seal}}/{FILE_NAME}", LOOK, mine.save),
        ("/d/{token}/{seal}/correct", ["POST"], mine.take_corrections),
        ("/d/{token}/{seal}/erase", LOOK, mine.ask_erasure),
        ("/d/{token}/{seal}/erase", ["POST"], mine.take_erasure),
    ]
    for path, methods, endpoint in routes:
        app.add_api_route(path, endpoint, methods=methods, response_model=None)


def _add_joining(app: FastAPI, joining: Joining, confirming: Confirming) -> None:
    app.add_api_route("/join/{campaign}", joining.show, methods=LOOK, response_model=None)
    app.add_api_route("/join/{campaign}", joining.take, methods=["POST"], response_model=None)
    app.add_api_route("/join/{campaign}/asked", joining.show_asked, methods=LOOK, response_model=None)
    app.add_api_route("/j/{token}", confirming.show, methods=LOOK, response_model=None)
    app.add_api_route("/j/{token}", confirming.take, methods=["POST"], response_model=None)


def _add_redirects(app: FastAPI, redirects: Redirects) -> None:
    app.add_api_route("/l/{token}/{number}", redirects.follow, methods=LOOK, response_model=None)
    app.add_api_route("/e/{token}.gif", redirects.picture, methods=LOOK, response_model=None)


def _ending_with(traces: Traces, looks: Looks) -> Callable[[FastAPI], Any]:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None, None]:
        traces.begin()
        yield
        traces.stop()
        looks.close()

    return lifespan


def _methods_of(app: FastAPI, request: Request) -> list[str]:
    there = (route for route in app.routes if isinstance(route, Route) and route.matches(request.scope)[0] is not Match.NONE)
    return sorted({method for route in there for method in route.methods or ()})


def _add_failures(app: FastAPI, site: Site) -> None:
    def lost(request: Request, error: Exception) -> Response:
        # One page for a wrong, an altered, an expired and a never issued link: nothing can be learned by trying.
        status = error.status_code if isinstance(error, HTTPException) else 404
        response = site.notice(request.headers.get("accept-language", ""), status)
        response.headers.update(getattr(error, "headers", None) or {})  # when to come back
        if status == METHOD_NOT_ALLOWED:  # by itself it would name those of one route of the address
            response.headers["Allow"] = ", ".join(_methods_of(app, request))
        return response

    app.add_exception_handler(TokenError, lost)
    app.add_exception_handler(HTTPException, lost)
