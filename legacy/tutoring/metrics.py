"""Every metric of the arm (contract rest.md §6): name, help, labels, buckets."""

import os
import resource
import time
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from . import ARM, CONTRACT_VERSION, VERSION

_FAST = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_SLOW = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class _Process(Collector):
    """The two process numbers of the table; the library's own collector brings more names than the contract lists."""

    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily("process_resident_memory_bytes", "Resident memory.", value=_resident_bytes())
        yield CounterMetricFamily("process_cpu_seconds_total", "User and system time.", value=time.process_time())


def _resident_bytes() -> float:
    try:
        with open("/proc/self/statm", encoding="ascii") as statm:
            return float(int(statm.read().split()[1]) * _PAGE_BYTES)
    except OSError:
        return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)


class Metrics:
    def __init__(self) -> None:
        registry = CollectorRegistry()
        self.registry = registry
        prefix = "ai_tutor_"

        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(prefix + name, text, labels, registry=registry)

        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(prefix + name, text, labels, registry=registry)

        def histogram(name: str, text: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
            return Histogram(prefix + name, text, labels, buckets=buckets, registry=registry)

        gauge("build_info", "Which arm this is.", "arm", "version", "contract").labels(
            ARM, VERSION, CONTRACT_VERSION
        ).set(1)
        self.http_requests = counter("http_requests_total", "REST requests.", "method", "route", "status")
        self.http_seconds = histogram("http_request_duration_seconds", "REST duration.", _FAST, "method", "route")
        self.ws_connections = gauge("ws_connections", "Open sockets.", "surface")
        self.ws_handshakes = counter("ws_handshakes_total", "Upgrades by status.", "surface", "status")
        self.ws_closes = counter("ws_closes_total", "Closed sockets by code.", "surface", "code")
        self.ws_frames = counter("ws_frames_total", "Frames.", "surface", "direction", "type")
        self.turns = counter("turns_total", "Finished turns.", "trigger", "outcome")
        self.turn_seconds = histogram("turn_duration_seconds", "Turn duration.", _SLOW, "trigger")
        self.first_delta = histogram("first_delta_seconds", "Turn start to first delta.", _SLOW)
        self.model_requests = counter("model_requests_total", "Model calls.", "kind", "outcome")
        self.model_seconds = histogram("model_request_duration_seconds", "Model call duration.", _SLOW, "kind")
        self.tokens = counter("tokens_total", "Model tokens.", "model", "phase")
        self.tool_seconds = histogram("tool_latency_seconds", "Tool duration.", _FAST, "tool_name")
        self.errors = counter("errors_total", "Errors.", "surface", "code")
        self.jobs = counter("jobs_total", "Finished jobs.", "kind", "outcome")
        self.jobs_waiting = gauge("jobs_waiting", "Queued jobs.", "kind")
        self.yjs_updates = counter("yjs_updates_total", "Whiteboard updates.", "outcome")
        self.yjs_documents = gauge("yjs_documents", "Whiteboards in memory.")
        self.outbound_filtered = counter("outbound_filtered_total", "Frames the filter dropped.", "surface")
        self.offline_dropped = counter("offline_queue_dropped_total", "Events an offline queue dropped.", "surface")
        self.replays = counter("idempotent_replays_total", "Answers sent again.", "surface")
        self.context_repairs = counter("context_repairs_total", "Context values replaced by defaults.", "field")
        self.faults = counter("faults_injected_total", "Fired faults.", "fault")
        self.loop_lag = histogram("event_loop_lag_seconds", "How late a timer fires.", _FAST)
        registry.register(_Process())

    def exposition(self) -> bytes:
        return generate_latest(self.registry)
