"""JSON Web Tokens (RFC 7519), checked against a JSON Web Key Set."""

import json
from dataclasses import dataclass
from typing import Any

import jwt

from ocr_gateway.access.settings import JwtSettings
from ocr_gateway.access.watched import Files, InvalidFileError

# The algorithm is the key's, whatever the token's header says: neither `none` nor an HMAC over the public
# key can pass (RFC 8725, 3.1 and 3.2).
ALGORITHMS = {("RSA", None): "RS256", ("EC", "P-256"): "ES256", ("OKP", "Ed25519"): "EdDSA"}
# Clocks of issuer and gateway may differ by this much.
LEEWAY_SECONDS = 30
MAX_SUBJECT = 256
MIN_RSA_BITS = 2048  # RFC 7518, 3.3


class InvalidTokenError(Exception):
    """A token that is not taken; the message says why."""


class ExpiredTokenError(InvalidTokenError):
    """A token that was taken once."""


@dataclass(frozen=True)
class Tokens:
    """The public keys of the issuer and what its tokens must say."""

    keys: tuple[jwt.PyJWK, ...]
    issuer: str
    audience: str

    def client(self, token: str) -> str:
        """The token's subject. Raises InvalidTokenError."""
        try:
            header = jwt.get_unverified_header(token)
            claims = self._claims(token, header.get("kid"), header.get("alg"))
        except jwt.ExpiredSignatureError:
            raise ExpiredTokenError("The token has expired; get a new one") from None
        except jwt.InvalidTokenError as error:
            raise InvalidTokenError(f"The token is not valid: {error}") from None
        subject = claims["sub"]
        if not (subject.isprintable() and 0 < len(subject) <= MAX_SUBJECT):
            raise InvalidTokenError(f"The token's sub must have 1 to {MAX_SUBJECT} printable characters")
        return str(subject)

    def _claims(self, token: str, kid: object, algorithm: object) -> dict[str, Any]:
        fitting = [key for key in self.keys if key.algorithm_name == algorithm and kid in (None, key.key_id)]
        for key in fitting:
            try:
                return jwt.decode(
                    token,
                    key,
                    algorithms=[key.algorithm_name],
                    issuer=self.issuer,
                    audience=self.audience,
                    leeway=LEEWAY_SECONDS,
                    options={"require": ["exp", "iss", "aud", "sub"]},
                )
            except jwt.InvalidSignatureError:
                continue
        raise jwt.InvalidTokenError("no key of the issuer has signed it")


def parse(files: Files, settings: JwtSettings) -> Tokens:
    """Read the key set. Keys of other kinds and uses are passed over.

    Raises:
        InvalidFileError: not a key set, or no key in it that can check signatures.
    """
    (content,) = files.values()
    try:
        listed = json.loads(content)["keys"]
        keys = tuple(key for each in listed if (key := _key(each)) is not None)
    except (ValueError, LookupError, TypeError, AttributeError, jwt.PyJWTError) as error:
        raise InvalidFileError(f"{settings.jwks}: no JSON Web Key Set ({type(error).__name__})") from None
    for key in keys:
        if key.algorithm_name == "RS256" and key.key.key_size < MIN_RSA_BITS:
            raise InvalidFileError(f"{settings.jwks}: an RSA key has under {MIN_RSA_BITS} bits")
    if not keys:
        raise InvalidFileError(f"{settings.jwks}: no key for RS256, ES256 or EdDSA in it")
    return Tokens(keys, settings.issuer, settings.audience)


def _key(listed: dict[str, Any]) -> jwt.PyJWK | None:
    algorithm = ALGORITHMS.get((listed["kty"], listed.get("crv")))
    if algorithm is None or listed.get("use", "sig") != "sig" or listed.get("alg", algorithm) != algorithm:
        return None
    return jwt.PyJWK(listed, algorithm)
