"""An own model from an HTTPS server: its files onto a disk, where they are only once they are verified."""

import hashlib
import shutil
import signal
import ssl
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse, HTTPSConnection, responses
from pathlib import Path
from typing import Final, NoReturn
from urllib.parse import SplitResult, urljoin, urlsplit

import certifi

from ocr_modelserver.models.catalogue import ModelError
from ocr_modelserver.models.own import (
    MANIFEST,
    MAX_FILE_BYTES,
    MAX_MANIFEST_BYTES,
    DigestMismatchError,
    digest,
    parse_manifest,
)

# In all; the operator gives the folder more room than this.
_MAX_BYTES: Final = 4 << 30
_PIECE_BYTES: Final = 64 << 10
_REDIRECTS: Final = 5
_OK, _UNAUTHORIZED, _FORBIDDEN, _TOO_MANY, _OF_SERVER = 200, 401, 403, 429, 500
_MOVED: Final = frozenset({301, 302, 303, 307, 308})
# Beside a model's files, whose names begin otherwise.
_UNVERIFIED: Final = ".unverified"


class UnavailableError(ModelError):
    """The server does not give the files."""

    # EX_UNAVAILABLE of sysexits.h; the operator tells by it why the container ended.
    exit_code = 69


class RefusedError(UnavailableError):
    """The server does not give them to us."""

    exit_code = 77  # EX_NOPERM


