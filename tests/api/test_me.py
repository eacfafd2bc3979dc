"""GET /auth/me."""

import httpx

from tests.support import postgres
from tests.support.cast import Person
from tests.support.errors import assert_error, invalid_fields

ME = "/api/v1/auth/me"


def test_it_says_who_one_is(alice: Person, carol: Person) -> None:
    answer = alice.get(ME)
    user = answer.json()
    assert answer.status_code == 200
    assert list(user) == ["id", "email", "display_name", "time_zone", "is_admin", "created_at"]
    assert (user["id"], user["email"], user["display_name"], user["is_admin"]) == (str(alice.id), alice.email, "Alice", False)
    assert user["time_zone"] == "UTC"
    assert carol.get(ME).json()["is_admin"] is True
    assert alice.head(ME).status_code == 200


def test_it_says_nothing_to_who_is_not_signed_in(anonymous: httpx.Client, alice: Person) -> None:
    answer = anonymous.get(ME)
    assert_error(answer, 401, "token_missing")
    assert answer.headers["www-authenticate"] == 'Bearer realm="taskwell"'
    answer = anonymous.get(ME, headers={"Authorization": f"Bearer {alice.token[:-4]}AAAA"})
    assert_error(answer, 401, "token_invalid")
    assert answer.headers["www-authenticate"] == 'Bearer realm="taskwell", error="invalid_token"'


def test_another_scheme_is_no_token(anonymous: httpx.Client, alice: Person) -> None:
    for header in (f"Basic {alice.token}", alice.token, f"Token {alice.token}", "", "Bearer"):
        assert anonymous.get(ME, headers={"Authorization": header}).status_code == 401, header


def test_the_scheme_may_be_written_in_any_case(anonymous: httpx.Client, alice: Person) -> None:
    for scheme in ("bearer", "BEARER", "Bearer "):
        assert anonymous.get(ME, headers={"Authorization": f"{scheme} {alice.token}"}).status_code == 200


def test_two_tokens_are_none(anonymous: httpx.Client, alice: Person, bob: Person) -> None:
    for tokens in ((alice.token, bob.token), (alice.token, alice.token)):
        answer = anonymous.get(ME, headers=[("Authorization", f"Bearer {token}") for token in tokens])
        assert_error(answer, 401, "token_invalid")


def test_a_disabled_account_is_refused_at_once_and_let_in_again(alice: Person, shared_database: str) -> None:
    postgres.query(shared_database, "UPDATE users SET disabled_at = now() WHERE id = $1", alice.id)
    assert_error(alice.get(ME), 401, "account_unusable")
    postgres.query(shared_database, "UPDATE users SET disabled_at = NULL WHERE id = $1", alice.id)
    assert alice.get(ME).status_code == 200


def test_a_token_from_before_a_sign_out_is_refused(alice: Person, shared_database: str) -> None:
    postgres.query(shared_database, "UPDATE users SET tokens_valid_after = clock_timestamp() WHERE id = $1", alice.id)
    assert_error(alice.get(ME), 401, "account_unusable")


def test_a_query_is_refused(alice: Person) -> None:
    assert invalid_fields(alice.get(f"{ME}?user_id={alice.id}")) == ["user_id"]
