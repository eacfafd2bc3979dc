"""`make quick`: of each test one of its cases, and none of the tests that take longest. `make test` runs everything."""

from collections import defaultdict

import pytest

SLOW = (
    "test_address_key.py",
    "test_api_page.py",
    "test_auth_none.py::test_serve_says_loudly_that_there_is_no_sign_in_and_refuses_to_open_it",
    "test_auth_none.py::test_somebody_who_has_nothing_yet_hears_of_their_first_write",
    "test_auth_none.py::test_tasks_without_a_name_are_one_local_users",
    "test_auth_none.py::test_who_is_deleted_starts_anew",
    "test_bad_input.py::test_no_user_id_is_taken_that_is_not_one",
    "test_bad_messages.py::test_a_body_that_never_ends_is_ended",
    "test_batch_law.py",
    "test_change_password.py::test_a_sign_in_by_the_old_password_in_that_moment_does_not_outlive_it",
    "test_change_password.py::test_nor_does_who_guesses_keep_anybody_else_from_changing_theirs",
    "test_changes_wait.py",
    "test_come_back.py",
    "test_contract.py::test_schemathesis",
    "test_cors.py::test_the_log_names_what_was_refused_too",
    "test_dated_ahead.py",
    "test_delete_me.py::test_what_is_asked_for_in_that_moment_leaves_nothing_behind",
    "test_email_addresses.py::test_the_command_line_takes_them_too",
    "test_events.py::test_a_sign_in_that_ends_takes_its_streams_along",
    "test_events.py::test_a_ticket_",
    "test_events.py::test_who_has_signed_out_hears_no_more_and_gets_no_ticket",
    "test_every_answer.py",
    "test_flat_plans.py",
    "test_folded.py",
    "test_idempotency_key.py::test_a_key_that_is_at_work_here_is_told_so",
    "test_idempotency_key.py::test_a_write_while_the_users_row_is_locked_elsewhere_is_told_so_within_a_moment",
    "test_isolation_of_validators.py",
    "test_keys.py",
    "test_migrations.py",
    "test_migrations.py::test_several_processes_at_once_all_succeed_and_one_does_it",
    "test_move.py::test_hundreds_of_moves_between_the_same_two_stay_right",
    "test_no_longer_admin.py::test_a_sign_in_in_that_very_moment_gets_no_more_than_others",
    "test_no_longer_admin.py::test_what_had_the_right_is_ended_for_good",
    "test_outside_issuers.py",
    "test_outside_withdrawn_keys.py::test_a_token_that_is_held_until_its_time_is_looked_at_again_then",
    "test_paging.py::test_whatever_comes_and_goes_between_pages_a_task_that_stays_is_seen_once_and_in_order",
    "test_paging_law.py",
    "test_password_forms.py::test_every_space_and_every_composition_is_one",
    "test_positions.py::test_some_hundreds_between_the_same_two_need_no_more_than_a_key_has",
    "test_prefix.py",
    "test_queries.py",
    "test_queue_of_sets.py",
    "test_reads_in_sets.py",
    "test_recurrence_rules.py",
    "test_refresh.py::test_ten_at_once_get_one_successor",
    "test_refresh_law.py",
    "test_replicas.py",
    "test_request_ids_and_log.py::test_the_log_keeps_what_is_told_to_it_to_itself",
    "test_restore_law.py",
    "test_restore_list.py::test_a_list_of_many_tasks_comes_back_whole",
    "test_scopes.py::test_a_stranger",
    "test_scopes.py::test_of_access_tokens_the_one_scope_is_enough",
    "test_scopes.py::test_of_api_tokens_likewise_where_one_is_enough",
    "test_second_face.py",
    "test_shapes.py::test_threads_that_ask_at_once_get_the_same_statement",
    "test_sign_out_everywhere.py::test_who_signs_in_at_once_is_in",
    "test_sign_up_limit.py::test_a_hundred_an_hour_and_then_none_whichever_server_is_asked",
    "test_state_machine",
    "test_stream.py",
    "test_stream_served.py",
    "test_throttle.py",
    "test_through_a_cache.py",
    "test_whose_tag.py",
    "test_writes_in_sets.py",
)
"""Files of tests/, and tests of them: what `--durations` shows first, and what proves a law by hundreds of examples."""


def few(items: list[pytest.Item]) -> tuple[list[pytest.Item], list[pytest.Item]]:
    """Those that a quick run keeps, and those that it leaves out: of each test its first case."""
    cases: dict[str, list[pytest.Item]] = defaultdict(list)
    for item in items:
        cases[item.nodeid.partition("[")[0]].append(item)
    kept = [found[0] for name, found in cases.items() if not name.rpartition("/")[2].startswith(SLOW)]
    chosen = set(kept)
    return kept, [item for item in items if item not in chosen]
