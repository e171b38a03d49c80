"""The gate and the files it watches, from the settings."""

from collections.abc import Callable
from functools import partial

from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

from ocr_gateway.access import keys, tokens
from ocr_gateway.access.gate import Authenticator, Gate, by_key, by_token
from ocr_gateway.access.rates import Rates
from ocr_gateway.access.settings import AccessSettings
from ocr_gateway.access.watched import Refreshing, Watched, files, folder

PREFLIGHT_SECONDS = 600
ASKED_HEADERS = (
    "Authorization",
    "Content-Type",
    "Idempotency-Key",
    "Prefer",
    "traceparent",
    "X-API-Key",
    "X-Request-Id",
)
TOLD_HEADERS = ("Location", "RateLimit", "RateLimit-Policy", "Retry-After", "Server-Timing", "X-Request-Id")


def authenticator(settings: AccessSettings) -> tuple[Authenticator | None, tuple[Refreshing, ...]]:
    """How clients are known, and the files that say so. Raises InvalidFileError."""
    if (path := settings.api_keys) is not None:
        api_keys = Watched("api-keys", lambda: folder(path), keys.parse)
        return by_key(lambda: api_keys.value), (api_keys,)
    if (jwt := settings.jwt) is not None:
        key_set = Watched("jwks", lambda: files(jwt.jwks), partial(tokens.parse, settings=jwt))
        return by_token(lambda: key_set.value), (key_set,)
    return None, ()


def middleware(
    settings: AccessSettings, authenticate: Authenticator | None, clock: Callable[[], float]
) -> tuple[Middleware, ...]:
    """The layers between edge and routes; CORS is outside, for a preflight carries no credential."""
    gate = Middleware(
        Gate, authenticate=authenticate, rates=Rates(settings.rate, clock) if settings.rate else None
    )
    if not settings.cors_origins:
        return (gate,)
    cors = Middleware(
        CORSMiddleware,
        allow_origins=settings.cors_origins,
        allow_methods=("GET", "POST", "DELETE"),
        allow_headers=ASKED_HEADERS,
        expose_headers=TOLD_HEADERS,
        max_age=PREFLIGHT_SECONDS,
    )
    return cors, gate
