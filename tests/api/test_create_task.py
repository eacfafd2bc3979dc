"""POST /tasks."""

from uuid import UUID


from tests.support.cast import Person


def test_it_creates_a_task_and_says_where(alice: Person) -> None:
    answer = alice.post("/api/v1/tasks", json={"title": "buy milk", "description": "two litres"})
    task = answer.json()
    assert answer.status_code == 201
    assert task["title"] == "buy milk"
    assert task["description"] == "two litres"
    assert task["is_completed"] is False
    assert task["completed_at"] is None
    assert task["user_id"] == str(alice.id)
    assert UUID(task["id"]).version == 7
    assert answer.headers["location"] == f"/api/v1/tasks/{task['id']}"
    read = alice.get(answer.headers["location"])
    assert read.json() == task
    assert read.headers["etag"] == answer.headers["etag"]
