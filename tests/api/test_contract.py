"""What /openapi.json says is what the reviewed contract says, and what the application does.

That each single answer conforms is seen to by every other test here: the clients of the cast hold whatever they receive
to the description (tests/support/contract.py).
"""

import base64
import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest

from taskwell.accounts.owner import Owner
from taskwell.database import url
from taskwell.database.connection import Database
from taskwell.records import store
from tests.conftest import settings_for
from tests.support import postgres
from tests.support.cast import Person, password_hash, person
from tests.support.contract import ContractBroken
from tests.support.excepted import EXPECTED_CODES, EXPECTED_OF_OAUTH, EXPECTED_REFUSALS, OPEN_BODIES
from tests.support.server import RunningServer, serve

CONTRACT = Path(__file__).parents[2] / "contracts" / "openapi.json"


def test_the_application_serves_the_reviewed_contract(anonymous: httpx.Client) -> None:
    served = anonymous.get("/openapi.json").json()
    assert json.loads(CONTRACT.read_text()) == served, "if the change is meant: `make openapi`, and review the difference"


def test_every_operation_has_a_short_name_of_its_own_and_a_summary(server: RunningServer) -> None:
    """Generated clients name their functions after it."""
    operations = {
        operation["operationId"]: (path, operation)
        for path, methods in server.app.openapi()["paths"].items()
        for operation in methods.values()
    }
    assert len(operations) == sum(len(methods) for methods in server.app.openapi()["paths"].values())
    assert operations["change_task"][0] == "/api/v1/tasks/{task_id}"
    for name, (path, operation) in operations.items():
        assert re.fullmatch(r"[a-z]+(_[a-z]+){0,4}", name), name
        assert name.endswith("_of_user") == ("{user_id}" in path), name
        assert operation["summary"], name
        assert operation["description"], name
        assert operation["tags"], name


def _envelope(path: str, status: str) -> str:
    if "/oauth/" in path:
        return "OAuthError"
    if status == "412":  # which shows the record that has changed
        nouns = {"/lists": "List", "/labels": "Label", "/batch": "Batch"}
        return f"{next((name for part, name in nouns.items() if part in path), '')}ErrorEnvelope"
    return "ErrorEnvelope"


def test_every_error_is_described_as_the_envelope_or_as_that_of_oauth(server: RunningServer) -> None:
    for path, operations in server.app.openapi()["paths"].items():
        for method, operation in operations.items():
            for status, response in operation["responses"].items():
                if int(status) >= 400:
                    schema = response["content"]["application/json"]["schema"]
                    assert schema == {"$ref": f"#/components/schemas/{_envelope(path, status)}"}, (method, path, status)
            takes_a_key = any(one.get("name", "").lower() == "idempotency-key" for one in operation.get("parameters", ()))
            assert ("422" in operation["responses"]) == takes_a_key, (method, path)


def test_what_is_described_is_all_that_is_shown(server: RunningServer, alice: Person) -> None:
    """A schema lets more properties pass than it names; the application sends none of those."""
    schemas = server.app.openapi()["components"]["schemas"]
    task = alice.creates()
    assert [*task, "progress"] == list(schemas["TaskView"]["properties"])
    assert list(task) == schemas["TaskView"]["required"], "`progress` is there where a read asks for it"
    read = alice.get(f"/api/v1/tasks/{task['id']}?expand=progress").json()
    assert list(read) == list(schemas["TaskView"]["properties"])
    assert list(alice.get("/api/v1/auth/me").json()) == list(schemas["UserView"]["properties"])
    assert list(alice.get("/api/v1/tasks?count=true").json()) == list(schemas["TaskPage"]["properties"])
    assert schemas["TaskPage"]["required"] == list(alice.get("/api/v1/tasks").json())
    for name in ("UserView", "ListPage", "AccessToken", "ErrorEnvelope", "ErrorBody"):
        assert set(schemas[name]["required"]) == set(schemas[name]["properties"]), name
    for name in ("NewTask", "WholeTask", "TaskChanges", "NewAccount"):
        assert schemas[name]["additionalProperties"] is False, name


