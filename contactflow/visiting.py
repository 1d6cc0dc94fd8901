"""Whether the links of a mail lead somewhere: asked of the servers themselves, once each, and only when a person wants it."""

import ssl
import threading
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPException
from typing import Literal
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlsplit
from urllib.request import (
    HTTPDefaultErrorHandler,
    HTTPErrorProcessor,
    HTTPHandler,
    HTTPRedirectHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
    UnknownHandler,
)

PATIENCE_SECONDS = 10.0
HOSTS_AT_ONCE = 8  # and of each, one link after the other
MOST_OF_A_HOST = 25  # a personal link is another one in every mail
_GONE = (404, 410)
_NAME = "contactflow (looks whether the links of a mail work, before it is sent)"
_SAFE = ":/%#?=@[]!$&'()*+,;~"


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is wrong with a link. Only what another day would not mend is a fault."""

    message: str
    severity: Literal["fault", "warning"]


def visit(links: Iterable[str], patience_seconds: float = PATIENCE_SECONDS) -> Mapping[str, Trouble]:
    """Ask for each link by HEAD, and by GET where that is refused; gives those with which something is wrong.

    Of one server at most MOST_OF_A_HOST are asked for. No body is read, and no cookie kept.
    """
    by_host: defaultdict[str, list[str]] = defaultdict(list)
    for link in dict.fromkeys(links):
        by_host[urlsplit(link).netloc.lower()].append(link)
    opener, troubles = _opener(), dict[str, Trouble]()
    lock = threading.Lock()

    def ask(asked: Sequence[str]) -> None:
        for link in asked[:MOST_OF_A_HOST]:
            trouble = _trouble(opener, link, patience_seconds)
            if trouble:
                with lock:
                    troubles[link] = trouble

    with ThreadPoolExecutor(HOSTS_AT_ONCE) as pool:
        list(pool.map(ask, by_host.values()))
    return troubles


def _opener() -> OpenerDirector:
    """Asks web servers, and nothing else that an address or a redirect may name."""
    opener = OpenerDirector()
    https = HTTPSHandler(context=ssl.create_default_context())
    handlers = (
        ProxyHandler(),
        UnknownHandler(),
        HTTPHandler(),
        https,
        HTTPRedirectHandler(),
        HTTPErrorProcessor(),
        HTTPDefaultErrorHandler(),
    )
    for handler in handlers:
        opener.add_handler(handler)
    return opener


def _trouble(opener: OpenerDirector, link: str, patience_seconds: float) -> Trouble | None:
    status = _status(opener, "HEAD", link, patience_seconds)
    if isinstance(status, int) and status >= 400:  # many servers do not know HEAD, or answer it otherwise
        status = _status(opener, "GET", link, patience_seconds)
    if isinstance(status, Trouble):
        return status
    if status in _GONE:
        return Trouble(f"it is not there ({status})", "fault")
    if 300 <= status < 400:  # redirects that end somewhere have been followed
        return Trouble("it leads round in a circle, or to what is no web page", "fault")
    return Trouble(f"the server answered {status}", "warning") if status >= 400 else None


def _status(opener: OpenerDirector, method: str, link: str, patience_seconds: float) -> int | Trouble:
    """The status that a link ends in, after redirects; or what kept us from one."""
    headers = {"User-Agent": _NAME, "Accept-Language": "en"}
    try:
        request = Request(quote(link, safe=_SAFE), method=method, headers=headers)  # noqa: S310 - the opener knows http and https only
        with opener.open(request, timeout=patience_seconds) as answer:
            return int(answer.status)
    except HTTPError as error:
        with error:
            return error.code
    except (HTTPException, OSError, ValueError) as error:
        return _unanswered(error.reason if isinstance(error, URLError) else error, patience_seconds)


def _unanswered(cause: BaseException | str, patience_seconds: float) -> Trouble:
    match cause:
        case TimeoutError():
            return Trouble(f"no answer within {patience_seconds:g} seconds", "warning")
        case ssl.SSLError():
            return Trouble("its certificate is not in order", "fault")
        case ConnectionResetError() | HTTPException() | ValueError() | str():
            return Trouble("the server does not answer as a web server does", "fault")
        case _:
            return Trouble("the server cannot be reached", "fault")
