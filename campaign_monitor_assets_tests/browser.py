"""A real Chromium for tests of what a person sees."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect, sync_playwright

_PATIENCE = 180
"""Seconds for what takes a few on a machine that does nothing else."""
_CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), ""
)
_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

NEEDS_BROWSER = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(
        not _CHROMIUM, reason="no Chromium is installed (Debian: apt-get install chromium)"
    ),
]


@pytest.fixture
def context(tmp_path: Path) -> Iterator[BrowserContext]:
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch_persistent_context(
            tmp_path / "profile",
            executable_path=_CHROMIUM,
            args=_FLAGS,
            viewport={"width": 1400, "height": 900},
        )
        opened.set_default_timeout(1000 * _PATIENCE)
        expect.set_options(timeout=1000 * _PATIENCE)
        yield opened
        opened.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()


@pytest.fixture
def screenshots(tmp_path: Path) -> Path:
    """Where pictures go: the folder of the documentation's, where a person asks for new ones."""
    folder = Path(os.environ.get("CAMPAIGN_MONITOR_SCREENSHOTS") or tmp_path).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    return folder
