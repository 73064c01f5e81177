"""Fixtures: one model server and one service for the whole run, a fresh user for every test."""

import asyncio
import os
import uuid
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from tests.support.model import ModelServer
from tests.support.service import Service
from tutoring.store.engine import Store

T = TypeVar("T")
_DATABASE = os.environ.get("TEST_DATABASE_URL")


@pytest.fixture(scope="session")
def model_server() -> Iterator[ModelServer]:
    server = ModelServer()
    yield server
    server.close()


@pytest.fixture
def model(model_server: ModelServer) -> Iterator[ModelServer]:
    model_server.reset()
    yield model_server
    model_server.reset()


@pytest.fixture(scope="session")
def service(model_server: ModelServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    started = Service(tmp_path_factory.mktemp("service"), OPENAI_BASE_URL=model_server.url)
    yield started
    assert started.stop() == 0


@pytest.fixture(scope="session")
def other(model_server: ModelServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A second service: the arm a user moves to."""
    started = Service(tmp_path_factory.mktemp("other"), OPENAI_BASE_URL=model_server.url)
    yield started
    assert started.stop() == 0


@pytest.fixture
def user() -> str:
    return f"user-{uuid.uuid4()}"


@pytest.fixture(params=["sqlite", "postgres"])
def open_store(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Awaitable[Store]]:
    """Opens a real store, on PostgreSQL too when TEST_DATABASE_URL names one; each is like one of another process."""
    url = _DATABASE if request.param == "postgres" else None
    if request.param == "postgres" and url is None:
        pytest.skip("TEST_DATABASE_URL is not set")
    return lambda: Store.open(tmp_path, url)


@pytest.fixture
def with_store(open_store: Callable[[], Awaitable[Store]]) -> Callable[[Callable[[Store], Awaitable[T]]], T]:
    """Runs a coroutine on a real store."""

    def run(work: Callable[[Store], Awaitable[T]]) -> T:
        async def with_open() -> T:
            store = await open_store()
            try:
                return await work(store)
            finally:
                await store.close()

        return asyncio.run(with_open())

    return run
