"""The system's Chromium, driven by playwright: what a browser keeps, it keeps in a folder that outlives it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tests.support.programs import system_program

ARGUMENTS = [
    "--no-sandbox",  # which Chromium refuses to start without as root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    # It talks to nobody but the pages of the test.
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WITHIN_MS = 30_000


@contextmanager
def chromium(profile: Path, *arguments: str) -> Iterator[Page]:
    """A browser from its start to its end. Inside, this thread has playwright's event loop, so nothing here may run its own."""
    program = system_program("chromium", "chromium-browser", "google-chrome", package="chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch_persistent_context(
            profile, executable_path=program, args=[*ARGUMENTS, *arguments], headless=True, timeout=WITHIN_MS
        )
        try:
            browser.set_default_timeout(WITHIN_MS)
            yield browser.pages[0]
        finally:
            browser.close()
