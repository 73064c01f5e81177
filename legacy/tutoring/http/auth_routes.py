"""`/api/auth/*` (contract realtime-socket.md §9). Error family D."""

import asyncio
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from .. import clock
from ..auth.caller import bearer_of
from ..auth.passwords import hash_password, is_password, weakness
from ..auth.tokens import Claims, RefusedToken, new_account_id
from ..errors import ApiError, unauthorized
from ..store import accounts
from ..store.accounts import Account
from ..text import BLANKS, ascii_lower
from .call import Call, Reply, Route
from .validation import Fields

WRONG_PASSWORDS_MAX = 5
LOCKED_MS = 15 * 60_000
_NO_ACCOUNT = hash_password("an account that does not exist")


def _refuse(status: int, detail: str) -> ApiError:
    return ApiError(status, None, detail)


def _is_email(text: str) -> bool:
    local, at, domain = text.partition("@")
    labels = domain.split(".")
    has_blank = any(char in BLANKS for char in text)
    return bool(at and local) and "@" not in domain and len(labels) > 1 and all(labels) and not has_blank


async def _tokens(call: Call, account: Account) -> dict[str, Any]:
    issuer = call.runtime.issuer
    access, refresh = issuer.issue(account.id, account.email or "")
    user = {"id": account.id, "email": account.email, "name": account.name}
    seconds = issuer.access_seconds
    return {
        "access_token": access, "refresh_token": refresh, "token_type": "Bearer", "expires_in": seconds, "user": user
    }  # fmt: skip


def _registration(call: Call) -> tuple[str, str, str]:
    fields = Fields.of_body(call.body, call.is_body_absent)
    found = fields.text("email"), fields.text("password", 8, 128), fields.text("name", 1, 100)
    fields.done()
    return found


async def _register(call: Call, _tx: None, _target: None, arguments: tuple[str, str, str]) -> Reply:
    email, password, name = arguments
    email = ascii_lower(email)
    if not _is_email(email):
        raise _refuse(400, "Invalid email: it needs one @ and a dotted right part")
    if why := weakness(password):
        raise _refuse(400, f"Weak password: {why}")
    hashed = await asyncio.to_thread(hash_password, password)
    account = accounts.fresh(new_account_id(), email, name, call.runtime.callers.role_of(email), hashed)
    async with call.runtime.store.write() as tx:
        if not await accounts.add(tx, account):
            raise _refuse(400, "Email already registered")
    return Reply(201, await _tokens(call, account))


def _credentials(call: Call) -> tuple[str, str]:
    fields = Fields.of_body(call.body, call.is_body_absent)
    found = fields.text("email"), fields.text("password")
    fields.done()
    return found


async def _login(call: Call, _tx: None, _target: None, arguments: tuple[str, str]) -> Reply:
    email, password = arguments
    async with call.runtime.store.read() as tx:
        account = await accounts.find_by_email(tx, ascii_lower(email))
    now = int(clock.true_unix() * 1000)
    if account and account.locked_until and account.locked_until > now:
        raise _refuse(423, "Account temporarily locked. Please try again later.")
    # An unknown address costs the same time as a wrong password: the difference would tell which addresses exist.
    stored = account.password if account and account.password else _NO_ACCOUNT
    is_right = await asyncio.to_thread(is_password, password, stored)
    if account is None or not account.password or not is_right:
        await _count_failure(call, account, now)
        raise _refuse(401, "Invalid email or password")
    async with call.runtime.store.write() as tx:
        changes = {"failed_logins": 0, "locked_until": None, "last_active": clock.now_ms()}
        await accounts.change(tx, account.id, **changes)
    return Reply(200, await _tokens(call, account))


async def _count_failure(call: Call, account: Account | None, now: int) -> None:
    if account is None:
        return
    async with call.runtime.store.write() as tx:
        fresh = await accounts.find(tx, account.id)
        failures = (fresh.failed_logins if fresh else 0) + 1
        if failures >= WRONG_PASSWORDS_MAX:
            await accounts.change(tx, account.id, failed_logins=0, locked_until=now + LOCKED_MS)
        else:
            await accounts.change(tx, account.id, failed_logins=failures)


