"""HTTPS whose certificate is renewed while connections come and go."""

import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

from ocr_gateway.access.settings import TlsFiles
from ocr_gateway.access.watched import Files, InvalidFileError, Watched, files


class Certificate:
    """A server's TLS context. A new pair of files is for new connections; those that are open keep theirs."""

    def __init__(self, paths: TlsFiles) -> None:
        """Raises InvalidFileError."""
        self.context = _context()
        self._paths = paths
        self.watched = Watched("tls", lambda: files(paths.certificate, paths.key), self._use)

    def _use(self, pair: Files) -> None:
        """Tried on a context of its own first: a pair that does not fit must not touch the live one."""
        try:
            for context in (_context(), self.context):
                _load(context, pair[str(self._paths.certificate)], pair[str(self._paths.key)])
        except ssl.SSLError as error:
            where = f"{self._paths.certificate} and {self._paths.key}"
            raise InvalidFileError(
                f"{where}: no PEM certificate with its own unencrypted key ({error.reason})"
            ) from None


def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context


def _load(context: ssl.SSLContext, certificate: bytes, key: bytes) -> None:
    # The context reads files only, and those on disk may have changed since they were checked.
    with _in_memory(certificate) as certificate_path, _in_memory(key) as key_path:
        # Without a password OpenSSL would ask for one on the terminal.
        context.load_cert_chain(certificate_path, key_path, password="")


@contextmanager
def _in_memory(content: bytes) -> Iterator[str]:
    with os.fdopen(os.memfd_create("tls"), "wb") as file:
        file.write(content)
        file.flush()
        yield f"/proc/self/fd/{file.fileno()}"
