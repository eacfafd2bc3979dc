"""What stands on a page of a list."""

import httpx


def titles(page: httpx.Response) -> list[str]:
    assert page.status_code == 200, page.text
    return [task["title"] for task in page.json()["items"]]


def cursor_of(page: httpx.Response) -> str:
    cursor = page.json()["next_cursor"]
    assert isinstance(cursor, str)
    return cursor
