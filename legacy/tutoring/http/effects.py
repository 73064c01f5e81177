"""Faults of a REST answer (contract faults.md §2); they act after authentication."""

import asyncio

from ..errors import ApiError
from ..faults.mutate import garbled, mutate
from ..faults.process import reset_connection
from ..jsonwire import dumps
from .call import Call, Reply


async def act_on_request(call: Call) -> None:
    """What strikes before anything has an effect."""
    if call.faults.is_quiet:
        return
    call.runtime.process_faults.per_event(call.faults)
    if fired := call.faults.fires("http-5xx"):
        raise ApiError(int(fired.number), None, "The service failed.")


async def act_on_reply(call: Call, reply: Reply) -> Reply:
    if call.faults.is_quiet:
        return reply
    faults = call.faults
    if (fired := faults.fires("late-5xx")) and reply.status < 500:
        reply = Reply(int(fired.number), ApiError(500, None, "The service failed.").body(call.route.family))
    if fired := faults.fires("slow-reply"):
        await asyncio.sleep(fired.seconds)
    if faults.fires("hang"):
        await _until_client_leaves(call)
    if faults.fires("reset"):
        reset_connection(call.request.scope["tutoring_transport"])
        await _until_client_leaves(call)
    if fired := faults.fires("wrong-status"):
        reply.status = int(fired.number)
    if reply.raw is None and reply.status != 204:
        reply.body = mutate(reply.body, faults)
        if faults.fires("garble-json"):
            reply.raw = garbled(dumps(reply.body)).encode()
    return reply


async def _until_client_leaves(call: Call) -> None:
    while True:
        message = await call.request.receive()
        if message["type"] == "http.disconnect":
            return
