"""What the gateway holds at once is bounded, and given back however a request ends."""

import pytest

from ocr_gateway.documents.admission import Admission
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
