"""Faults of the whole process: crash, memory, CPU, clock, store (contract faults.md §2)."""

import asyncio
import os
import socket
import struct
import time
from typing import Any

from .. import clock, ids
from ..store.engine import Store
from .current import fires_here
from .switch import FaultSwitch, FaultView

_CRASHED = 137
_KIB = 1024


def exit_crashed() -> None:
    os._exit(_CRASHED)


class ProcessFaults:
    def __init__(self, switch: FaultSwitch, store: Store) -> None:
        self._switch = switch
        self._kept: list[bytearray] = []
        self._process = switch.view("process")
        store.is_down = lambda: self._process.fires("ready-lies") is not None
        ids.set_random_instead(lambda: fires_here("id-random"))
        switch.watch(self._bend_clock)
        self._bend_clock()

    def _bend_clock(self) -> None:
        skews = [item for item in self._switch.items if item.name == "clock-skew" and item.rate > 0]
        clock.set_skew_ms(int(float(skews[0].argument) * 1000) if skews else 0)

    async def crash_when_due(self) -> None:
        """`crash` with an argument strikes that long after the start."""
        due = [item for item in self._switch.items if item.name == "crash" and float(item.argument) > 0]
        if due:
            await asyncio.sleep(float(due[0].argument) / 1000)
            if self._switch.draw(due[0], ""):
                exit_crashed()

    def per_event(self, faults: FaultView) -> None:
        """One request or frame: memory kept for ever, time burnt, or the end of the process."""
        if faults.is_quiet:
            return
        if any(item.name == "crash" and float(item.argument) == 0 for item in self._switch.items) and faults.fires(
            "crash"
        ):
            exit_crashed()
        if fired := faults.fires("mem-growth"):
            self._kept.append(bytearray(os.urandom(int(fired.number * _KIB))))
        if fired := faults.fires("cpu-burn"):
            until = time.perf_counter() + fired.seconds
            while time.perf_counter() < until:
                pass


def reset_connection(transport: Any) -> None:
    """A TCP reset instead of an orderly end (SO_LINGER with zero time)."""
    raw = transport.get_extra_info("socket")
    if raw is not None:
        # The loop's socket object does not let options be set; a duplicate descriptor is the same socket.
        with socket.socket(fileno=os.dup(raw.fileno())) as same:
            same.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
