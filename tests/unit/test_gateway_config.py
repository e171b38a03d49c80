"""The gateway's flags."""

from pathlib import Path

import pytest

from ocr_gateway.config import MIB, HostPort, parse

REQUIRED = ("--upstream", "models:9000")


def test_only_the_upstream_is_required() -> None:
    config = parse(REQUIRED, {})
    assert config.upstream == HostPort("models", 9000)
    assert (config.host, config.port, config.service) == ("127.0.0.1", 8080, "local")
    assert (config.max_body_bytes, config.max_pages, config.max_image_pixels) == (20 * MIB, 50, 50_000_000)
    assert (config.request_timeout_seconds, config.drain_seconds, config.log_level) == (60, 15, "info")
    assert config.endpoints_dir is None


def test_the_endpoints_folder_comes_from_the_environment() -> None:
    assert parse(REQUIRED, {"OCR_ENDPOINTS_DIR": "/run/e"}).endpoints_dir == Path("/run/e")


def test_an_ipv6_upstream_is_written_in_brackets() -> None:
    assert parse(("--upstream", "[fd00::1]:80"), {}).upstream == HostPort("fd00::1", 80)


def test_a_file_may_say_the_upstreams() -> None:
    assert parse(("--traffic-file", "/etc/traffic.json"), {}).upstream == Path("/etc/traffic.json")


def test_the_bodies_held_at_once_are_never_fewer_than_two_of_the_largest() -> None:
    assert parse(REQUIRED, {}).max_held_bytes == 128 * MIB
    assert parse((*REQUIRED, "--max-body-bytes", str(500 * MIB)), {}).max_held_bytes == 1000 * MIB


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ((), "--upstream"),
        ((*REQUIRED, "--traffic-file", "f"), "not allowed with argument --upstream"),
        (("--upstream", "models"), "HOST:PORT"),
        (("--upstream", ":80"), "HOST:PORT"),
        (("--upstream", "../../etc/passwd:80"), "HOST:PORT"),
        (("--upstream", "a..b:80"), "HOST:PORT"),
        (("--upstream", "models:0"), "from 1 to 65535"),
        (("--upstream", "models:http"), "whole number"),
        ((*REQUIRED, "--port", "65536"), "from 1 to 65535"),
        ((*REQUIRED, "--max-body-bytes", "0"), "at least 1"),
        ((*REQUIRED, "--max-pages", "many"), "whole number"),
        ((*REQUIRED, "--request-timeout-seconds", "nan"), "out of range"),
        ((*REQUIRED, "--drain-seconds", "-1"), "out of range"),
        ((*REQUIRED, "--log-level", "loud"), "--log-level"),
        ((*REQUIRED, "--service", "a b"), "resource name"),
        ((*REQUIRED, "--max-page", "5"), "--max-page"),
    ],
)
def test_a_wrong_flag_is_one_line_that_says_what_is_wanted(
    flags: tuple[str, ...], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(flags, {})
    assert ended.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("ocr-gateway: ")
    assert words in line
