"""What a browser or a mail program sends: small forms, and nothing that could hurt."""

from collections.abc import AsyncGenerator
from urllib.parse import parse_qsl

from fastapi import Request
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException, MultiPartParser

LARGEST_BODY = 64_000
MOST_FIELDS = 100
TOO_LARGE = 413


async def read_form(request: Request) -> dict[str, str]:
    """The fields of a form, the last of each name, whichever way it was encoded; HTTP 413 when it is too large or broken."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_BODY:
            raise HTTPException(TOO_LARGE)
    try:
        if request.headers.get("content-type", "").startswith("multipart/form-data"):
            return await _multipart(request, bytes(body))
        return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=MOST_FIELDS))
    except (MultiPartException, ValueError):
        raise HTTPException(TOO_LARGE) from None


async def _multipart(request: Request, body: bytes) -> dict[str, str]:
    async def stream() -> AsyncGenerator[bytes, None]:
        yield body

    form = await MultiPartParser(request.headers, stream(), max_files=0, max_fields=MOST_FIELDS).parse()
    return {name: value for name, value in form.multi_items() if isinstance(value, str)}
