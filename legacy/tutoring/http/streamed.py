"""An answer that is made while it is sent."""

import asyncio
from collections.abc import AsyncGenerator

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

STREAM_S = 600.0


class Primed:
    """A source whose first piece is made before the answer begins, so that a failure still has its own status."""

    def __init__(self, source: AsyncGenerator[bytes]) -> None:
        self._source = source
        self._first: bytes | None = None

    async def prime(self) -> None:
        self._first = await anext(self._source)

    def __aiter__(self) -> "Primed":
        return self

    async def __anext__(self) -> bytes:
        first, self._first = self._first, None
        return await anext(self._source) if first is None else first

    async def aclose(self) -> None:
        await self._source.aclose()


class Streamed(StreamingResponse):
    """Ends its source with the exchange, whoever leaves: the source may hold a database connection."""

    def __init__(self, source: Primed, status: int, headers: dict[str, str], media_type: str) -> None:
        super().__init__(source, status, headers, media_type)
        self._source = source

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            async with asyncio.timeout(STREAM_S):
                await super().__call__(scope, receive, send)
        finally:
            await self._source.aclose()
