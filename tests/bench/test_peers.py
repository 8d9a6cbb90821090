"""The pure parts of the comparison with peers; no peer is started here."""

import argparse
import asyncio
import json
import math
import os
import urllib.request
from pathlib import Path

import pytest
from bench import application
from bench.choosing import parser
from bench.failing import BenchFailed
from bench.peers import comparing, dbos_side, packages, restate_side
from bench.peers.collector import ENDPOINT, collecting
from bench.peers.counting import Found, Stretch, effects, median, orders, ratio
from bench.peers.killing import Killed, repeated
from bench.peers.theirs import steps
from bench.peers.theirs.loading import Door, Load

from penstock.declare.call import Call
from penstock.declare.tools import Tool

CALL = Call("call", 1, "run", "local", "app:local")


def stretch(runs: int, seconds: float, server_s: float = 1.0) -> Stretch:
    return Stretch(
        [float(each) for each in range(1, runs + 1)], seconds, {"server": server_s, "load": 0.5}, 0.1
    )


def test_a_call_with_three_lines_is_one_repeated_effect_and_two_lines_too_many() -> None:
    found = effects(["a/update", "b/update", "a/update", "a/update", ""], expected=3)
    assert (found.happened, found.repeated, found.repeated_lines, found.lost) == (2, 1, 2, 1)


def test_no_repetition_is_none() -> None:
    found = effects([f"{each}/notify\n" for each in range(400)], expected=400)
    assert (found.repeated, found.repeated_lines, found.lost) == (0, 0, 0)


def test_more_calls_than_there_were_are_no_figure() -> None:
    with pytest.raises(BenchFailed, match="3 calls"):
        effects(["a", "b", "c"], expected=2)


def test_repeated_effects_are_told_a_kill() -> None:
    kills = [Killed(1, effects(["a", "a", "b"], 2), 0, 1.0), Killed(1, effects(["a", "b"], 2), 3, 1.0)]
    assert repeated(kills) == 0.5


def test_the_ratio_is_to_the_best_peer_whoever_that_is() -> None:
    assert ratio({"ours": 300.0, "dbos": 50.0, "restate": 150.0}, "ours") == (2.0, "restate")
    assert ratio({"ours": 100.0, "dbos": 200.0, "restate": 150.0}, "ours") == (0.5, "dbos")


@pytest.mark.parametrize(
    "given", [{"ours": 3.0}, {"ours": 0.0, "dbos": 1.0}, {"ours": math.nan, "dbos": 1.0}, {}]
)
def test_there_is_no_ratio_without_somebody_to_compare_with(given: dict[str, float]) -> None:
    with pytest.raises(BenchFailed):
        ratio(given, "ours")


def test_everybody_is_first_once_in_as_many_rounds() -> None:
    rounds = orders(("ours", "dbos", "restate"), 3)
    assert {turn[0] for turn in rounds} == {"ours", "dbos", "restate"}
    assert all(sorted(turn) == ["dbos", "ours", "restate"] for turn in rounds)


def test_a_round_that_others_disturbed_doesnt_make_the_figure() -> None:
    found = Found(alone=[stretch(4, 1)], under_load=[stretch(100, 1), stretch(10, 1), stretch(90, 1, 2.0)])
    figures = found.figures()
    assert figures["runs_per_s"] == 90
    assert figures["cpu_ms_per_run"] == pytest.approx(2500 / 90)
    assert (figures["alone_p50_ms"], figures["alone_p95_ms"]) == (2.0, 4.0)
    assert found.cpu_by_process()["server"] == pytest.approx(2000 / 90)


def test_the_median_of_nothing_is_no_number() -> None:
    assert math.isnan(median([]))


def test_the_line_ends_with_the_ratio() -> None:
    found = {name: Found([stretch(4, 1)], [stretch(runs, 1)]) for name, runs in (("ours", 90), ("dbos", 30))}
    kills = {"ours": [Killed(1, effects(["a"], 1), 0, 1.0)], "dbos": []}
    figures = comparing._figures(found, kills, {"settings": {}}, rounds=1)
    assert figures.text().endswith(" ratio=3")
    assert figures.details["best_peer"] == "dbos"
    assert figures.line["ours_repeated_effects"] == 0
    assert "dbos_repeated_effects" not in figures.line
    json.dumps(figures.details)


def test_without_us_there_is_no_ratio_but_figures() -> None:
    figures = comparing._figures(
        {"dbos": Found([stretch(4, 1)], [stretch(30, 1)])}, {"dbos": []}, {}, rounds=1
    )
    assert "ratio" not in figures.line
    assert figures.line["dbos_runs_per_s"] == 30


