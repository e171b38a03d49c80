"""What the gateway holds at once is bounded, and given back however a request ends."""

import asyncio
import threading

import pytest

from ocr_gateway.documents.admission import Admission, PixelRoom
from ocr_gateway.problems import Problem


def test_one_byte_too_many_is_refused_and_the_held_ones_are_given_back() -> None:
    admission = Admission(max_requests=1, max_bytes=10)
    for _ in range(3):
        with admission.admit() as lease:
            lease.grow_to(10)
            lease.grow_to(5)
            with pytest.raises(Problem) as refused:
                lease.grow_to(11)
        assert (refused.value.code, refused.value.limit) == ("queue_full", 10)


def test_what_a_request_held_is_given_back_when_it_fails() -> None:
    admission = Admission(max_requests=1, max_bytes=10)

    def fail() -> None:
        with admission.admit() as lease:
            lease.grow_to(10)
            raise Problem("undecodable_image", "broken")

    for _ in range(3):
        with pytest.raises(Problem, match="undecodable_image"):
            fail()


def test_one_request_too_many_is_refused() -> None:
    admission = Admission(max_requests=1, max_bytes=10)
    with admission.admit(), pytest.raises(Problem) as refused, admission.admit():
        raise AssertionError("admitted")
    assert (refused.value.code, refused.value.limit) == ("queue_full", 1)


async def test_pages_wait_until_decoded_ones_are_gone() -> None:
    room = PixelRoom(100)
    assert await room.decode(lambda: 90, int) == 90
    assert await room.decode(lambda: 90, int) == 90  # started below the limit
    third = asyncio.create_task(room.decode(lambda: 1, int))
    fourth = asyncio.create_task(room.decode(lambda: 2, int))
    await asyncio.sleep(0.02)
    assert not third.done()
    room.free(90)
    assert (await third, await fourth) == (1, 2)


async def test_a_cancelled_decoding_holds_the_decoder_until_its_thread_ends_and_no_pixels_after() -> None:
    room = PixelRoom(100)
    started, release = threading.Event(), threading.Event()

    def slow() -> int:
        started.set()
        release.wait(10)
        return 100

    first = asyncio.create_task(room.decode(slow, int))
    await asyncio.to_thread(started.wait, 10)
    first.cancel()
    second = asyncio.create_task(room.decode(lambda: 1, int))
    await asyncio.sleep(0.02)
    assert not first.done()
    assert not second.done()
    release.set()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert await second == 1


async def test_a_decoding_that_fails_leaves_the_room_usable() -> None:
    room = PixelRoom(100)

    def broken() -> int:
        raise Problem("undecodable_image", "broken")

    with pytest.raises(Problem):
        await room.decode(broken, int)
    assert await room.decode(lambda: 1, int) == 1
