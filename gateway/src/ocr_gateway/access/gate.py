"""The layer behind the edge that lets requests in: who is it, and may they ask now?"""

from collections.abc import Callable

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ocr_gateway.access.caller import CALLER, Caller
from ocr_gateway.access.keys import ApiKeys
from ocr_gateway.access.rates import Quota, Rates
from ocr_gateway.access.tokens import ExpiredTokenError, InvalidTokenError, Tokens
from ocr_gateway.edge import Exchange
from ocr_gateway.problems import Problem, render

# What kubelets, Prometheus and browsers ask for before anybody could give them a key. No document passes.
OPEN_PATHS = frozenset({"/", "/livez", "/readyz", "/metrics"})
OPEN_FOLDER = "/assets/"
REALM = 'Bearer realm="kubeocr"'

# The client's name for a credential; raises Problem.
Authenticator = Callable[[str], str]


class UnauthenticatedError(Problem):
    """A credential that is not there or not taken; `reason` is the metrics' word for it."""

    def __init__(self, reason: str, detail: str, challenge: str = "") -> None:
        super().__init__("unauthenticated", detail, headers={"WWW-Authenticate": f"{REALM}{challenge}"})
        self.reason = reason


class Gate:
    """ASGI middleware: 401 without a valid credential, 429 over the client's rate; sets `CALLER`."""

    def __init__(self, app: ASGIApp, *, authenticate: Authenticator | None, rates: Rates | None) -> None:
        self._app = app
        self._authenticate = authenticate
        self._rates = rates

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange: Exchange = scope["state"]["exchange"]
        headers = Headers(scope=scope)
        try:
            quota = self._enter(scope, headers, exchange)
        except Problem as problem:
            exchange.problem = problem.code
            if isinstance(problem, UnauthenticatedError):
                exchange.auth_failure = problem.reason
            response = render(problem, request_id=exchange.request_id, path=scope["path"])
            await response(scope, receive, send)
            return
        CALLER.set(Caller(str(exchange.client), exchange.trace))
        await self._app(scope, receive, _telling(quota, send) if quota else send)

    def _enter(self, scope: Scope, headers: Headers, exchange: Exchange) -> Quota | None:
        exchange.client = (scope.get("client") or ("unknown",))[0]
        if _is_open(scope):
            return None
        if self._authenticate is not None:
            exchange.client = self._authenticate(_credential(headers))
        return self._rates.take(exchange.client) if self._rates else None


def by_key(keys: Callable[[], ApiKeys]) -> Authenticator:
    """Clients by their API keys; `keys` gives those that hold now."""

    def authenticate(credential: str) -> str:
        client = keys().client(credential)
        if client is None:
            raise _refused("unknown_key", "The API key is not known")
        return client

    return authenticate


def by_token(tokens: Callable[[], Tokens]) -> Authenticator:
    """Clients by the subject of their tokens."""

    def authenticate(credential: str) -> str:
        try:
            return tokens().client(credential)
        except InvalidTokenError as error:
            reason = "expired_token" if isinstance(error, ExpiredTokenError) else "invalid_token"
            raise _refused(reason, str(error)) from None

    return authenticate


def _is_open(scope: Scope) -> bool:
    path: str = scope["path"]
    reads = scope["method"] in ("GET", "HEAD")
    return reads and (path in OPEN_PATHS or path.startswith(OPEN_FOLDER))


def _credential(headers: Headers) -> str:
    scheme, _, credential = headers.get("authorization", "").partition(" ")
    found = credential.strip() if scheme.lower() == "bearer" else headers.get("x-api-key", "")
    if not found:
        raise UnauthenticatedError(
            "missing",
            "Send the API key or the token as `Authorization: Bearer ...`; a key also as `X-API-Key: ...`.",
        )
    return found


def _refused(reason: str, why: str) -> UnauthenticatedError:
    """RFC 6750, 3.1."""
    return UnauthenticatedError(reason, f"{why}.", ', error="invalid_token"')


def _telling(quota: Quota, send: Send) -> Send:
    async def sender(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).update(quota.headers)
        await send(message)

    return sender
