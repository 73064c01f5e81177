"""Everything one process holds, put together once (the composition root)."""

import asyncio
import contextlib
import sys
import traceback
from dataclasses import dataclass, field

import aiohttp

from .auth.caller import Callers
from .auth.jwks import JwksKeys
from .auth.tokens import Issuer, KeySource, SharedSecret, Tokens
from .board.content import BoardContent
from .board.hub import BoardHub
from .config import Settings
from .faults.parse import Item
from .faults.process import ProcessFaults
from .faults.switch import FaultSwitch
from .http.keyed import KeyedCalls
from .logs import Log
from .metrics import Metrics
from .model.client import ModelClient
from .sockets.wire import Wire
from .store.engine import Store
from .store.retention import purge_forever
from .turns.engine import TurnEngine
from .turns.executor import Executor
from .turns.live import LiveSessions

_MODEL_CONNECTIONS = 512
_IDLE_S = 4
_LAG_EVERY_S = 0.5


@dataclass
class Runtime:
    settings: Settings
    store: Store
    metrics: Metrics
    log: Log
    switch: FaultSwitch
    process_faults: ProcessFaults
    http: aiohttp.ClientSession
    tokens: Tokens
    issuer: Issuer
    callers: Callers
    keyed_calls: KeyedCalls
    boards: BoardHub
    live: LiveSessions
    executor: Executor
    engine: TurnEngine = field(init=False)
    is_stopping: bool = False
    wires: set[Wire] = field(default_factory=set)
    _background: list[asyncio.Task[None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.engine = TurnEngine(self)
        self.live.handle = self.engine.handle

    def start_background(self) -> None:
        jobs = (
            self.boards.collect_forever(),
            purge_forever(self.store, self.log),
            self.process_faults.crash_when_due(),
            self._measure_lag(),
        )
        self._background = [asyncio.create_task(job) for job in jobs]

    async def close(self) -> None:
        for task in self._background:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await self.boards.flush_all()
        await self.http.close()
        await self.store.close()

    async def close_sockets(self, code: int, reason: str, seconds: float) -> None:
        """Closes every socket after what waits for it has been written, or after that time."""
        for wire in self.wires:
            wire.close(code, reason)
        writers = [wire.writer for wire in self.wires if wire.writer is not None]
        if writers:
            await asyncio.wait(writers, timeout=seconds)

    async def board_content(self, session_id: str) -> BoardContent:
        async with self.store.read() as tx:
            return await self.boards.content(tx, session_id)

    def session_deleted(self, session_id: str) -> None:
        self.live.close_clients(session_id, 1000, "Session deleted")
        self.boards.session_deleted(session_id)

    def context_repaired(self, name: str) -> None:
        self.metrics.context_repairs.labels(name).inc()
        self.log.warn("context repaired", field=name)

    def report(self, error: BaseException) -> None:
        """The place of an unexpected failure, on standard error: never the values, which may be a user's text."""
        frames = traceback.extract_tb(error.__traceback__)
        places = " < ".join(f"{frame.name}:{frame.lineno}" for frame in reversed(frames[-6:]))
        sys.stderr.write(f"{type(error).__name__} at {places}\n")

    def handshake_done(self, wire: Wire, status: int) -> None:
        self.metrics.ws_handshakes.labels(wire.surface, str(status)).inc()
        self.log.info("handshake", surface=wire.surface, route=wire.surface, requestId=wire.request_id, status=status)

    def act_on_inbound(self, wire: Wire) -> bool:
        """Socket faults of one inbound frame. True when the frame must not be taken."""
        self.process_faults.per_event(wire.faults)
        if wire.faults.fires("half-open"):
            wire.freeze()
            return True
        if wire.faults.fires("close-1011"):
            wire.close(1011, "Internal error")
            return True
        return wire.faults.fires("drop-inbound") is not None

    async def _measure_lag(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + _LAG_EVERY_S
            await asyncio.sleep(_LAG_EVERY_S)
            self.metrics.loop_lag.observe(max(0.0, loop.time() - due))


async def create_runtime(settings: Settings, faults: tuple[Item, ...]) -> Runtime:
    """Raises StoreUnavailable when the store cannot be opened."""
    metrics, log = Metrics(), Log()
    store = await Store.open(settings.data_dir, settings.database_url)
    switch = FaultSwitch(faults, settings.fault_seed, metrics, log)
    http = aiohttp.ClientSession(
        # Kept no longer than servers commonly keep an idle connection: a call on a closed one would cost an attempt.
        connector=aiohttp.TCPConnector(limit=_MODEL_CONNECTIONS, keepalive_timeout=_IDLE_S),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),  # ModelClient bounds each attempt as a whole
        cookie_jar=aiohttp.DummyCookieJar(),
    )
    keys: KeySource = SharedSecret(settings.jwt_secret)
    if settings.jwt_jwks_url is not None:
        keys = JwksKeys(settings.jwt_jwks_url, http)
    tokens = Tokens(keys, settings.jwt_issuer, settings.jwt_audience)
    runtime = Runtime(
        settings=settings,
        store=store,
        metrics=metrics,
        log=log,
        switch=switch,
        process_faults=ProcessFaults(switch, store),
        http=http,
        tokens=tokens,
        issuer=Issuer(
            settings.jwt_secret,
            settings.access_minutes,
            settings.refresh_days,
            settings.jwt_issuer,
            settings.jwt_audience,
        ),
        callers=Callers(tokens, store, settings),
        keyed_calls=KeyedCalls(store),
        boards=BoardHub(store, metrics, log),
        live=LiveSessions(),
        executor=Executor(ModelClient(settings, http, metrics, log), metrics, log, lambda error: runtime.report(error)),
    )
    return runtime
