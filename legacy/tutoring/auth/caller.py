"""From a credential to a caller with an account row (contract G7)."""

import re

from ..config import Settings
from ..faults.switch import FaultView
from ..store import accounts
from ..store.engine import Store
from ..text import ascii_lower
from .tokens import Claims, RefusedToken, Tokens

_BEARER = re.compile(r"bearer[ \t]+(\S+)[ \t]*", re.IGNORECASE)
_KNOWN_MAX = 50_000


def bearer_of(header: str | None) -> str | None:
    """The token of an Authorization header, None when missing or malformed."""
    found = _BEARER.fullmatch(header) if header else None
    return found.group(1) if found else None


class Callers:
    def __init__(self, tokens: Tokens, store: Store, settings: Settings) -> None:
        self._tokens = tokens
        self._store = store
        self._instructors = settings.instructor_emails
        self._known: set[str] = set()

    async def identify(self, token: str | None, faults: FaultView) -> Claims:
        """Raises RefusedToken, StoreUnavailable."""
        if token is None:
            raise RefusedToken("missing")
        claims = await self._tokens.verify(token, is_expiry_checked=faults.fires("token-accept") is None)
        if claims.type != "access":
            raise RefusedToken("not an access token")
        async with self._store.read() as tx:
            if await accounts.is_revoked(tx, claims.jti):
                raise RefusedToken("revoked")
        if faults.fires("token-reject"):
            raise RefusedToken("fault")
        await self._remember(claims)
        return claims

    def role_of(self, email: str) -> str:
        return "instructor" if email in self._instructors else "student"

    async def _remember(self, claims: Claims) -> None:
        """A valid token of an unknown subject creates the account row."""
        if claims.sub in self._known:
            return
        async with self._store.read() as tx:
            found = await accounts.find(tx, claims.sub)
        if found is None:
            await self._create(claims)
        if len(self._known) >= _KNOWN_MAX:
            self._known.clear()
        self._known.add(claims.sub)

    def forget(self, account_id: str) -> None:
        """The account is gone; its next valid token makes it again."""
        self._known.discard(account_id)

    async def _create(self, claims: Claims) -> None:
        email = ascii_lower(claims.email)
        name = email.partition("@")[0] or email
        async with self._store.write() as tx:
            account = accounts.fresh(claims.sub, email, name, self.role_of(email), None)
            if not await accounts.add(tx, account):
                # Either the row has just been made, or another account holds the address: addresses are unique.
                await accounts.add(tx, accounts.fresh(claims.sub, None, name, self.role_of(email), None))
