"""The policy index on a real Postgres: search, and loading that is idempotent and all or nothing."""

import re
import shutil
from datetime import date
from pathlib import Path

import psycopg
import pytest

from penstock.examples.casework import grounds
from penstock.examples.casework.desk import Desk
from penstock.examples.casework.grounds import Ground
from penstock.examples.casework.pages import PolicyMalformed, read_pages
from penstock.examples.casework.policy import MANUAL, load_policy, policy_folder
from penstock.runtime.postgres import connect

GROUNDS = [value for value in vars(grounds).values() if isinstance(value, Ground)]


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("how many days does the consumer have to report an error after the statement", "dp-2-1"),
        ("the ATM gave me too little cash", "dp-1-4"),
        ("provisional credit for a new account", "dp-3-2"),
        ("how long may an investigation of a point-of-sale purchase take", "dp-4-2"),
        ("liability of a consumer who fails to notify the bank of a theft in time", "dp-5-2"),
        ("who decides about large amounts", "dp-8-1"),
        ("elderly victim deceived into paying, family member as carer", "dp-10-1"),
        ("goods never delivered by the merchant", "dp-11-1"),
        ("may a letter quote what the consumer wrote", "dp-12-2"),
    ],
)
def test_a_question_finds_its_paragraph_among_the_first_three(
    manual_desk: Desk, query: str, wanted: str
) -> None:
    assert wanted in [hit.id for hit in manual_desk.policy.search(query, 3)]


def test_a_hit_carries_what_a_citation_needs(manual_desk: Desk) -> None:
    (hit,) = manual_desk.policy.search("fraud ring", 1)
    assert hit.id == "dp-9-1"
    assert hit.title == "Suspected fraud rings"
    assert hit.effective_date == date(2025, 2, 10)
    assert hit.index_version == manual_desk.policy.current_version()
    assert re.fullmatch(r"[0-9a-f]{16}", hit.index_version)
    assert hit.rank > 0


def test_hits_are_ranked_and_at_most_k(manual_desk: Desk) -> None:
    hits = manual_desk.policy.search("provisional credit of the account", 5)
    assert len(hits) == 5
    assert [hit.rank for hit in hits] == sorted((hit.rank for hit in hits), reverse=True)


def test_each_line_of_a_query_has_its_share(manual_desk: Desk) -> None:
    alone = [manual_desk.policy.search(line, 1)[0].id for line in ("fraud ring", "ATM cash", "carer")]
    together = [hit.id for hit in manual_desk.policy.search("fraud ring\nATM cash\n\ncarer", 3)]
    assert together == alone


def test_a_paragraph_found_by_two_lines_comes_once(manual_desk: Desk) -> None:
    hits = [hit.id for hit in manual_desk.policy.search("fraud ring\nsuspected fraud ring", 10)]
    assert hits[0] == "dp-9-1"
    assert len(hits) == len(set(hits))


@pytest.mark.parametrize(
    "query", ["", "the of and", "xyzzy", "'; drop table casework.cases; --", "a:* & !b | (c"]
)
def test_a_query_without_a_known_word_finds_nothing_or_little_and_never_fails(
    manual_desk: Desk, query: str
) -> None:
    assert len(manual_desk.policy.search(query, 5)) <= 5


def test_nothing_found_is_an_empty_answer(manual_desk: Desk) -> None:
    assert manual_desk.policy.search("xyzzy", 5) == ()


@pytest.mark.parametrize("k", [0, -1, 51])
def test_a_senseless_number_of_hits_is_refused(manual_desk: Desk, k: int) -> None:
    with pytest.raises(ValueError, match="1 to 50"):
        manual_desk.policy.search("credit", k)


@pytest.mark.parametrize("ground", GROUNDS, ids=lambda ground: ground.code)
def test_the_manual_supports_every_ground_that_the_drafter_knows(manual_desk: Desk, ground: Ground) -> None:
    assert ground.cited(manual_desk.policy.search(ground.question, 4)).citations


def test_a_paragraph_that_says_something_else_supports_no_ground(manual_desk: Desk) -> None:
    unrelated = manual_desk.policy.search("carer", 1)
    assert grounds.LATE.cited(unrelated).citations == ()
    assert grounds.LATE.cited(()).citations == ()


def test_loading_again_changes_nothing(desk: Desk, seeded_url: str) -> None:
    before = rows(seeded_url)
    with connect(seeded_url) as connection:
        assert load_policy(connection, MANUAL) == desk.policy.current_version()
    assert rows(seeded_url) == before
    assert before == (1, len(read_pages(MANUAL)))


def test_a_changed_page_is_a_new_version_and_the_old_one_can_come_back(
    desk: Desk, seeded_url: str, tmp_path: Path
) -> None:
    edited = edited_manual(tmp_path)
    old = desk.policy.current_version()
    with connect(seeded_url) as connection:
        new = load_policy(connection, edited)
        assert new == desk.policy.current_version() != old
        (hit,) = desk.policy.search("pangolin", 1)
        assert (hit.id, hit.index_version) == ("dp-9-4", new)
        assert load_policy(connection, MANUAL) == old
    assert desk.policy.current_version() == old
    assert desk.policy.search("pangolin", 1) == ()


def test_a_bad_page_leaves_the_index_as_it_was(desk: Desk, seeded_url: str, tmp_path: Path) -> None:
    edited = edited_manual(tmp_path)
    (edited / "13-bad.md").write_text("no front matter")
    before = rows(seeded_url)
    with connect(seeded_url) as connection, pytest.raises(PolicyMalformed):
        load_policy(connection, edited)
    assert rows(seeded_url) == before


def test_a_load_that_breaks_half_way_leaves_the_index_as_it_was(
    desk: Desk, seeded_url: str, tmp_path: Path
) -> None:
    edited = edited_manual(tmp_path)
    last = edited / "12-letters.md"
    # Postgres refuses this character, after it has taken all the paragraphs before.
    last.write_text(last.read_text() + "\n[dp-12-9] nul \x00 here\n")
    old = desk.policy.current_version()
    before = rows(seeded_url)
    with connect(seeded_url) as connection, pytest.raises(psycopg.DataError):
        load_policy(connection, edited)
    assert rows(seeded_url) == before
    assert desk.policy.current_version() == old
    assert desk.policy.search("fraud ring", 1)[0].index_version == old


def test_the_folder_is_that_of_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("CASEWORK_POLICY", raising=False)
    assert policy_folder() == MANUAL
    monkeypatch.setenv("CASEWORK_POLICY", str(tmp_path))
    assert policy_folder() == tmp_path


def edited_manual(folder: Path) -> Path:
    copied = Path(shutil.copytree(MANUAL, folder / "manual"))
    ring = copied / "09-fraud-rings.md"
    ring.write_text(ring.read_text() + "\n[dp-9-4] A pangolin is no fraud ring.\n")
    return copied


def rows(url: str) -> tuple[int, int]:
    with connect(url) as connection:
        versions = connection.execute("select count(*) from casework.policy_version").fetchone()
        paragraphs = connection.execute("select count(*) from casework.policy_paragraph").fetchone()
    assert versions is not None
    assert paragraphs is not None
    return versions[0], paragraphs[0]
