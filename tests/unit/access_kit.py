"""Credentials for tests: API keys in a folder, a token issuer with its key set, certificates."""

import datetime
import ipaddress
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import NameOID
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

ISSUER, AUDIENCE = "https://login.example.com", "ocr"
Private = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


def write_keys(folder: Path, keys: Mapping[str, str]) -> Path:
    """A folder as the kubelet mounts it: the files are links into a folder that is swapped as a whole."""
    fresh = folder / f"..{time.monotonic_ns()}"
    fresh.mkdir(parents=True)
    for name, content in keys.items():
        (fresh / name).write_text(content)
        if not (folder / name).is_symlink():
            (folder / name).symlink_to(f"..data/{name}")
    link = folder / "..new"
    link.symlink_to(fresh.name)
    link.replace(folder / "..data")
    for link in folder.iterdir():
        if link.is_symlink() and not link.exists():
            link.unlink()
    return folder


def private_key(algorithm: str) -> Private:
    """A new key for that algorithm."""
    if algorithm == "RS256":
        return rsa.generate_private_key(65537, 2048)
    return (
        ec.generate_private_key(ec.SECP256R1())
        if algorithm == "ES256"
        else ed25519.Ed25519PrivateKey.generate()
    )


def public_jwk(key: Private, **members: str) -> dict[str, Any]:
    """The key's public half as a member of a key set."""
    public: Any = key.public_key()
    match key:
        case rsa.RSAPrivateKey():
            text = RSAAlgorithm.to_jwk(public)
        case ec.EllipticCurvePrivateKey():
            text = ECAlgorithm.to_jwk(public)
        case _:
            text = OKPAlgorithm.to_jwk(public)
    return {**json.loads(text), **members}


@dataclass
class Issuer:
    """Signs tokens with one key."""

    algorithm: str = "ES256"
    kid: str = "one"
    key: Any = None
    claims: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.key = self.key or private_key(self.algorithm)
        self.claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "alice", "exp": time.time() + 300}

    @property
    def key_set(self) -> bytes:
        return json.dumps({"keys": [public_jwk(self.key, kid=self.kid)]}).encode()

    def token(self, *, without: str = "", headers: dict[str, str] | None = None, **claims: Any) -> str:
        """A token with these claims instead of the good ones."""
        told = {name: value for name, value in {**self.claims, **claims}.items() if name != without}
        return jwt.encode(told, self.key, self.algorithm, headers={"kid": self.kid, **(headers or {})})


def certificate(name: str = "localhost") -> tuple[bytes, bytes]:
    """A self-signed certificate for loopback and its key, as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    names = [x509.DNSName(name), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return made.public_bytes(serialization.Encoding.PEM), private
