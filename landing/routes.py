"""An address of the pages, without what they do not use of FastAPI's: working out who depends on what takes it as long as a page."""

import inspect
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.convertors import Convertor, IntegerConvertor

from landing.bodies import read_form
from landing.site import Form

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class PageRoute(APIRoute):
    """A route whose function takes what stands in the path, the request, and the form, and nothing else; any other is FastAPI's to call."""

    def get_route_handler(self) -> Handler:
        """What answers a request."""
        wanted = inspect.signature(self.endpoint).parameters
        forms = [name for name, each in wanted.items() if each.annotation is Form]
        in_path = [name for name, each in wanted.items() if _is_given(self.param_convertors, name, each.annotation)]
        if set(wanted) - {*forms, *in_path, "request"}:
            return super().get_route_handler()
        return _handler(_waited_for(self.endpoint), in_path, forms, with_request="request" in wanted)


def _is_given(convertors: Mapping[str, Convertor[Any]], name: str, kind: object) -> bool:
    return name in convertors and kind is (int if isinstance(convertors[name], IntegerConvertor) else str)


def _handler(answer: Callable[..., Awaitable[Response]], in_path: list[str], forms: list[str], *, with_request: bool) -> Handler:
    async def handle(request: Request) -> Response:
        given = {name: request.path_params[name] for name in in_path}
        for name in forms:
            given[name] = await read_form(request)
        if with_request:
            given["request"] = request
        return await answer(**given)

    return handle


def _waited_for(endpoint: Callable[..., Any]) -> Callable[..., Awaitable[Response]]:
    """What may wait for something is called in a thread; what says where it waits is not."""
    if inspect.iscoroutinefunction(endpoint):
        return endpoint

    async def in_a_thread(**given: Any) -> Response:
        response: Response = await run_in_threadpool(endpoint, **given)
        return response

    return in_a_thread
