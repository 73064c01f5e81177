"""Idempotency keys: replay, wait, refuse (contract G10)."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from ..errors import ApiError
from ..jsonwire import fingerprint
from ..store import idempotency
from ..store.engine import Store
from ..store.idempotency import Record, Scope
from .call import Call, Reply

WAIT_S = 30.0
_KEY = re.compile(r"[\x21-\x7e]{1,128}")


def _in_progress() -> ApiError:
    return ApiError(409, "IDEMPOTENCY_IN_PROGRESS", "The first request with this key is still running.")


class KeyedCalls:
    """First requests that are running in this process; the table's primary key guards against other processes."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._running: dict[Scope, asyncio.Event] = {}

    async def wait(self, scope: Scope, until: float) -> bool:
        """False when the first request still runs at the given loop time."""
        while running := self._running.get(scope):
            try:
                async with asyncio.timeout_at(until):
                    await running.wait()
            except TimeoutError:
                return False
        return True

    def is_running(self, scope: Scope) -> bool:
        return scope in self._running

    async def find(self, scope: Scope) -> Record | None:
        async with self._store.read() as tx:
            return await idempotency.find(tx, scope)

    @asynccontextmanager
    async def running(self, scope: Scope) -> AsyncIterator[None]:
        done = self._running[scope] = asyncio.Event()
        try:
            yield
        finally:
            del self._running[scope]
            done.set()


class Keyed:
    """The key of one call, from its header to its stored record."""

    def __init__(self, call: Call, calls: KeyedCalls) -> None:
        header = call.request.headers.get("idempotency-key")
        is_ignored = header is None or not call.route.is_keyed
        self._is_invalid = not is_ignored and not _KEY.fullmatch(header or "")
        self._calls = calls
        self._deadline = asyncio.get_running_loop().time() + WAIT_S
        self._is_stuck = False
        self._record: Record | None = None
        self.scope: Scope | None = None
        if is_ignored or self._is_invalid or call.faults.fires("double-effect"):
            return
        call.key = header
        self.scope = Scope(call.user_id, call.route.method, call.path, header or "")
        self._print = fingerprint(call.body)

    async def replay(self) -> Reply | None:
        """The stored answer of the same request, even when what it named is gone by now (a deletion)."""
        if self.scope is None:
            return None
        self._is_stuck = not await self._calls.wait(self.scope, self._deadline)
        self._record = await self._calls.find(self.scope)
        if self._record is None or self._record.fingerprint != self._print:
            return None
        self._is_stuck = False
        return Reply(self._record.status, self._record.body, {"Idempotency-Replayed": "true"})

    def refuse(self) -> None:
        if self._is_invalid:
            raise ApiError(400, "IDEMPOTENCY_KEY_INVALID", "Idempotency-Key needs 1 to 128 visible ASCII characters.")
        if self._is_stuck:
            raise _in_progress()
        if self._record is not None:
            raise ApiError(409, "IDEMPOTENCY_KEY_REUSED", "This key was used for another request.")

    @asynccontextmanager
    async def claimed(self) -> AsyncIterator[Reply | None]:
        """Nobody else runs this key inside; yields the stored answer if another call finished in between."""
        if self.scope is None:
            yield None
            return
        while True:
            if replayed := await self.replay():
                yield replayed
                return
            self.refuse()
            if not self._calls.is_running(self.scope):
                break  # nothing is awaited from here until the key is ours
        async with self._calls.running(self.scope):
            yield None

    def record(self, reply: Reply) -> Record | None:
        return Record(self._print, reply.status, reply.body) if self.scope and reply.status < 300 else None
