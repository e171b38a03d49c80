"""Decoded pages are held within one room, and one image is decoded at a time."""

import asyncio
import threading

import pytest

from ocr_gateway.documents.room import PixelRoom
from ocr_gateway.problems import Problem


async def idle() -> None:
    """Let every task run as far as it can."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_pages_wait_in_turn_until_those_before_are_gone() -> None:
    room = PixelRoom(100)
    await room.take(60)
    large, small = asyncio.create_task(room.take(50)), asyncio.create_task(room.take(10))
    await idle()
    assert not large.done()
    assert not small.done()  # though there is room: it came later
    room.free(60)
    await asyncio.gather(large, small)


async def test_a_page_larger_than_the_room_gets_it_alone() -> None:
    room = PixelRoom(100)
    await room.take(500)
    second = asyncio.create_task(room.take(1))
    await idle()
    assert not second.done()
    room.free(500)
    await second


async def test_who_stops_waiting_takes_no_room_and_lets_the_next_one_in() -> None:
    room = PixelRoom(100)
    await room.take(60)
    large, small = asyncio.create_task(room.take(50)), asyncio.create_task(room.take(40))
    await idle()
    large.cancel()
    await small
    room.free(100)
    await room.take(100)


async def test_one_whose_turn_has_come_as_it_is_cancelled_gives_the_room_back() -> None:
    room = PixelRoom(100)
    await room.take(100)
    second = asyncio.create_task(room.take(100))
    await idle()
    room.free(100)
    second.cancel()
    await asyncio.gather(second, return_exceptions=True)
    await room.take(100)


async def test_a_cancelled_decoding_keeps_the_decoder_until_its_thread_ends() -> None:
    room = PixelRoom(100)
    started, release = threading.Event(), threading.Event()

    def slow() -> None:
        started.set()
        release.wait(10)

    first = asyncio.create_task(room.decode(slow))
    await asyncio.to_thread(started.wait, 10)
    first.cancel()
    second = asyncio.create_task(room.decode(lambda: 1))
    await idle()
    assert not first.done()
    assert not second.done()
    release.set()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert await second == 1


async def test_a_decoding_that_fails_leaves_the_decoder_usable() -> None:
    room = PixelRoom(100)

    def broken() -> None:
        raise Problem("undecodable_image", "broken")

    with pytest.raises(Problem):
        await room.decode(broken)
    assert await room.decode(lambda: 1) == 1
