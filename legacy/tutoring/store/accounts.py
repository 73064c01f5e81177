"""Rows of `accounts` and `revoked_tokens` (contract realtime-socket.md §9)."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from .. import clock
from . import rows
from .tables import accounts, revoked_tokens


@dataclass(frozen=True)
class Account:
    id: str
    email: str | None
    name: str
    password: str | None
    role: str
    subscription_tier: str
    learning_preferences: dict[str, Any]
    emotional_profile: dict[str, Any]
    ability: float
    failed_logins: int
    locked_until: int | None
    created_at: int
    last_active: int


_COLUMNS = [accounts.c[name] for name in Account.__dataclass_fields__]


async def find(tx: AsyncConnection, account_id: str) -> Account | None:
    row = (await tx.execute(select(*_COLUMNS).where(accounts.c.id == account_id))).one_or_none()
    return Account(*row) if row else None


async def find_by_email(tx: AsyncConnection, email: str) -> Account | None:
    row = (await tx.execute(select(*_COLUMNS).where(accounts.c.email == email))).one_or_none()
    return Account(*row) if row else None


def fresh(account_id: str, email: str | None, name: str, role: str, password: str | None) -> Account:
    now = clock.now_ms()
    return Account(account_id, email, name, password, role, "free", {}, {}, 0.5, 0, None, now, now)


async def add(tx: AsyncConnection, account: Account) -> bool:
    """False when the id or the email is taken."""
    try:
        async with tx.begin_nested():
            await rows.add(tx, accounts, **vars(account))
    except IntegrityError:
        return False
    return True


async def change(tx: AsyncConnection, account_id: str, **values: Any) -> None:
    await rows.change(tx, accounts, accounts.c.id == account_id, **values)


async def is_revoked(tx: AsyncConnection, jti: str) -> bool:
    return (await tx.execute(select(revoked_tokens.c.jti).where(revoked_tokens.c.jti == jti))).first() is not None


async def revoke(tx: AsyncConnection, jti: str, user_id: str, expires_unix: int) -> bool:
    """False when it was revoked before: of two uses of one refresh token only the first may win."""
    row = {"jti": jti, "user_id": user_id, "expires_at": min(expires_unix, 2**40) * 1000}
    try:
        async with tx.begin_nested():
            await rows.add(tx, revoked_tokens, **row)
    except IntegrityError:
        return False
    return True
