"""One REST call on its way through the order of checks, and what routes look like (contract G9)."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.requests import Request

from ..auth.tokens import Claims
from ..errors import Family
from ..faults.switch import FaultView
from ..store.folders import ALWAYS
from .streamed import Primed

if TYPE_CHECKING:
    from ..runtime import Runtime

BODY_BYTES_MAX = 1024 * 1024  # contract G12


@dataclass
class Reply:
    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    stream: Primed | None = None
    media_type: str = "application/json"


@dataclass
class Call:
    request: Request
    runtime: "Runtime"
    route: "Route"
    request_id: str
    faults: FaultView
    path: str = ""
    ids: dict[str, str] = field(default_factory=dict)
    raw: bytes = b""
    body: Any = None
    is_body_absent: bool = True
    claims: Claims | None = None
    key: str | None = None
    as_of: int = ALWAYS
    after_commit: list[Callable[[], None]] = field(default_factory=list)

    @property
    def user_id(self) -> str:
        assert self.claims is not None, "only authenticated routes ask who calls"
        return self.claims.sub

    @property
    def query(self) -> dict[str, Any]:
        return dict(self.request.query_params.multi_items())


Find = Callable[[Call, AsyncConnection], Awaitable[Any]]
Check = Callable[[Call], Any]
Run = Callable[[Call, Any, Any, Any], Awaitable[Reply]]


async def find_nothing(_call: Call, _tx: AsyncConnection) -> Any:
    return None


def check_nothing(_call: Call) -> Any:
    return None


@dataclass(frozen=True)
class Route:
    """`find` looks up and checks ownership, `check` validates, `run` acts: in this order, each with own refusals."""

    id: str
    method: str
    path: str
    run: Run
    find: Find = find_nothing
    check: Check = check_nothing
    auth: Literal["none", "bearer", "service"] = "bearer"
    body: Literal["none", "json", "lenient"] = "none"
    is_keyed: bool = False
    in_session_queue: bool = False
    family: Family = "E1"
    is_exempt: bool = False
    touches_store: bool = True
    has_uuids: bool = True  # whether the ids in its path are public ids (contract G4)
    body_bytes_max: int = BODY_BYTES_MAX
