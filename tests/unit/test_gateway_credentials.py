"""API keys and tokens: which are taken, which are not, and what becomes of files that change."""

import base64
import hashlib
import hmac
import json
import time
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from ocr_gateway.access import keys, tokens
from ocr_gateway.access.settings import JwtSettings, TlsFiles
from ocr_gateway.access.tls import Certificate
from ocr_gateway.access.watched import MAX_BYTES, InvalidFileError, Watched, files, folder
from tests.unit.access_kit import AUDIENCE, ISSUER, Issuer, certificate, public_jwk, write_keys

ONE, TWO = "1" * 32, "2" * 32
SETTINGS = JwtSettings(Path("jwks.json"), ISSUER, AUDIENCE)


def known(issuer: Issuer) -> tokens.Tokens:
    return tokens.parse({"jwks.json": issuer.key_set}, SETTINGS)


def test_a_client_may_have_several_keys_so_that_one_can_replace_the_other() -> None:
    known = keys.parse({"alice": f"{ONE}\n\n{TWO}\n".encode(), "bob": b"b" * 16})
    assert [known.client(key) for key in (ONE, TWO, "b" * 16)] == ["alice", "alice", "bob"]
    assert [known.client(key) for key in ("", ONE + "1", ONE[:-1], "é")] == [None] * 4


def test_the_keys_themselves_are_not_kept() -> None:
    assert ONE not in repr(keys.parse({"alice": ONE.encode()}))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "0 API keys"),
        ({"alice": b"\n"}, "0 API keys"),
        ({"alice": b"short"}, "alice line 1: no API key; it has 16 to 512"),
        ({"alice": ONE.encode() + b"\nwith a space in it"}, "alice line 2: no API key"),
        ({"alice": ONE.encode(), "bob": ONE.encode()}, "bob line 1: the key is there already"),
        ({"a": "".join(f"{n:016}\n" for n in range(1001)).encode()}, "1001 API keys"),
    ],
)
def test_bad_keys_are_refused_by_place_and_not_shown(given: dict[str, bytes], said: str) -> None:
    with pytest.raises(InvalidFileError) as refused:
        keys.parse(given)
    assert said in str(refused.value)
    assert ONE not in str(refused.value)


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
def test_a_token_of_the_issuer_names_its_subject(algorithm: str) -> None:
    issuer = Issuer(algorithm)
    assert known(issuer).client(issuer.token()) == "alice"
    assert known(issuer).client(issuer.token(aud=["other", AUDIENCE])) == "alice"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"exp": time.time() - 60}, "has expired"),
        ({"nbf": time.time() + 3600}, "not yet valid"),
        ({"iss": "https://evil.example.com"}, "issuer"),
        ({"aud": "other"}, "udience"),
        ({"sub": ""}, "sub must have"),
        ({"sub": "a\nb"}, "sub must have"),
        ({"sub": "a" * 257}, "sub must have"),
        *(({"without": name}, f'"{name}"') for name in ("exp", "iss", "aud", "sub")),
        ({"headers": {"kid": "other"}}, "no key of the issuer"),
    ],
)
def test_a_token_that_says_something_else_is_refused_with_the_reason(
    change: dict[str, Any], said: str
) -> None:
    issuer = Issuer()
    with pytest.raises(tokens.InvalidTokenError) as refused:
        known(issuer).client(issuer.token(**change))
    assert said in str(refused.value)


