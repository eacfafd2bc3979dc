"""What Schemathesis finds and is right all the same, each with the reason: tests/api/test_contract.py passes over it."""

OPEN_BODIES = {
    "batch": "400, or 200 with the refusal inside: each `value` is the body of another request, which the schema says in words",
}

EXPECTED_REFUSALS = (
    {
        ("query", "cursor", "cursor_invalid"): "nobody can invent one, and the schema cannot say which there are",
        ("query", "due_before", "value_error"): "a day, a day and a time, or an instant",
        ("query", "due_after", "value_error"): "likewise",
        ("query", "label", "unknown_reference"): "one that there is",
        ("query", "parent_id", "unknown_reference"): "likewise",
        ("query", "updated_since", "timezone_aware"): "a time says its zone",
        ("query", "updated_since", "value_error"): "within the years of Python",
        ("query", "fields", "value_error"): "names of fields with commas between them",
        ("query", "since", "token_invalid"): "a token is ours, and nobody can draw one",
        ("query", "last-event-id", "token_invalid"): "likewise",
        ("query", "list_id", "unknown_reference"): "it has to be theirs",
        ("query", "q", "value_error"): "something in it can be looked for",
        ("header", "if-match", "etag_invalid"): "the schema says text; what an ETag looks like is RFC 9110's",
        ("header", "if-none-match", "etag_invalid"): "likewise",
        ("header", "if-none-match", "condition_invalid"): "a PUT knows only `*` there",
        ("body", "title", "value_error"): "no blank title and no U+0000, which JSON Schema cannot say portably",
        ("body", "description", "value_error"): "no U+0000",
        ("body", "display_name", "value_error"): "not blank, no U+0000",
        ("body", "email", "value_error"): "the format `email` allows addresses that no mail server would take",
        ("body", "password", "missing"): "which fields the form needs depends on `grant_type`",
        ("body", "email", "missing"): "a password with no address beside it",
        ("body", "password", "value_error"): "the limit is in bytes, JSON Schema counts characters",
        ("body", "username", "value_error"): "no U+0000",
        ("body", "name", "value_error"): "not blank, no U+0000",
        ("body", "labels", "value_error"): "no label twice, in whichever case",
        ("body", "labels.N", "value_error"): "not blank, no U+0000",
        ("body", "changes.labels.N", "value_error"): "likewise",
        ("query", "label.N", "value_error"): "likewise",
        ("body", "reminders.N", "value_error"): "either `at` or `minutes_before`",
        ("body", "reminders.N.at", "value_error"): "a moment within the years of Python, of no leap second",
        ("query", "format", "format_unknown"): "the file says of itself what it is",
        ("query", "merge", "not_here"): "a label that is created is merged with none",
        ("body", None, "unreadable"): "a file of one of the formats",
        ("body", None, "value_error"): "either `ids` or a `filter`",
        ("body", "filter", "value_error"): "it names something",
        ("body", "occurrence", "value_error"): "a day that there is",
        ("body", "recurrence", "needs_due"): "the day of which a rule is counted",
        ("body", "recurrence.rule", "value_error"): "a rule of RFC 5545 that has a day",
        ("body", "changes.title", "value_error"): "as of one task",
        ("body", "changes.labels", "value_error"): "likewise",
        ("body", "start.date", "value_error"): "a day that there is",
        ("body", "due.date", "value_error"): "likewise",
        ("body", "reminders", "needs_due"): "`minutes_before` a due date",
        ("body", "start", "after_due"): "not after the due date",
        ("body", "after", "not_with_before"): "one neighbour",
        ("body", "list_id", "not_the_parents_list"): "a subtask is in the list of its parent",
        ("body", "time_zone", "value_error"): "it must be one that there is",
        ("body", "username", "missing"): "a form for several grants: which fields it needs depends on `grant_type`",
        ("body", "refresh_token", "missing"): "likewise",
        ("body", "scope", "scope_unknown"): "words with spaces between them",
        ("body", "current_password", "value_error"): "the limit is in bytes",
        ("body", "new_password", "value_error"): "likewise",
    }
    | {
        ("body", name, "int_type"): "1.0 is an integer to JSON Schema, and not to us"
        for name in (
            "progress.all",
            "progress.done",
            "reminders.N.minutes_before",
            "task_count",
            "open_count",
            "expires_in_days",
            "revision",
        )
    }
    | {("body", name, "unknown_reference"): "it has to be theirs" for name in ("list_id", "parent_id", "before", "after")}
    | {
        ("body", name, "unknown_reference"): "it has to be theirs"
        for name in ("changes.list_id", "filter.list_id", "filter.parent_id")
    }
    | {
        ("body", f"{when}{part}", "value_error"): "a day and a time that there are, in a zone that there is"
        for when in ("due", "start", "changes.due")
        for part in ("", ".date", ".time", ".time_zone")
    }
    | {
        ("body", name, "read_only"): "it has to be what is stored, if it comes back"
        for name in (
            "id",
            "user_id",
            "created_at",
            "updated_at",
            "completed_at",
            "revision",
            "etag",
            "is_admin",
            "email",
        )
    }
)
"""Requests that the schema allows and that are refused all the same, by their field and code, and why that is right."""

EXPECTED_CODES = {
    "task_changed": "412: the tag that it drew is not the task's; Schemathesis does not count 412 as an answer to a good request",
    "task_exists": "412: `If-None-Match: *` at the id of a task that is there",
    "import_refused": "400: what it drew is no file of tasks",
    "list_changed": "as of a task",
    "list_exists": "as of a task",
    "label_changed": "as of a task",
    "label_exists": "as of a task",
}

EXPECTED_OF_OAUTH = {
    "invalid_grant": "400, as RFC 6749 has it: what it drew is nobody's password, and no refresh token",
    "invalid_scope": "words with spaces between them",
    "invalid_request": "what a form needs depends on `grant_type`, a password is limited in bytes, nothing comes twice",
}
