"""Makes of what a reader gives what can be written: checked by the model of a request, and at an id that is always the same.

An id follows from the user, the format and the key of the record in its file, so that the same file makes nothing twice. The ids
of Taskwell's own export stay as they are.
"""

import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import NAMESPACE_URL, UUID, uuid5

from pydantic import BaseModel, ValidationError

from taskwell.errors import InvalidInput
from taskwell.labels.statements import LABEL
from taskwell.lists.statements import LIST
from taskwell.records.kinds import Kind
from taskwell.tasks.occurrences.importing import NewOccurrence
from taskwell.tasks.requests import NewTask
from taskwell.tasks.statements import TASK
from taskwell.tasks.tables import OccurrenceView
from taskwell.tasks.writing import refuse_unfit
from taskwell.transfer.foreign import ForeignRecord, Item, LeftOut, RecordKind
from taskwell.transfer.formats import FormatName
from taskwell.transfer.report import Report
from taskwell.transfer.text import moment
from taskwell.types import message_of, name_key, read_id


class Form(NamedTuple):
    """What a record of a kind is made from."""

    new: type[BaseModel]
    content: Collection[str]
    references: Mapping[str, RecordKind]
    shown: Collection[str]


def _form(kind: Kind, named: Mapping[str, RecordKind]) -> Form:
    return Form(kind.new, kind.content.names, named, kind.view.model_fields)


FORMS: Final[Mapping[RecordKind, Form]] = {
    "list": _form(LIST, {}),
    "label": _form(LABEL, {}),
    "task": _form(TASK, {"list_id": "list", "parent_id": "task"}),
    "occurrence": Form(NewOccurrence, NewOccurrence.model_fields, {"task_id": "task"}, OccurrenceView.model_fields),
}
_MAY_GO: Final = ("recurrence", "reminders")
"""Of another program's task, what these say can be beyond what Taskwell does. The task goes in without them, and that is said."""


class Candidate(NamedTuple):
    kind: RecordKind
    line: int
    id: UUID
    new: BaseModel
    created_at: datetime | None
    completed_at: datetime | None

    def kept(self) -> bytes:
        """One line, from which `from_kept` makes the same once more."""
        times = [None if time is None else time.isoformat() for time in (self.created_at, self.completed_at)]
        new = self.new.model_dump_json(exclude_unset=True, by_alias=True)
        return json.dumps([self.kind, self.line, str(self.id), new, *times]).encode() + b"\n"


def from_kept(raw: bytes) -> Candidate:
    name, line, record_id, new, created_at, completed_at = json.loads(raw)
    checked = FORMS[name].new.model_validate_json(new)
    return Candidate(name, line, UUID(record_id), checked, moment(created_at), moment(completed_at))


class Checked:
    """Checks items against the models. What cannot be written goes into the report, and only there."""

    def __init__(self, owner: UUID, format_: FormatName, report: Report) -> None:
        self._format = format_
        self._namespace = uuid5(uuid5(NAMESPACE_URL, "taskwell:import"), f"{owner}/{format_}")
        self._report = report

    def each(self, items: Iterator[Item]) -> Iterator[Candidate]:
        for item in items:
            if isinstance(item, ForeignRecord):
                found = self._candidate(item)
                if found is not None:
                    yield found
            elif isinstance(item, LeftOut):
                self._report.leave_out(item.line, item.what)
            else:
                self._report.refuse(item.line, None, "unreadable", item.message)

    def _id(self, kind: str, key: str) -> UUID:
        if self._format == "taskwell":
            with suppress(ValueError):
                return read_id(key)
        return uuid5(self._namespace, f"{kind}:{key}".encode("utf-8", "backslashreplace").decode())

    def _candidate(self, record: ForeignRecord) -> Candidate | None:
        for what in record.left_out:
            self._report.leave_out(record.line, what)
        form = FORMS[record.kind]
        content = self._content(form, record)
        new = self._checked(form, record, content)
        if new is None:
            return None
        record_id = self._id(record.kind, record.key)
        return Candidate(record.kind, record.line, record_id, new, moment(record.created_at), moment(record.completed_at))

    def _content(self, form: Form, record: ForeignRecord) -> dict[str, Any]:
        """What of the record is content of this kind; the rest is said, unless it says nothing."""
        known = form.content
        refers = {field: str(self._id(form.references[field], key)) for field, key in record.refers.items() if field in known}
        content = {name: value for name, value in record.content.items() if name in known}
        for name, value in {**record.content, **record.refers}.items():
            if name in known or not value or value == "none":
                continue
            if self._format == "taskwell" and name not in form.shown:
                content[name] = value  # which the model refuses
            else:
                self._report.leave_out(record.line, name)
        if self._format != "taskwell" and isinstance(content.get("labels"), list):
            content["labels"] = list({name_key(str(name)): name for name in reversed(content["labels"])}.values())[::-1]
        return content | refers

    def _unfit(self, new: BaseModel) -> str | None:
        """The field for which a request that says the same is refused."""
        try:
            if isinstance(new, NewTask):
                refuse_unfit(new)
        except InvalidInput as error:
            field: dict[str, str] = error.details["fields"][0]
            # Of our own tasks the others are stored on purpose: to move the due alone is allowed.
            if self._format != "taskwell" or field["code"] == "needs_due":
                return field["field"]
        return None

    def _checked(self, form: Form, record: ForeignRecord, content: dict[str, Any]) -> BaseModel | None:
        while True:
            try:
                # As a request: the model is strict, and JSON's types are what it is strict about.
                new = form.new.model_validate_json(json.dumps(content))
            except ValidationError as error:
                problem = error.errors(include_url=False, include_context=False, include_input=False)[0]
            else:
                unfit = self._unfit(new)
                if unfit is None:
                    return new
                # A reminder at a moment needs no due.
                content[unfit] = [one for one in content[unfit] if one.get("at")] if unfit == "reminders" else None
                self._report.leave_out(record.line, f"{unfit} without a due date that goes with it")
                continue
            field = str(problem["loc"][0]) if problem["loc"] else None
            if self._format != "taskwell" and field in _MAY_GO and field in content:
                del content[field]
                self._report.leave_out(record.line, f"{field} of a form that is not known here")
                continue
            if field is None:
                self._report.refuse(record.line, None, "unreadable", "holds text that is not UTF-8")
            else:
                name = field if field in form.new.model_fields else None
                self._report.refuse(record.line, name, problem["type"], message_of(problem))
            return None