def test_the_headers_that_are_described_are_sent(server: RunningServer, alice: Person) -> None:
    task = alice.creates()
    path = f"/api/v1/tasks/{task['id']}"
    tag = {"If-None-Match": alice.get(path).headers["etag"]}
    new, at = {"title": "x", "id": str(uuid4())}, f"/api/v1/tasks/{uuid4()}"
    alice.creates()
    for method, template, answer in (
        ("post", "/api/v1/tasks", alice.post("/api/v1/tasks", json=new)),
        ("post", "/api/v1/tasks", alice.post("/api/v1/tasks", json=new)),
        ("get", "/api/v1/tasks", alice.get("/api/v1/tasks?limit=1")),
        (
            "get",
            "/api/v1/tasks",
            alice.get("/api/v1/tasks", headers={"If-None-Match": alice.get("/api/v1/tasks").headers["etag"]}),
        ),
        ("get", "/api/v1/tasks/{task_id}", alice.get(path)),
        ("get", "/api/v1/tasks/{task_id}", alice.get(path, headers=tag)),
        ("put", "/api/v1/tasks/{task_id}", alice.put(path, json={"title": "x"})),
        ("put", "/api/v1/tasks/{task_id}", alice.put(at, json={"title": "x"}, headers={"If-None-Match": "*"})),
        ("patch", "/api/v1/tasks/{task_id}", alice.patch(path, json={})),
        ("get", "/api/v1/auth/me", httpx.get(f"{server.base_url}/api/v1/auth/me", trust_env=False)),
    ):
        described = server.app.openapi()["paths"][template][method]["responses"][str(answer.status_code)].get("headers", {})
        always = described.keys() - {"Idempotency-Replayed"}
        assert always <= {name.title().replace("Etag", "ETag").replace("Www", "WWW") for name in answer.headers}, answer


def test_an_answer_that_is_not_described_is_noticed(server: RunningServer, alice: Person) -> None:
    """The net in which all the other tests hang."""
    good = alice.creates()
    path = f"/api/v1/tasks/{uuid4()}"
    server.contract.check("GET", path, httpx.Response(200, json=good))
    for bad in (
        httpx.Response(418, json=good),
        httpx.Response(200, json={}),
        httpx.Response(200, json=good | {"created_at": "yesterday"}),
        httpx.Response(200, json=good | {"revision": "1"}),
        httpx.Response(200, text="x"),
        httpx.Response(304, text="x"),
        httpx.Response(404, json={"detail": "Not Found"}),
        httpx.Response(404, json={"error": {"code": "api_token_not_found", "message": "x", "details": {}, "request_id": "x"}}),
    ):
        for address in (path, path.replace("/api/v1", "/api"), path.replace("/api/v1", f"/users/{uuid4()}")):
            with pytest.raises(ContractBroken):
                server.contract.check("GET", address, bad)


# ---- Schemathesis --------------------------------------------------------------------------------------------------

CHECKS = (
    "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection", "positive_data_acceptance", "missing_required_header", "unsupported_method",
    "allow_header_conformance",
    "use_after_free", "ensure_resource_availability", "ignored_auth", "object_level_authorization",
)  # fmt: skip


class Finding(NamedTuple):
    check: str
    operation: str
    status: int
    body: Any
    request: str

    def refused(self) -> tuple[tuple[str, str | None, str], ...]:
        """Of which fields the answer says that they are not as they must be, and why: (location, field, code). N is a number."""
        error = self.body.get("error") if isinstance(self.body, dict) else None
        fields = error["details"].get("fields", []) if isinstance(error, dict) else []
        return tuple(
            (field["location"], re.sub(r"\.\d+\b", ".N", field["field"] or "") or None, field["code"]) for field in fields
        )

    def is_expected(self) -> bool:
        if self.status == 413:
            # Lengths in a schema are of characters, of which percent-encoding makes up to twelve bytes.
            return self.check in ("negative_data_rejection", "positive_data_acceptance")
        if self.operation.rpartition("/")[2] in OPEN_BODIES and self.status in (200, 400):
            return self.check in ("negative_data_rejection", "positive_data_acceptance")
        if self.check != "positive_data_acceptance" or not isinstance(self.body, dict):
            return False
        error = self.body["error"]
        if isinstance(error, str):
            return self.status == 400 and error in EXPECTED_OF_OAUTH and "/oauth/" in self.operation
        if self.status == 400 and self.refused():
            return all(field in EXPECTED_REFUSALS for field in self.refused())
        return self.status in (400, 412) and error["code"] in EXPECTED_CODES


class Run(NamedTuple):
    findings: list[Finding]
    passed: Counter[str]  # by check
    probes: Counter[tuple[str, int]]  # one user's read, repeated with the other's token: by operation and answer
    output: str