def encoded(part: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


def test_a_token_without_signature_is_refused() -> None:
    issuer = Issuer()
    for algorithm in ("none", "None", "NONE"):
        forged = f"{encoded({'alg': algorithm, 'typ': 'JWT'})}.{encoded(issuer.claims)}."
        with pytest.raises(tokens.InvalidTokenError):
            known(issuer).client(forged)


def test_an_hmac_over_the_public_key_is_no_signature() -> None:
    issuer = Issuer("RS256")
    public = issuer.key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    for secret in (public, issuer.key_set, issuer.key_set.strip()):
        content = f"{encoded({'alg': 'HS256', 'kid': 'one'})}.{encoded(issuer.claims)}"
        code = hmac.new(secret, content.encode(), hashlib.sha256).digest()
        forged = f"{content}.{base64.urlsafe_b64encode(code).rstrip(b'=').decode()}"
        with pytest.raises(tokens.InvalidTokenError, match="no key of the issuer"):
            known(issuer).client(forged)


def test_another_key_signs_in_vain_and_so_does_a_key_that_the_token_brings() -> None:
    issuer, forger = Issuer("ES256"), Issuer("ES256")
    brought = json.dumps(public_jwk(forger.key))
    for forged in (forger.token(), forger.token(headers={"jwk": brought, "jku": "https://evil.example.com"})):
        with pytest.raises(tokens.InvalidTokenError, match="no key of the issuer"):
            known(issuer).client(forged)


@pytest.mark.parametrize("text", ["", "a", "a.b", "a.b.c", "....", "é.é.é", "a" * 10_000])
def test_what_is_no_token_is_refused(text: str) -> None:
    with pytest.raises(tokens.InvalidTokenError):
        known(Issuer()).client(text)


def test_keys_for_other_things_are_passed_over() -> None:
    issuer = Issuer()
    others = [
        {"kty": "oct", "k": "c2VjcmV0", "kid": "one"},
        public_jwk(Issuer("RS256").key, use="enc"),
        public_jwk(Issuer("RS256").key, alg="RS512"),
    ]
    listed = {"keys": [*others, *json.loads(issuer.key_set)["keys"]]}
    found = tokens.parse({"jwks.json": json.dumps(listed).encode()}, SETTINGS)
    assert [key.algorithm_name for key in found.keys] == ["ES256"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "no JSON Web Key Set"),
        (b"[]", "no JSON Web Key Set"),
        (b'{"keys": [1]}', "no JSON Web Key Set"),
        (b'{"keys": [{"kty": "EC", "crv": "P-256", "x": "?", "y": "?"}]}', "no JSON Web Key Set"),
        (b'{"keys": []}', "no key for RS256, ES256 or EdDSA"),
        (b'{"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}', "no key for RS256, ES256 or EdDSA"),
    ],
)
def test_a_bad_key_set_is_refused(content: bytes, said: str) -> None:
    with pytest.raises(InvalidFileError, match=said):
        tokens.parse({"jwks.json": content}, SETTINGS)


def test_a_short_rsa_key_is_refused() -> None:
    weak = public_jwk(rsa.generate_private_key(65537, 1024))  # noqa: S505 - that is the point
    with pytest.raises(InvalidFileError, match="under 2048 bits"):
        tokens.parse({"jwks.json": json.dumps({"keys": [weak]}).encode()}, SETTINGS)


def test_swapped_files_are_taken_over_and_bad_ones_refused_whole_once(tmp_path: Path) -> None:
    write_keys(tmp_path, {"alice": ONE, "bob": TWO})
    watched = Watched("api-keys", lambda: folder(tmp_path), keys.parse)
    assert watched.refresh() is None
    write_keys(tmp_path, {"alice": "new" + ONE, "bob": "bad"})
    assert [watched.refresh(), watched.refresh()] == [False, None]
    assert [watched.value.client(key) for key in (ONE, TWO, "new" + ONE)] == ["alice", "bob", None]
    write_keys(tmp_path, {"carol": TWO})
    assert watched.refresh() is True
    assert [watched.value.client(key) for key in (ONE, TWO)] == [None, "carol"]


def test_files_that_vanish_or_grow_without_bound_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "jwks.json"
    with pytest.raises(InvalidFileError, match="No such file"):
        files(path)
    path.write_bytes(b" " * (MAX_BYTES + 1))
    with pytest.raises(InvalidFileError, match="more than"):
        files(path)
    with pytest.raises(InvalidFileError, match="Not a directory"):
        folder(path)


def test_a_certificate_with_anothers_key_is_refused_and_the_old_one_stays(tmp_path: Path) -> None:
    paths = TlsFiles(tmp_path / "tls.crt", tmp_path / "tls.key")
    (one, one_key), (two, two_key) = certificate(), certificate()
    paths.certificate.write_bytes(one)
    paths.key.write_bytes(one_key)
    served = Certificate(paths)
    paths.certificate.write_bytes(two)
    assert [served.watched.refresh(), served.watched.refresh()] == [False, None]
    paths.key.write_bytes(two_key)
    assert served.watched.refresh() is True
    paths.key.write_bytes(b"-----BEGIN ENCRYPTED PRIVATE KEY-----\n")
    assert served.watched.refresh() is False


def test_the_reason_of_a_refused_token_shows_nothing_of_it() -> None:
    issuer = Issuer()
    with pytest.raises(tokens.InvalidTokenError) as refused:
        known(issuer).client(issuer.token(aud="other", private="hidden"))
    assert "hidden" not in str(refused.value)
    assert jwt.decode(issuer.token(), options={"verify_signature": False})["sub"] == "alice"
