"""Where the API is and how we show who we are: a kubeconfig, or the pod's service account."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Final, Self

import aiohttp
from kubernetes.aio import config
from kubernetes.aio.client.configuration import Configuration
from kubernetes.aio.client.rest import RESTClientObject

from ocr_operator.cluster.port import ClusterError

USER_AGENT: Final = "ocr-operator"


class AccessError(Exception):
    """There is no usable kubeconfig or service account."""


class Access:
    """Server, trust and credentials, read by the official client, so exec plugins and proxies work.

    `session` adds the credentials to each request as they are then, so that a rotated token is used at once.
    """

    def __init__(self, kubeconfig: Path | None, configuration: Configuration) -> None:
        """Use `load`."""
        self._kubeconfig = kubeconfig
        self._configuration = configuration

    @classmethod
    async def load(cls, kubeconfig: Path | None) -> Self:
        """Read the kubeconfig, or without one the service account of the pod. Raises AccessError."""
        return cls(kubeconfig, await _configuration(kubeconfig))

    async def reload(self) -> None:
        """Read everything again, after the API refused the credentials. Raises ClusterError."""
        try:
            self._configuration = await _configuration(self._kubeconfig)
        except AccessError as error:
            raise ClusterError(str(error)) from error

    @property
    def server(self) -> str:
        """The API's URL, without a slash at its end."""
        return str(self._configuration.host).rstrip("/")

    def session(self, *middlewares: aiohttp.ClientMiddlewareType) -> aiohttp.ClientSession:
        """A new HTTP session whose requests pass the middlewares; the caller closes it."""
        # No limit: kopf keeps a connection per watch, and the workers bound our own.
        connector = aiohttp.TCPConnector(ssl=self._tls(), limit=0)
        return aiohttp.ClientSession(
            connector=connector,
            headers={"User-Agent": USER_AGENT},
            proxy=self._configuration.proxy,
            middlewares=(*middlewares, self._authorise),
        )

    def _tls(self) -> ssl.SSLContext:
        context = RESTClientObject(self._configuration).ssl_context
        assert isinstance(context, ssl.SSLContext)  # noqa: S101 - it is untyped there
        return context

    async def _authorise(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        header = await self._configuration.get_api_key_with_prefix("BearerToken", alias="authorization")
        if header:
            request.headers["Authorization"] = header
        elif self._configuration.username:
            request.headers["Authorization"] = str(self._configuration.get_basic_auth_token())
        return await handler(request)


async def _configuration(kubeconfig: Path | None) -> Configuration:
    configuration = Configuration()
    try:
        if kubeconfig is None:
            config.load_incluster_config(configuration)  # type: ignore[no-untyped-call]
        else:
            await config.load_kube_config(  # type: ignore[no-untyped-call]  # as above
                config_file=str(kubeconfig), client_configuration=configuration, persist_config=False
            )
    except config.ConfigException as error:
        where = "no --kubeconfig, and not in a pod" if kubeconfig is None else str(kubeconfig)
        raise AccessError(f"{where}: {error}") from error
    except Exception as error:
        # The loader lets errors of YAML, base64, files and of its own code through.
        raise AccessError(f"{kubeconfig}: {str(error) or type(error).__name__}") from error
    return configuration
