"""API keys: one file for each client, one key on each of its lines."""

import hmac
import re
from dataclasses import dataclass
from hashlib import sha256

from ocr_gateway.access.watched import Files, InvalidFileError

# Shorter ones can be guessed; a key of `openssl rand -hex 32` has 64.
KEY = re.compile(r"[!-~]{16,512}")
MAX_KEYS = 1000


@dataclass(frozen=True)
class ApiKeys:
    """The sha256 of every key, and whose it is. The keys themselves are not kept."""

    digests: tuple[tuple[bytes, str], ...]

    def client(self, key: str) -> str | None:
        """Whose key that is. Every known key is compared, in constant time."""
        given = sha256(key.encode()).digest()
        found = None
        for digest, client in self.digests:
            if hmac.compare_digest(given, digest):
                found = client
        return found


def parse(files: Files) -> ApiKeys:
    """Read the files of a folder; a client may have several keys, so that an old one can end later.

    Raises:
        InvalidFileError: a line is no key, a key stands twice, there are none or too many.
    """
    owners: dict[bytes, str] = {}
    for client, content in files.items():
        for number, line in enumerate(content.decode(errors="replace").splitlines(), 1):
            key = line.strip()
            if not key:
                continue
            if not KEY.fullmatch(key):
                raise InvalidFileError(
                    f"{client} line {number}: no API key; it has 16 to 512 visible ASCII characters"
                )
            digest = sha256(key.encode()).digest()
            if digest in owners:
                raise InvalidFileError(f"{client} line {number}: the key is there already")
            owners[digest] = client
    if not 0 < len(owners) <= MAX_KEYS:
        raise InvalidFileError(f"{len(owners)} API keys; there must be 1 to {MAX_KEYS}")
    return ApiKeys(tuple(owners.items()))
