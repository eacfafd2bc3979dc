"""What HTTP says of conditions, whatever the operation: a write whose condition nobody looks at is not done (RFC 9110 13)."""

import pytest

from tests.support.cast import Person
from tests.support.errors import assert_error, invalid_fields

TASKS = "/api/v1/tasks"


@pytest.mark.parametrize(
    ("method", "header"),
    [("POST", "If-Match"), ("POST", "If-None-Match"), ("PATCH", "If-None-Match"), ("DELETE", "If-None-Match")],
)
def test_a_condition_without_a_meaning_is_refused_and_nothing_is_done(alice: Person, method: str, header: str) -> None:
    task = alice.creates("as it was")
    path = TASKS if method == "POST" else f"{TASKS}/{task['id']}"
    body = None if method == "DELETE" else {"title": "changed"}
    assert invalid_fields(alice.request(method, path, json=body, headers={header: "*"})) == [header.lower()]
    assert alice.sees() == [task]


def test_a_304_says_to_caches_what_the_200_said(alice: Person) -> None:
    task = alice.creates()
    for path in (TASKS, f"{TASKS}/{task['id']}"):
        whole = alice.get(path)
        unchanged = alice.get(path, headers={"If-None-Match": whole.headers["etag"]})
        assert unchanged.status_code == 304
        for name in ("cache-control", "etag", "vary"):
            assert unchanged.headers[name] == whole.headers[name]


def test_whatever_depends_on_who_asks_says_so(alice: Person) -> None:
    task, nobody = alice.creates(), {"Authorization": ""}
    one, absent = f"{TASKS}/{task['id']}", f"{TASKS}/{alice.id}"
    answers = [
        alice.get(TASKS),
        alice.head(one),
        alice.get(one, headers={"If-None-Match": "*"}),
        alice.get(TASKS, headers=nobody),
        alice.get(absent),
        alice.get(f"{TASKS}?limit=0"),
        alice.patch(one, json={}, headers={"If-Match": '"x"'}),
        alice.get("/api/v1/auth/me"),
        alice.post("/api/v1/auth/tokens", json={"name": "x", "scopes": ["tasks:read"], "expires_in_days": 1}),
        alice.delete(one),
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 304, 401, 404, 400, 412, 200, 201, 204]
    for answer in answers:
        assert answer.headers.get_list("vary") == ["Authorization"]
        assert answer.headers["cache-control"] in ("private, no-cache", "no-store")


def test_empty_elements_of_a_list_of_tags_are_passed_over(alice: Person) -> None:
    tag = alice.get(f"{TASKS}/{alice.creates()['id']}").headers["etag"]
    assert alice.get(TASKS, headers={"If-None-Match": f', "other",, {tag} ,'}).status_code == 304


def test_a_revision_that_we_never_wrote_matches_nothing(alice: Person) -> None:
    one = f"{TASKS}/{alice.creates()['id']}"
    tag = alice.get(one).headers["etag"]
    prefix, _, revision = tag.strip('"').rpartition(".")
    strange = [
        f"0{revision}",
        f"+{revision}",
        f" {revision}",
        f"{revision}.0",
        "\xb2",
        "",
        "-1",
        str(2**63),
        "9" * 20,
        "9" * 3_900,
    ]
    for written in [*strange, ",".join(strange)[:100]]:
        sent = f'"{prefix}.{written}"'.encode("latin-1")
        expected = 400 if " " in written else 200
        assert alice.get(one, headers={b"If-None-Match": sent}).status_code == expected, written
        assert alice.get(TASKS, headers={b"If-None-Match": sent}).status_code == expected, written
        answer = alice.patch(one, json={"title": "x"}, headers={b"If-Match": sent})
        assert answer.status_code == (400 if " " in written else 412), written
    assert alice.get(one, headers={"If-None-Match": tag}).status_code == 304


def test_many_tags_are_one_set(alice: Person) -> None:
    one = f"{TASKS}/{alice.creates()['id']}"
    tag = alice.get(one).headers["etag"]
    prefix, _, revision = tag.strip('"').rpartition(".")
    many = ", ".join(f'"{prefix}.{number}"' for number in range(int(revision) + 2) if number < 40) + f", {tag}, {tag}"
    assert alice.patch(one, json={"title": "x"}, headers={"If-Match": many}).status_code == 200
    assert alice.get(one, headers={"If-None-Match": ",".join(['"x"'] * 1_000)}).status_code == 200
    assert invalid_fields(alice.get(one, headers={"If-None-Match": ",".join(['"x"'] * 2_000)})) == ["if-none-match"]


@pytest.mark.parametrize("spelling", ["urn:uuid:{}", "%7B{}%7D", "bare"])
def test_an_id_has_one_spelling(alice: Person, spelling: str) -> None:
    def spelt(id_: object) -> str:
        return str(id_).replace("-", "") if spelling == "bare" else spelling.format(id_)

    written = spelt(alice.creates()["id"])
    assert invalid_fields(alice.get(f"{TASKS}/{written}")) == ["task_id"]
    assert invalid_fields(alice.put(f"{TASKS}/{written}", json={"title": "x"}, headers={"If-None-Match": "*"})) == ["task_id"]
    assert_error(alice.get(f"/api/v1/users/{spelt(alice.id)}/tasks"), 404, "user_not_found")


def test_a_slash_that_is_percent_encoded_separates_nothing(alice: Person) -> None:
    assert_error(alice.get("/api/v1%2Ftasks"), 404, "route_not_found")
