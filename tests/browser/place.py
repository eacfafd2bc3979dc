"""A page that has the printed client, what it calls there, and what stands between it and the server."""

from typing import Any, NamedTuple

from playwright.sync_api import APIResponse, Page, Route

from tests.browser.origin import Origin
from tests.support.cast import PASSWORD
from tests.support.signed_in import new_email


class Place(NamedTuple):
    app: Origin
    is_secure: bool


def opens(page: Page, app: Origin) -> None:
    page.goto(app.url)
    page.wait_for_function("window.client")


def opens_too(page: Page, place: Place) -> Page:
    """Another tab of the same browser."""
    tab = page.context.new_page()
    opens(tab, place.app)
    return tab


def signs_in(page: Page) -> None:
    """Somebody new."""
    email = new_email()
    page.evaluate("([email, password]) => client.signUp(email, password)", [email, PASSWORD])
    page.evaluate("([email, password]) => client.signIn(email, password)", [email, PASSWORD])


ENDS = """(call) => call.then(
    ({ data, status, etag, headers }) => ({ data: data ?? null, status, etag, id: headers.get("X-Request-Id") }),
    (error) => {
        if (!(error instanceof client.TaskwellError)) throw error
        const { status, code, message, details, requestId, retryAfter } = error
        return { status, code, message, details, id: requestId, retryAfter }
    },
)"""


def calls(page: Page, path: str, **options: Any) -> dict[str, Any]:
    """The answer, or the error, as what a program sees of it."""
    answer: dict[str, Any] = page.evaluate(f"([path, options]) => ({ENDS})(client.api(path, options))", [path, options])
    return answer


def begins(page: Page, call: str) -> None:
    """A call that `ended` waits for. Meanwhile the test does something else."""
    page.evaluate(f"window.begun = {call}; window.begun.catch(() => undefined); undefined")


def ended(page: Page) -> dict[str, Any]:
    answer: dict[str, Any] = page.evaluate(f"({ENDS})(window.begun)")
    return answer


class Held:
    """Requests to an address, each kept on its way until the test says what becomes of it."""

    def __init__(self, page: Page, address: str) -> None:
        self.routes: list[Route] = []
        self._page = page
        self._is_open = False
        page.route(address, self._meets)

    def _meets(self, route: Route) -> None:
        if self._is_open or route.request.method == "OPTIONS":
            route.continue_()
        else:
            self.routes.append(route)

    def lets_through(self) -> None:
        """What is sent from now on goes through. (To take the route away would send on what is held.)"""
        self._is_open = True

    def next(self) -> Route:
        for _ in range(1000):
            if self.routes:
                return self.routes.pop(0)
            self._page.wait_for_timeout(20)  # which lets playwright tell of them
        raise AssertionError("nothing was sent")


def answers(route: Route, status: int, body: object, retry_after: int = 1) -> None:
    """In place of the server, as what the page may read."""
    headers = {
        "Access-Control-Allow-Origin": route.request.headers["origin"],
        "Access-Control-Expose-Headers": "Retry-After",
        "Retry-After": str(retry_after),
    }
    route.fulfill(status=status, json=body, headers=headers)


def refuses(route: Route, status: int, code: str, retry_after: int = 1) -> None:
    answers(route, status, {"error": {"code": code, "message": "x", "details": {}, "request_id": "x"}}, retry_after)


def passed_on(route: Route) -> APIResponse:
    """The server's own answer. What passes it on does not know the names of the network."""
    return route.fetch(url=route.request.url.replace("tasks.lan", "127.0.0.1"))


def is_over(page: Page) -> None:
    """The access token, so that the next call refreshes."""
    page.evaluate("localStorage.setItem('taskwell', JSON.stringify({ ...client.signedIn(), until: 0 }))")
