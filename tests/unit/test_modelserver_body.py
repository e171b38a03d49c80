"""What the bodies of all requests may hold together."""

import pytest

from ocr_modelserver.body import Budget
from ocr_modelserver.errors import ServiceError


def test_what_a_request_gives_back_early_is_room_for_others() -> None:
    budget = Budget(100)
    with budget.reserve() as parsed, budget.reserve() as other:
        parsed.grow(80)
        with pytest.raises(ServiceError, match="fill the 100 bytes"):
            other.grow(40)

        parsed.shrink(20)
        other.grow(80)

        assert budget.held == 100
    assert budget.held == 0
