"""What protects the gateway: limits of a request and of a client, who may ask, and TLS."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from ocr_operator.models.base import Form, ObjectName, Part, cel

AUTH_SECRET = (
    "has(self.secretRef) == (has(self.type) && self.type == 'APIKey')",
    "secretRef names the Secret of the keys and goes with type: APIKey; set both or neither",
)
AUTH_JWT = (
    "has(self.jwt) == (has(self.type) && self.type == 'JWT')",
    "jwt says which tokens are taken and goes with type: JWT; set both or neither",
)
Claim = Annotated[
    str,
    Field(max_length=512),
    # A '$' in a container's argument may begin a reference.
    Form("[!-#%-~]+", "write it as in the tokens: visible ASCII without spaces and without '$'"),
]


class ClientRate(Part):
    """Requests that a client may send to one gateway pod, any number when absent; more are answered 429."""

    requests_per_second: Annotated[int, Field(ge=1, le=10_000)] = Field(
        description="Requests per second, in the long run."
    )
    burst: Annotated[int, Field(ge=1, le=100_000)] | None = Field(
        default=None, description="Requests at once after a pause; as many as in two seconds when absent."
    )


class Limits(Part):
    """What one request may ask for; checked before anything is decoded."""

    max_body_bytes: Annotated[int, Field(ge=1024, le=1_073_741_824)] = Field(
        default=20_971_520, description="Size of a request's body."
    )
    max_pages: Annotated[int, Field(ge=1, le=2000)] = Field(default=50, description="Pages of one document.")
    max_image_pixels: Annotated[int, Field(ge=10_000, le=200_000_000)] = Field(
        default=50_000_000, description="Width times height of one page."
    )
    request_timeout_seconds: Annotated[int, Field(ge=1, le=900)] = Field(
        default=60, description="Time for one request, waiting included."
    )
    rate_per_client: ClientRate | None = None


class SecretRef(Part):
    """A Secret in the service's namespace."""

    name: ObjectName = Field(description="Name of the Secret.")


class Jwt(Part):
    """Which JSON Web Tokens are taken: signed by RS256, ES256 or EdDSA with one of the keys, not expired."""

    issuer: Claim = Field(description="What the claim iss must be.")
    audience: Claim = Field(description="What the claim aud must be, or hold.")
    jwks_secret_ref: SecretRef = Field(
        description="Secret with the issuer's public keys: a JSON Web Key Set under the key jwks.json."
    )


class Auth(Part):
    """Who may send pages."""

    model_config = ConfigDict(json_schema_extra=cel(AUTH_SECRET, AUTH_JWT))

    type: Literal["None", "APIKey", "JWT"] = Field(
        default="None",
        description="None: everybody. APIKey: who sends a key of the Secret. JWT: who sends a valid token.",
    )
    secret_ref: SecretRef | None = Field(
        default=None, description="Secret of the API keys: an entry for each client, one key a line."
    )
    jwt: Jwt | None = None

    @model_validator(mode="after")
    def _what_the_type_needs(self) -> Self:
        if (self.secret_ref is not None) != (self.type == "APIKey"):
            raise ValueError(AUTH_SECRET[1])
        if (self.jwt is not None) != (self.type == "JWT"):
            raise ValueError(AUTH_JWT[1])
        return self


class Tls(Part):
    """HTTPS; plain HTTP when absent."""

    secret_ref: SecretRef = Field(
        description="Secret of type kubernetes.io/tls: tls.crt and tls.key. Its renewal needs no restart."
    )