class _BusyError(UnavailableError):
    """Another try may help."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where the model's folder is, the whole `Authorization` header, and PEM certificates to trust alone."""

    url: str
    authorization: str | None = None
    authorities: Path | None = None


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds for all, seconds in which something must come, and how long to wait before each other try."""

    seconds: float = 120
    idle_seconds: float = 20
    pauses: tuple[float, ...] = (1, 2, 4, 8)


def read_authorization(path: Path) -> str:
    """The header in a file.

    Raises:
        UnavailableError: there is none; the message does not say what is there instead.
    """
    try:
        header = path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        raise UnavailableError(f"{path} is missing: the Secret has no such key") from None
    except (OSError, UnicodeDecodeError):
        header = ""
    if not header or not header.isprintable():
        raise UnavailableError(f"{path} has no header: write one line of ASCII such as Bearer TOKEN")
    return header


def pull(source: Source, folder: Path, sha256: str, patience: Patience | None = None) -> None:
    """Bring the model into the folder, unless it is there already. To be called in the main thread.

    Raises:
        DigestMismatchError: the server has another model.
        RefusedError: it wants to know who asks, or does not like who does.
        UnavailableError: it cannot be reached, or does not answer as it should.
        ModelError: its `model.yaml` is wrong, or the folder cannot be written.
    """
    patience = patience or Patience()
    unverified = folder / _UNVERIFIED
    try:
        with _alarm(source, patience):
            if _is_there(folder, sha256):
                return
            shutil.rmtree(unverified, ignore_errors=True)  # of one that was killed
            unverified.mkdir(parents=True)
            for name in _fetch(_Server(source, patience), unverified, sha256):
                (unverified / name).replace(folder / name)
    except OSError as error:
        raise ModelError(f"the model cannot be written to {folder}: {error.strerror}") from None
    finally:
        shutil.rmtree(unverified, ignore_errors=True)


@contextmanager
def _alarm(source: Source, patience: Patience) -> Iterator[None]:
    """An end even to what has no timeout: a name that is looked up, a header that comes byte by byte."""

    def ring(*_: object) -> NoReturn:
        raise UnavailableError(
            f"{source.url} did not give the model within {patience.seconds:g} s; "
            "give it more time if it is only large"
        )

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, patience.seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _is_there(folder: Path, sha256: str) -> bool:
    """Whether an earlier run has brought it: a pod whose containers start anew then needs no server."""
    try:
        manifest = parse_manifest(str(folder / MANIFEST), (folder / MANIFEST).read_bytes())
        return digest({name: _sum(folder / name) for name in (MANIFEST, *manifest.files.values())}) == sha256
    except (OSError, ModelError):
        return False


def _sum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _fetch(server: "_Server", folder: Path, sha256: str) -> tuple[str, ...]:
    """Fetch and verify; the names of the files."""
    sums = {MANIFEST: server.fetch(MANIFEST, folder / MANIFEST, MAX_MANIFEST_BYTES)}
    manifest = parse_manifest(server.url + MANIFEST, (folder / MANIFEST).read_bytes())
    room = _MAX_BYTES
    for name in dict.fromkeys(manifest.files.values()):
        sums[name] = server.fetch(name, folder / name, min(MAX_FILE_BYTES, room))
        room -= (folder / name).stat().st_size
    if (found := digest(sums)) != sha256:
        raise DigestMismatchError(
            f"the model at {server.url} has sha256 {found}, not {sha256}; "
            "bring back its files, or ask for this sha256 if they are the right ones"
        )
    return tuple(sums)


class _Server:
    """The folder on the server. It is asked directly, whatever proxy the environment names."""

    def __init__(self, source: Source, patience: Patience) -> None:
        self.url = source.url if source.url.endswith("/") else source.url + "/"
        self._authorization = source.authorization
        self._patience = patience
        self._trusted = _trusted(source.authorities)

    def fetch(self, name: str, target: Path, most: int) -> str:
        """Write a file of up to `most` bytes; its sha256."""
        for pause in self._patience.pauses:
            try:
                return self._fetch(self.url + name, target, most)
            except _BusyError:
                time.sleep(pause)
        return self._fetch(self.url + name, target, most)

    def _fetch(self, url: str, target: Path, most: int) -> str:
        place = first = urlsplit(url)
        for _ in range(1 + _REDIRECTS):
            mine = (place.hostname, place.port or 443) == (first.hostname, first.port or 443)
            with self._asked(url, place, self._authorization if mine else None) as answer:
                if answer.status == _OK:
                    return _save(url, answer, target, most)
                place = _moved(url, place, answer)
        raise UnavailableError(f"{url} is redirected more than {_REDIRECTS} times")

    @contextmanager
    def _asked(self, url: str, place: SplitResult, authorization: str | None) -> Iterator[HTTPResponse]:
        headers = {"Authorization": authorization} if authorization else {}
        path = f"{place.path}?{place.query}" if place.query else place.path
        idle, trusted = self._patience.idle_seconds, self._trusted
        with closing(HTTPSConnection(place.hostname or "", place.port, timeout=idle, context=trusted)) as way:
            _connect(url, way)
            try:
                way.request("GET", path, headers=headers)
                answer = way.getresponse()
            except (OSError, HTTPException, ValueError) as error:
                raise UnavailableError(f"{url} gives no answer: {_words(error)}") from None
            with answer:
                yield answer


def _trusted(authorities: Path | None) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=authorities or certifi.where())
    except FileNotFoundError:
        raise UnavailableError(f"{authorities} is missing: the Secret has no such key") from None
    except (OSError, ValueError):
        raise UnavailableError(f"{authorities} has no certificates: write them as PEM") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _connect(url: str, connection: HTTPSConnection) -> None:
    try:
        connection.connect()
    except ssl.SSLCertVerificationError as error:
        raise UnavailableError(
            f"{url}: the server's certificate is not trusted: {error.verify_message}; "
            "give the certificate of its authority if it is not a public one"
        ) from None
    except ssl.SSLError as error:
        raise UnavailableError(f"{url} speaks no TLS as it should: {_words(error)}") from None
    except (OSError, ValueError) as error:  # a name that is none is a ValueError
        raise _BusyError(f"{url} cannot be reached: {_words(error)}") from None


def _moved(url: str, place: SplitResult, answer: HTTPResponse) -> SplitResult:
    """Where a redirect leads. No message has it: it may hold a signature."""
    location = answer.headers.get("Location")
    if answer.status not in _MOVED or location is None:
        raise _problem(url, answer.status)
    try:
        target = urlsplit(urljoin(place.geturl(), location))
        fits = target.scheme == "https" and target.hostname and target.port != 0
    except ValueError:
        fits = False
    if not fits:
        raise UnavailableError(f"{url} is redirected to what is no https:// URL; name a server that is not")
    return target


def _problem(url: str, status: int) -> UnavailableError:
    said = f"{url} is answered {status} {responses.get(status, '')}".rstrip()
    if status in {_UNAUTHORIZED, _FORBIDDEN}:
        return RefusedError(f"{said}; give the authorization that the server wants")
    if status == _TOO_MANY or status >= _OF_SERVER:
        return _BusyError(said)
    return UnavailableError(f"{said}; the URL must be that of the folder with {MANIFEST}")


def _save(url: str, answer: HTTPResponse, target: Path, most: int) -> str:
    too_large = UnavailableError(f"{url} has more than {most} bytes")
    if (answer.length or 0) > most:
        raise too_large
    found, size = hashlib.sha256(), 0
    with target.open("wb") as file:
        while piece := _piece(url, answer):
            size += len(piece)
            if size > most:
                raise too_large
            found.update(piece)
            file.write(piece)
    if answer.length:
        raise UnavailableError(f"{url} ended {answer.length} bytes early")
    return found.hexdigest()


def _piece(url: str, answer: HTTPResponse) -> bytes:
    try:
        return answer.read1(_PIECE_BYTES)
    except (OSError, HTTPException, ValueError) as error:
        raise UnavailableError(f"{url} was cut off: {_words(error)}") from None


def _words(error: Exception) -> str:
    """In words that hold nothing of a request or an answer."""
    if isinstance(error, TimeoutError):
        return "nothing comes"
    return (error.strerror if isinstance(error, OSError) else None) or type(error).__name__
