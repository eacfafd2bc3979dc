"""`make quick`: of each test at most two of its cases, and none of the tests that take longest. `make test` runs everything."""

from collections import defaultdict

import pytest

CASES = 2

SLOW = (
    "test_address_key.py",
    "test_api_page.py",
    "test_contract.py::test_schemathesis",
    "test_come_back.py",
    "test_every_answer.py",
    "test_keys.py",
    "test_second_face.py",
    "test_stream.py",
    "test_whose_tag.py",
    "test_refresh_law.py",
    "test_state_machine",
    "test_throttle.py",
    "test_paging_law.py",
    "test_stream_served.py",
    "test_through_a_cache.py",
    "test_dated_ahead.py::test_what_was_good_before_is_dead_afterwards_for_good",
    "test_auth_none.py::test_serve_says_loudly_that_there_is_no_sign_in_and_refuses_to_open_it",
    "test_auth_none.py::test_who_is_deleted_starts_anew",
    "test_cors.py::test_the_log_names_what_was_refused_too",
    "test_delete_me.py::test_what_is_asked_for_in_that_moment_leaves_nothing_behind",
    "test_email_addresses.py::test_the_command_line_takes_them_too",
    "test_migrations.py::test_several_processes_at_once_all_succeed_and_one_does_it",
    "test_no_longer_admin.py::test_what_had_the_right_is_ended_for_good",
    "test_scopes.py::test_of_access_tokens_the_one_scope_is_enough",
    "test_scopes.py::test_of_api_tokens_likewise_where_one_is_enough",
    "test_no_longer_admin.py::test_a_sign_in_in_that_very_moment_gets_no_more_than_others",
    "test_outside_issuers.py::test_no_provider_speaks_for_another",
    "test_paging.py::test_whatever_comes_and_goes_between_pages_a_task_that_stays_is_seen_once_and_in_order",
    "test_prefix.py::test_a_server_that_was_told_the_prefix",
    "test_prefix.py::test_a_proxy_that_says_a_bad_prefix_is_in_the_log_once",
    "test_prefix.py::test_behind_nginx_by_the_printed_settings",
    "test_refresh.py::test_ten_at_once_get_one_successor",
    "test_request_ids_and_log.py::test_the_log_keeps_what_is_told_to_it_to_itself",
    "test_scopes.py::test_a_stranger",
    "test_sign_out_everywhere.py::test_who_signs_in_at_once_is_in",
    "test_sign_up_limit.py::test_a_hundred_an_hour_and_then_none_whichever_server_is_asked",
    "test_isolation_of_validators.py",
)
"""Files of tests/, and tests of them: what `--durations` shows first, and what proves a law by hundreds of examples."""


def few(items: list[pytest.Item]) -> tuple[list[pytest.Item], list[pytest.Item]]:
    """Those that a quick run keeps, and those that it leaves out: of each test the first case and the last."""
    cases: dict[str, list[pytest.Item]] = defaultdict(list)
    for item in items:
        cases[item.nodeid.partition("[")[0]].append(item)
    kept = [
        case
        for name, found in cases.items()
        if not name.rpartition("/")[2].startswith(SLOW)
        for case in (found if len(found) <= CASES else [found[0], found[-1]])
    ]
    chosen = set(kept)
    return kept, [item for item in items if item not in chosen]
