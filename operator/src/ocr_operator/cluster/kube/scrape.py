"""Metrics of pods, over HTTP to their addresses: no right of the Kubernetes API is needed for it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from http import HTTPStatus
from typing import Final

import aiohttp

TIMEOUT: Final = aiohttp.ClientTimeout(total=3)
MAX_BYTES: Final = 4 * 1024 * 1024
logger = logging.getLogger(__name__)


async def scrape(urls: Sequence[str]) -> tuple[str, ...]:
    """See Scraper. A certificate is for a name, not for a pod's address, so none is checked."""
    async with aiohttp.ClientSession(timeout=TIMEOUT, trust_env=False) as session:
        answers = await asyncio.gather(*(_read(session, url) for url in urls))
    return tuple(answer for answer in answers if answer is not None)


async def _read(session: aiohttp.ClientSession, url: str) -> str | None:
    try:
        async with session.get(url, ssl=False, allow_redirects=False) as response:
            body = await response.content.read(MAX_BYTES)
            while not response.content.at_eof():
                body += await response.content.read(MAX_BYTES)
                if len(body) > MAX_BYTES:
                    return None
            return body.decode(errors="replace") if response.status == HTTPStatus.OK else None
    except (aiohttp.ClientError, OSError) as error:
        logger.warning("%s does not answer: %s", url, str(error) or type(error).__name__)
        return None
