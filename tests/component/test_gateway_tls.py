"""HTTPS of the program `ocr-gateway`: its certificate is renewed under load, and nothing else gets in."""

import asyncio
import json
import socket
import ssl
from pathlib import Path

import httpx
import pytest

from tests.support.gateway_program import free_port, program, start
from tests.unit.access_kit import certificate
from tests.unit.gateway_kit import eventually, image, model_server

PNG = image()


def trusting(*certificates: bytes) -> ssl.SSLContext:
    """A client's context that trusts just these."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=b"".join(certificates).decode())
    return context


def served(port: int) -> bytes:
    """The certificate that a new connection gets, as DER."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", port)) as plain, context.wrap_socket(plain) as wrapped:
        found = wrapped.getpeercert(binary_form=True)
    assert found is not None
    return found


def write(folder: Path, pair: tuple[bytes, bytes]) -> tuple[str, ...]:
    """The pair as files, each replaced at once, and the flags that name them."""
    for name, content in zip(("tls.crt", "tls.key"), pair, strict=True):
        fresh = folder / f"{name}.new"
        fresh.write_bytes(content)
        fresh.replace(folder / name)
    return f"--tls-cert-file={folder / 'tls.crt'}", f"--tls-key-file={folder / 'tls.key'}"


class Load:
    """Requests without a pause, over the kept connection and over new ones."""

    def __init__(self, client: httpx.AsyncClient, trusted: ssl.SSLContext) -> None:
        self.statuses: list[int] = []
        self._client, self._trusted = client, trusted
        self._stop = asyncio.Event()
        self._tasks = [asyncio.create_task(self._run()) for _ in range(2)]

    async def _run(self) -> None:
        while not self._stop.is_set():
            self.statuses.append((await self._client.post("/v1/ocr", content=PNG)).status_code)
            async with httpx.AsyncClient(verify=self._trusted, timeout=20) as fresh:
                self.statuses.append((await fresh.get(self._client.base_url.join("/livez"))).status_code)

    async def end(self) -> None:
        self._stop.set()
        await asyncio.gather(*self._tasks)


async def test_a_certificate_is_renewed_under_load_without_a_failed_request(tmp_path: Path) -> None:
    pairs = [certificate(f"host{number}") for number in range(3)]
    trusted = trusting(*(pair[0] for pair in pairs))
    flags = write(tmp_path, pairs[0])
    async with model_server() as double, program(double, *flags, tls=trusted) as (process, client):
        port = client.base_url.port
        assert port is not None

        async def is_served(number: int) -> bool:
            wanted = ssl.PEM_cert_to_DER_cert(pairs[number][0].decode())
            return await asyncio.to_thread(served, port) == wanted

        load = Load(client, trusted)
        write(tmp_path, pairs[1])
        await eventually(lambda: is_served(1))
        write(tmp_path, (b"broken", pairs[2][1]))
        await eventually(lambda: refused(client))
        assert await is_served(1)
        write(tmp_path, pairs[2])
        await eventually(lambda: is_served(2))
        await load.end()
        assert len(load.statuses) > 20
        assert set(load.statuses) == {200}
        await client.aclose()
        process.terminate()
        _, err = await process.communicate()
        told = [json.loads(line) for line in err.splitlines() if b"refused" in line]
        assert {record["files"] for record in told} == {"tls"}
        assert b"PRIVATE" not in err


async def refused(client: httpx.AsyncClient) -> bool:
    """Whether files were refused."""
    wanted = 'ocr_gateway_reloads_total{files="tls",ocrservice="local",result="refused"} 1.0'
    return wanted in (await client.get("/metrics")).text


async def test_answers_over_tls_bind_browsers_to_it_and_old_versions_do_not_get_in(tmp_path: Path) -> None:
    pair = certificate()
    flags = write(tmp_path, pair)
    async with model_server() as double, program(double, *flags, tls=trusting(pair[0])) as (_, client):
        answer = await client.get("/livez")
        assert answer.headers["strict-transport-security"] == "max-age=31536000"
        old = trusting(pair[0])
        with pytest.deprecated_call():
            old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
        old.set_ciphers("ALL:@SECLEVEL=0")
        with pytest.raises(httpx.TransportError):
            async with httpx.AsyncClient(verify=old) as outdated:
                await outdated.get(client.base_url.join("/livez"))
        with pytest.raises(httpx.TransportError):
            async with httpx.AsyncClient() as plain:
                await plain.get(str(client.base_url.join("/livez")).replace("https", "http"))
        assert (await client.post("/v1/ocr", content=PNG)).status_code == 200


async def test_a_certificate_that_cannot_be_used_ends_the_start_with_one_line(tmp_path: Path) -> None:
    one, two = certificate(), certificate()
    flags = write(tmp_path, (one[0], two[1]))
    process = await start("--upstream=127.0.0.1:1", f"--port={free_port()}", *flags)
    _, err = await process.communicate()
    assert process.returncode == 1
    (line,) = err.decode().splitlines()
    assert "no PEM certificate with its own unencrypted key" in line