def test_peers_can_be_chosen_and_left_out() -> None:
    chosen: argparse.Namespace = parser().parse_args(["peers", "--quick", "--only", "ours", "--kills", "1"])
    assert (chosen.only, chosen.kills, chosen.in_flight) == (["ours"], 1, 150)


def test_the_peers_steps_carry_the_same_payloads_as_ours() -> None:
    facts = steps.read_case("B-1")
    policy = steps.look_up_policy("disputed")
    drafted = steps.draft(facts, policy)
    assert facts == called(application.read_case, case_id="B-1")
    assert policy == called(application.look_up_policy, query="disputed")
    assert drafted == called(application.draft, facts=facts, policy=policy)
    update = steps.update_of("B-1", drafted)
    assert steps.update_case("run", update) == called(application.update_case, **update)
    letter = drafted["letter"]
    assert steps.notify("run", "B-1", letter) == called(application.notify, case_id="B-1", letter=letter)


def test_reviews_are_asked_for_with_the_same_input() -> None:
    from bench.casework import review_input

    assert steps.case(7) == review_input(7)


def test_what_is_pinned_is_pinned_exactly() -> None:
    versions = packages.versions()
    assert {"dbos", "restate-sdk", "@restatedev/restate-server"} <= versions.keys()
    assert all(version[0].isdigit() for version in versions.values())


def test_as_installed_sets_nothing() -> None:
    assert not dbos_side.INSTALLED.config
    assert not dbos_side.INSTALLED.queue
    assert not restate_side.INSTALLED.server
    assert not restate_side.INSTALLED.hypercorn


def test_a_missing_installer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(BenchFailed, match="npm"):
        packages._program("npm")


def test_a_package_that_cant_be_had_is_no_figure_but_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packages, "HOME", tmp_path)
    with pytest.raises(BenchFailed, match="DBOS can't be had"):
        packages._run("DBOS", ["/bin/sh", "-c", "echo no such package >&2; exit 1"])


class Kept:
    """A peer that ends a review when it was answered."""

    def __init__(self) -> None:
        self.door = Door(self)
        self.waiting: dict[str, asyncio.Future[None]] = {}
        self.at_once = 0

    async def review(self, number: int) -> dict[str, object]:
        run_id = str(number)
        answered = self.waiting[run_id] = asyncio.get_running_loop().create_future()
        self.at_once = max(self.at_once, len(self.waiting))
        self.door._hear("ask", run_id, run_id)
        await answered
        del self.waiting[run_id]
        return {"case_id": f"B-{number}"}

    async def answer(self, run_id: str, token: str) -> None:
        self.waiting[token].set_result(None)

    def ended(self, run_id: str) -> None:
        raise AssertionError(run_id)


def test_the_load_has_so_many_in_flight_and_sees_all_end() -> None:
    async def loaded() -> tuple[Kept, dict[str, object]]:
        kept = Kept()
        return kept, await Load(kept, kept.door).run(20, 4, 60)

    kept, told = asyncio.run(loaded())
    latencies = told["latencies_ms"]
    assert isinstance(latencies, list)
    assert (len(latencies), kept.at_once) == (20, 4)


def test_held_reviews_are_answered_only_when_they_are_released() -> None:
    async def held() -> tuple[int, dict[str, object]]:
        kept = Kept()
        load = Load(kept, kept.door)
        await load.hold(5)
        return len(kept.waiting), await load.release()

    assert asyncio.run(held()) == (5, {"ended": 5})


def test_an_answer_that_fails_fails_the_load() -> None:
    class Broken(Kept):
        async def answer(self, run_id: str, token: str) -> None:
            await super().answer(run_id, token)
            raise ConnectionError("no way")

    async def loaded() -> None:
        broken = Broken()
        await Load(broken, broken.door).run(1, 1, 60)

    with pytest.raises(ConnectionError):
        asyncio.run(loaded())


def test_the_collector_takes_what_is_exported_to_it_and_names_itself_only_in_its_block() -> None:
    with collecting() as collector:
        with collector.named():
            url = os.environ[ENDPOINT]
        assert os.environ.get(ENDPOINT) != url
        for _ in range(2):
            urllib.request.urlopen(f"{url}/v1/metrics", b"metrics", timeout=5).close()
        assert collector.exports == {"/v1/metrics": 2}


def called(declared: Tool[object], **arguments: object) -> object:
    return declared.function(CALL, **arguments)