def _refresh_token(call: Call) -> str:
    fields = Fields.of_body(call.body, call.is_body_absent)
    token = fields.text("refresh_token")
    fields.done()
    return token


async def _refresh(call: Call, _tx: None, _target: None, token: str) -> Reply:
    try:
        claims = await call.runtime.tokens.verify(token)
    except RefusedToken as refused:
        raise unauthorized("Could not validate credentials") from refused
    if claims.type != "refresh":
        raise unauthorized("Invalid token type. Expected refresh")
    async with call.runtime.store.write() as tx:
        if await accounts.is_revoked(tx, claims.jti):
            raise unauthorized("Token has been revoked")
        account = await accounts.find(tx, claims.sub)
        if account is None:
            raise unauthorized("User not found")
        if account.email != ascii_lower(claims.email):
            raise unauthorized("Invalid refresh token")
        if not await accounts.revoke(tx, claims.jti, claims.sub, claims.exp):
            raise unauthorized("Token has been revoked")
    return Reply(200, await _tokens(call, account))


async def _logout(call: Call, _tx: None, _target: None, _arguments: None) -> Reply:
    token = bearer_of(call.request.headers.get("authorization"))
    if token is None:
        raise unauthorized("Not authenticated")
    try:
        claims = await call.runtime.tokens.verify(token, is_expiry_checked=False)
        async with call.runtime.store.write() as tx:
            await accounts.revoke(tx, claims.jti, claims.sub, claims.exp)
    except RefusedToken:
        pass  # any non-empty bearer is logged out; there is nothing to revoke
    return Reply(200, {"message": "Logged out successfully"})


async def _profile(call: Call, tx: AsyncConnection, claims: Claims) -> Reply:
    account = await accounts.find(tx, claims.sub)
    if account is None:
        raise _refuse(404, "User not found")
    body = {
        "id": account.id,
        "email": account.email or claims.email,
        "name": account.name,
        "subscription_tier": account.subscription_tier,
        "total_sessions": 0,  # chat sessions are not served yet, so there are none to count
        "created_at": clock.naive(account.created_at),
        "last_active": clock.naive(account.last_active),
    }
    return Reply(200, body)


async def _me(call: Call, tx: AsyncConnection, _target: None, _arguments: None) -> Reply:
    assert call.claims is not None
    return await _profile(call, tx, call.claims)


def _profile_change(call: Call) -> dict[str, Any]:
    fields = Fields.of_body(call.body, call.is_body_absent)
    changes: dict[str, Any] = {}
    if fields.has("name"):
        changes["name"] = fields.text("name", 1, 100)
    for name in ("learning_preferences", "emotional_profile"):
        if fields.has(name):
            changes[name] = fields.optional_object(name)
    fields.done()
    return changes


async def _change_profile(call: Call, tx: AsyncConnection, _target: None, changes: dict[str, Any]) -> Reply:
    assert call.claims is not None
    await accounts.change(tx, call.claims.sub, **changes, last_active=clock.now_ms())
    return await _profile(call, tx, call.claims)


ISSUING_ROUTES = [
    Route("A1", "POST", "/api/auth/register", _register, check=_registration, auth="none", body="json", family="D",
          touches_store=False),
    Route("A2", "POST", "/api/auth/login", _login, check=_credentials, auth="none", body="json", family="D",
          touches_store=False),
    Route("A3", "POST", "/api/auth/refresh", _refresh, check=_refresh_token, auth="none", body="json", family="D",
          touches_store=False),
]  # fmt: skip
ROUTES = [
    Route("A4", "POST", "/api/auth/logout", _logout, auth="none", family="D", touches_store=False),
    Route("A5", "GET", "/api/auth/me", _me, family="D"),
    Route("A6", "PATCH", "/api/auth/profile", _change_profile, check=_profile_change, body="json", family="D"),
]
