"""Holds one streamed tutor turn with the `websockets` library, as an application in Python would."""

import asyncio
import json
import sys

import websockets


async def main(url: str, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    async with websockets.connect(url, additional_headers=headers, compression=None) as socket:
        first = json.loads(await socket.recv())
        await socket.send(json.dumps({"type": "user_message", "data": {"text": "tell me about rivers"}}))
        parts: list[str] = []
        while True:
            frame = json.loads(await asyncio.wait_for(socket.recv(), 20))
            if frame.get("type") == "raw_delta":
                parts.append(frame["delta"])
                continue
            break
        answer = {"first": first["type"], "parts": len(parts), "streamed": "".join(parts)}
        answer["text"] = frame["data"]["explanation_text"]
        print(json.dumps(answer))


asyncio.run(main(sys.argv[1], sys.argv[2]))
