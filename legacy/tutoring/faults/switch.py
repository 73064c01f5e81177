"""What is switched on, and whether this chance fires."""

import hashlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from ..logs import Log
from ..metrics import Metrics
from .parse import Item, parse_faults


@dataclass(frozen=True)
class Firing:
    """One firing with its argument."""

    argument: str

    @property
    def number(self) -> float:
        return float(self.argument)

    @property
    def seconds(self) -> float:
        return float(self.argument) / 1000


class FaultSwitch:
    """Deterministic: the n-th chance of a name fires by the hash of seed, name and n, n counted per process."""

    def __init__(self, items: tuple[Item, ...], seed: str, metrics: Metrics, log: Log) -> None:
        self._items = items
        self._seed = seed
        self._chances: Counter[str] = Counter()
        self._metrics = metrics
        self._log = log
        self._watchers: list[Callable[[], None]] = []

    @property
    def items(self) -> tuple[Item, ...]:
        return self._items

    def replace(self, items: tuple[Item, ...]) -> None:
        self._items = items
        for notify in self._watchers:
            notify()

    def watch(self, notify: Callable[[], None]) -> None:
        """Called whenever the items change."""
        self._watchers.append(notify)

    def view(self, surface: str, route_id: str | None = None, header: str = "", request_id: str = "") -> "FaultView":
        """Faults of one request or socket. Raises BadFaults when its header is malformed."""
        return FaultView(self, surface, route_id, parse_faults(header) if header else (), request_id)

    def draw(self, item: Item, request_id: str) -> bool:
        chance = self._chances[item.name]
        self._chances[item.name] += 1
        digest = hashlib.sha256(f"{self._seed}:{item.name}:{chance}".encode()).digest()
        if int.from_bytes(digest[:4], "big") / 2**32 >= item.rate:
            return False
        self._metrics.faults.labels(item.name).inc()
        self._log.info("fault", fault=item.name, requestId=request_id)
        return True


class FaultView:
    def __init__(
        self, switch: FaultSwitch, surface: str, route_id: str | None, extra: tuple[Item, ...], request_id: str
    ) -> None:
        self._switch = switch
        self._surface = surface
        self._route_id = route_id
        self._extra = extra
        self._request_id = request_id

    @property
    def is_quiet(self) -> bool:
        """Nothing is on: the ordinary path asks nothing further."""
        return not self._extra and not self._switch.items

    def fires(self, name: str) -> Firing | None:
        """Takes one chance of every matching item; the first that fires counts."""
        if self.is_quiet:
            return None
        for item in (*self._extra, *self._switch.items):
            matches = item.name == name and item.acts_on(self._surface, self._route_id)
            if matches and self._switch.draw(item, self._request_id):
                return Firing(item.argument)
        return None
