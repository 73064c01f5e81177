"""An ASGI application that prints each request it was given as one JSON line; the server before it is what is tested."""

import asyncio
import json
import socket
import sys
from typing import Any

import uvicorn


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return
        if not message.get("more_body"):
            break
    path = scope["raw_path"].decode("latin-1")
    print(json.dumps({"method": scope["method"], "path": path}), flush=True)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


async def main(parser: str) -> None:
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    config = uvicorn.Config(app, http=parser, ws="none", lifespan="off", log_level="critical", access_log=False)
    server = uvicorn.Server(config)
    print(json.dumps({"port": listener.getsockname()[1]}), flush=True)
    await server.serve(sockets=[listener])


asyncio.run(main(sys.argv[1]))
