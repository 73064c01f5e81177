"""The ASGI application: sockets to the door, everything else through the edge."""

from starlette.types import ASGIApp, Receive, Scope, Send

from .http.api import create_api
from .http.edge import Edge
from .runtime import Runtime
from .sockets.door import Door


def create_app(runtime: Runtime) -> ASGIApp:
    edge = Edge(create_api(runtime), runtime)
    door = Door(runtime)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await door(scope, receive, send)
        elif scope["type"] == "http":
            await edge(scope, receive, send)

    return app
