"""The settings of access: who may ask, how often, over which connections, from which pages."""

import argparse
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ocr_gateway.flags import Parser, whole

ORIGIN = re.compile(r"https?://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\])(:[0-9]{1,5})?")


@dataclass(frozen=True)
class TlsFiles:
    """A certificate chain and its private key, as PEM."""

    certificate: Path
    key: Path


@dataclass(frozen=True)
class JwtSettings:
    """Which tokens are taken: signed with a key of `jwks`, from that issuer, for that audience."""

    jwks: Path
    issuer: str
    audience: str


@dataclass(frozen=True)
class Rate:
    """Requests of one client: `per_second` in the long run, `burst` at once after a pause."""

    per_second: int
    burst: int


@dataclass(frozen=True)
class AccessSettings:
    """What is absent is not asked for. At most one of `api_keys` (a folder) and `jwt` is there."""

    api_keys: Path | None = None
    jwt: JwtSettings | None = None
    tls: TlsFiles | None = None
    rate: Rate | None = None
    cors_origins: tuple[str, ...] = ()
    # How often the mounted files are looked at.
    reload_seconds: float = field(default=1, kw_only=True)

    @property
    def authenticates(self) -> bool:
        """Whether clients are known by more than their address."""
        return self.api_keys is not None or self.jwt is not None


def add_flags(parser: Parser) -> None:
    """Add the flags that `taken` reads."""
    add = parser.add_argument
    add("--api-keys-dir", type=Path, metavar="D", help="a file for each client, an API key on each line")
    add("--jwks-file", type=Path, metavar="F", help="public keys of the tokens' issuer, a JSON Web Key Set")
    add("--jwt-issuer", metavar="I", help="what a token's claim iss must be")
    add("--jwt-audience", metavar="A", help="what a token's claim aud must be or hold")
    add("--client-rate", type=whole(1), metavar="N", help="requests of one client in a second (no limit)")
    add("--client-burst", type=whole(1), metavar="N", help="of these at once (as many as in two seconds)")
    add("--tls-cert-file", type=Path, metavar="F", help="speak HTTPS with this certificate chain")
    add("--tls-key-file", type=Path, metavar="F", help="the certificate's private key")
    add(
        "--cors-origins",
        type=_origins,
        default=(),
        metavar="O,...",
        help="pages of these origins may call from a browser, such as https://app.example.com (none)",
    )


def taken(flags: dict[str, Any], parser: Parser) -> AccessSettings:
    """Take this room's values out of `flags`; those that need each other or exclude each other end it."""
    jwt = _all_or_none(flags, parser, "jwks_file", "jwt_issuer", "jwt_audience")
    tls = _all_or_none(flags, parser, "tls_cert_file", "tls_key_file")
    keys, rate, burst = (flags.pop(name) for name in ("api_keys_dir", "client_rate", "client_burst"))
    if keys and jwt:
        parser.error("--api-keys-dir and --jwks-file exclude each other; choose one way to know clients")
    if burst and not rate:
        parser.error("--client-burst needs --client-rate")
    return AccessSettings(
        api_keys=keys,
        jwt=JwtSettings(*jwt) if jwt else None,
        tls=TlsFiles(*tls) if tls else None,
        rate=Rate(rate, burst or 2 * rate) if rate else None,
        cors_origins=flags.pop("cors_origins"),
    )


def _all_or_none(flags: dict[str, Any], parser: Parser, *names: str) -> tuple[Any, ...] | None:
    values = tuple(flags.pop(name) for name in names)
    if any(values) and not all(values):
        parser.error(f"{', '.join('--' + name.replace('_', '-') for name in names)} belong together")
    return values if any(values) else None


def _origins(text: str) -> tuple[str, ...]:
    origins = tuple(text.split(","))
    for origin in origins:
        if not ORIGIN.fullmatch(origin):
            raise argparse.ArgumentTypeError(f"{origin!r} is no origin such as https://app.example.com")
    return origins
