"""What `python -m bench` concludes from its rounds."""

from typing import Any

import pytest

from bench.against import AFTER, AGAIN, BEFORE, verdict, worse
from bench.goals import BESIDE, MIX, judge
from bench.pairs import cpu, ratio, requests

EVEN = [100.0, 100.0, 100.0]


def _runs(cpus: list[float], rps: list[float] | None = None) -> list[dict[str, Any]]:
    each = zip(cpus, rps or [1000.0] * len(cpus), strict=True)
    return [{"server_us": us / 2, "postgres_us": us / 2, "rps": per_second, "p95": 10.0} for us, per_second in each]


def _against(after: list[float], again: list[float], *, starts: float = 100.0) -> dict[str, Any]:
    peers = {
        name: {"workloads": {"list@64": {"runs": _runs(cpus)}}, "starts": [{"us": start}] * 3}
        for name, cpus, start in ((BEFORE, EVEN, 100.0), (AFTER, after, starts), (AGAIN, again, 100.0))
    }
    return {"peers": peers}


def test_a_ratio_is_taken_within_each_round() -> None:
    # The machine became three times slower after the first round: no ratio sees it.
    found = ratio(_runs([50.0, 150.0, 150.0]), _runs([100.0, 300.0, 300.0]), cpu)
    assert found == (0.5, 0.5, 0.5)


def test_a_ratio_has_its_least_and_its_greatest() -> None:
    found = ratio(_runs(EVEN, [1500.0, 900.0, 1200.0]), _runs(EVEN), requests)
    assert str(found) == "1.20 (0.90 to 1.50)"


def test_a_ratio_to_nothing_is_none() -> None:
    assert ratio(_runs(EVEN), _runs([0.0, 100.0, 100.0]), cpu) is None


@pytest.mark.parametrize("after", [[103.0] * 3, [80.0, 90.0, 100.0], [100.0, 103.0, 150.0]])
def test_what_is_within_three_per_cent_is_not_worse(after: list[float]) -> None:
    assert "**Reached**" in verdict(_against(after, EVEN))


def test_what_is_beyond_is_named() -> None:
    said = verdict(_against([104.0] * 3, EVEN))
    assert "**Not reached**" in said
    assert "list@64 1.04 (at most 1.03)" in said


@pytest.mark.parametrize("again", [[110.0, 100.0, 100.0], [100.0, 100.0, 90.0]])
def test_noise_widens_the_limit_whichever_of_the_same_came_first(again: list[float]) -> None:
    assert worse(_against([112.0] * 3, again)) == []
    assert [one.name for one in worse(_against([116.0] * 3, again))] == ["list@64"]


def test_too_much_noise_is_said() -> None:
    assert "too busy" in verdict(_against(EVEN, [120.0, 100.0, 100.0]))
    assert "too busy" not in verdict(_against(EVEN, [105.0, 100.0, 100.0]))


def test_a_slower_start_is_worse() -> None:
    assert [one.name for one in worse(_against(EVEN, EVEN, starts=105.0))] == ["start of a worker"]


def _report(distance: float, p95: float, rps: float) -> dict[str, Any]:
    ours = {"runs": _runs(EVEN, [rps] * 3), "p95": p95, "errors": 0}
    peers = {
        "taskwell": {"workloads": {"mix@1000": ours, "list@1000": ours}},
        "fastify-equal": {"workloads": {"list@1000": {"runs": _runs(EVEN)}}},
    }
    return {"options": {"distance": distance}, "peers": peers}


@pytest.mark.parametrize(("rps", "reached"), [(1549.0, False), (1551.0, True)])
def test_a_goal_is_judged_by_the_ratio(rps: float, *, reached: bool) -> None:
    goals = {goal.text: goal.reached for goal in judge(_report(0, 100.0, rps))}
    assert goals["list @1,000: at least 1.55 times fastify-equal's requests/s"] is reached


def test_a_goal_for_one_distance_is_not_judged_at_another() -> None:
    texts = {goal.text: goal.reached for goal in judge(_report(5, 199.0, 2000.0))}
    mix = [reached for text, reached in texts.items() if text.startswith("the mix @1,000, closed loop")]
    assert mix == [None, None, True, None]
    assert len(mix) == len(MIX)
    assert [reached for text, reached in texts.items() if "fastify-equal's requests/s" in text] == [None] * 10


def test_every_ratio_of_the_goals_is_of_a_workload_that_exists() -> None:
    texts = [goal.text for goal in judge(_report(0, 100.0, 1000.0))]
    assert len(texts) == len(set(texts)) >= len(BESIDE)
