"""A real Chromium, Debian's, for tests of the page."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver import ActionChains, Chrome, ChromeOptions, ChromeService
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

PACKAGES = ("chromium", "chromium-driver")
SECONDS = 60.0


def install() -> None:
    """Install the Debian packages, unless they are there."""
    if shutil.which("chromium") and shutil.which("chromedriver"):
        return
    wanted = " ".join(PACKAGES)
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        pytest.fail(f"The page is tested in Chromium: install the Debian packages {wanted}.", pytrace=False)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for step in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", *PACKAGES]):
        done = subprocess.run(["apt-get", *step], env=environment, capture_output=True, check=False)
        if done.returncode:
            pytest.fail(f"apt-get could not install {wanted}: {done.stderr.decode()[-500:]}", pytrace=False)


class Browser:
    """One window; finds elements by CSS selectors and waits for what has to come."""

    def __init__(self, driver: Chrome, downloads: Path) -> None:
        self.driver = driver
        self.downloads = downloads

    def open(self, url: str) -> None:
        """Load the page anew."""
        self.driver.get(url)

    def resize(self, width: int, height: int, scale: float = 1) -> None:
        """Make the page so many CSS pixels wide and high, also narrower than any window can be."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": scale, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def prefer(self, scheme: str) -> None:
        """`light` or `dark`."""
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    def one(self, selector: str) -> WebElement:
        """The first element."""
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def all(self, selector: str) -> list[WebElement]:
        """Every element."""
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def text(self, selector: str) -> str:
        """Its text, whether it can be seen or not."""
        return str(self.one(selector).get_attribute("textContent"))

    def run(self, script: str, *arguments: Any) -> Any:
        """What the script returns; a promise is waited for."""
        return self.driver.execute_script(script, *arguments)  # type: ignore[no-untyped-call]

    def until(self, condition: Callable[[], object], message: str = "") -> None:
        """Wait until it holds."""
        WebDriverWait(self.driver, SECONDS, 0.02).until(lambda _: condition(), message)

    def press(self, *keys: str) -> None:
        """Type into what has the focus."""
        ActionChains(self.driver).send_keys(*keys).perform()

    def complaints(self) -> list[str]:
        """What the console says since the last time: violations of the policy, errors of scripts."""
        entries = self.driver.get_log("browser")  # type: ignore[no-untyped-call]
        return [entry["message"] for entry in entries]


@contextmanager
def chromium(downloads: Path, *flags: str) -> Iterator[Browser]:
    """A browser that saves what is downloaded in a folder."""
    install()
    options = ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for flag in ("--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=1280,800", *flags):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    options.add_experimental_option("prefs", {"download.default_directory": str(downloads)})
    driver = Chrome(options, ChromeService(shutil.which("chromedriver")))
    try:
        yield Browser(driver, downloads)
    finally:
        driver.quit()