def schemathesis(server: RunningServer, people: list[Person], folder: Path, *options: str) -> Run:
    """The command line, with all its checks. `peers` is what makes it try each user's tasks as the other."""
    credentials = [
        {"name": name, "fixedHeaders": [{"name": "Authorization", "value": f"Bearer {who.token}"}]}
        for name, who in zip(("alice", "bob"), people, strict=True)
    ]
    (folder / "users.json").write_text(json.dumps({"auth": credentials}))
    (folder / "schemathesis.toml").write_text('[auth.wfc]\npath = "users.json"\npeers = ["alice", "bob"]\n')
    report = folder / "report.ndjson"
    command = [sys.executable, "-W", "ignore", "-m", "schemathesis.cli", "--config-file", "schemathesis.toml"]
    (folder / "openapi.json").write_text(json.dumps(_without_keys(server)))
    command += ["run", "openapi.json", "--url", server.base_url, "--checks", "all", "--workers", "1"]
    command += ["--continue-on-failure", "--no-color"]
    command += ["--no-shrink", "--report", "ndjson", "--report-ndjson-path", str(report), *options]
    command += ["--generation-deterministic"] if os.environ.get("CI") else ["--generation-database", "none"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    findings, passed, probes = [], Counter[str](), Counter[tuple[str, int]]()
    for recorder in _recorders(report):
        cases, interactions = recorder.get("cases", {}), recorder.get("interactions", {})
        for case_id, checks in recorder.get("checks", {}).items():
            for check in checks:
                if check["status"] == "success":
                    passed[check["name"]] += 1
                else:
                    findings.append(_finding(check["name"], cases[case_id]["value"], interactions[case_id]))
        for case_id, case in cases.items():
            parent = cases.get(case.get("parent_id"))
            identity = case["value"].get("auth_identity")
            if parent is not None and identity is not None and identity != parent["value"].get("auth_identity"):
                operation = f"{case['value']['method']} {case['value']['path']}"
                probes[operation, interactions[case_id]["response"]["status_code"]] += 1
    return Run(findings, passed, probes, done.stdout)


def _without_keys(server: RunningServer) -> dict[str, Any]:
    """The few keys that it draws come again, and get an answer about what was deleted since: test_idempotency_key.py has them."""
    document: dict[str, Any] = json.loads(json.dumps(server.app.openapi()))
    for operation in (operation for path in document["paths"].values() for operation in path.values()):
        operation["parameters"] = [one for one in operation.get("parameters", ()) if one["name"] != "idempotency-key"]
    return document


def _recorders(report: Path) -> Iterator[dict[str, Any]]:
    with report.open() as lines:
        for line in lines:
            event = json.loads(line)
            if "ScenarioFinished" in event:
                yield event["ScenarioFinished"]["recorder"]


def _finding(check: str, case: dict[str, Any], interaction: dict[str, Any]) -> Finding:
    response = interaction["response"]
    content = base64.b64decode(response["content"]["$base64"]) if response.get("content") else b""
    try:
        body = json.loads(content)
    except ValueError:
        body = content
    return Finding(
        check, f"{case['method']} {case['path']}", response["status_code"], body, json.dumps(interaction["request"])[:600]
    )


@pytest.fixture
def own_server(own_database: str, tmp_path: Path) -> Iterator[RunningServer]:
    """Apart from all other tests: hundreds of sign-ins that fail make an address wait."""
    with serve(settings_for(own_database, tmp_path)) as running:
        yield running


@pytest.fixture
def two_people(own_server: RunningServer, own_database: str) -> Iterator[list[Person]]:
    """With another password than the examples have: by that one Schemathesis would delete the account, and learn no more."""
    with person(own_server, own_database, "alice") as alice, person(own_server, own_database, "bob") as bob:
        postgres.query(own_database, "UPDATE users SET password_hash = $1", password_hash("said by no example"))
        yield [alice, bob]


def test_schemathesis_finds_nothing_but_what_is_excepted_here_with_a_reason(
    own_server: RunningServer, two_people: list[Person], tmp_path: Path
) -> None:
    examples = "4" if os.environ.get("CI") else "50"
    options = ("--phases", "examples,coverage,fuzzing,stateful", "--max-examples", examples)
    # Once it has signed out everywhere, everything else would be refused; and a stream does not end.
    run = schemathesis(own_server, two_people, tmp_path, *options, "--exclude-path-regex", "sign-out-everywhere|/events$")
    unexpected = [finding for finding in run.findings if not finding.is_expected()]
    one_of_each = {(finding.check, finding.status, finding.refused()): finding for finding in unexpected}
    assert not unexpected, "\n".join(f"{finding}" for finding in one_of_each.values())
    assert all(run.passed[check] for check in CHECKS), run.passed
    # That the other user was really sent for what the first one owns, and sent away.
    reads = ("GET /api/v1/tasks/{task_id}", "GET /api/v1/users/{user_id}/tasks/{task_id}")
    assert any(run.probes[operation, 404] for operation in reads), run.probes
    assert not any(run.probes[operation, 200] for operation in reads), run.probes


def test_schemathesis_would_find_a_task_shown_to_another_user(
    server: RunningServer,
    shared_database: str,
    alice: Person,
    bob: Person,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The check passes without a word where it cannot run; so here is what it must not pass."""
    read = store.read

    async def of_whomever(noun: store.Noun, db: Database, owner: Owner, task_id: UUID) -> store.Rendered:
        connection = await asyncpg.connect(**url.parse(shared_database).arguments())
        try:
            found = await connection.fetchval("SELECT user_id FROM tasks WHERE id = $1", task_id)
        finally:
            await connection.close()
        return await read(noun, db, Owner(found or owner.id, None), task_id)

    monkeypatch.setattr(store, "read", of_whomever)
    options = ("--phases", "fuzzing,stateful", "--max-examples", "15", "--include-path-regex", r"/tasks(/\{task_id\})?$")
    run = schemathesis(server, [alice, bob], tmp_path, *options)
    assert "object_level_authorization" in {finding.check for finding in run.findings}, run.probes
