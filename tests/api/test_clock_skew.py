"""Clocks that differ: the issuer's from ours, and ours from itself."""

import asyncio

import pytest

from penstock.api.jwks import Jwks, keys_of
from penstock.api.problems import Problem
from penstock.api.tokens import TokenRules, Tokens
from tests.api.issuer import AUDIENCE, Issuer

LEEWAY_S = 60
NOW_S = 1_900_000_000
HOUR_S = 3_600
EXPIRED, EARLY = "it has expired", "it isn't valid yet"


class Desk:
    """What a process with its own clock says of tokens."""

    def __init__(self, leeway_s: int = LEEWAY_S) -> None:
        self.issuer = Issuer(1)
        self.now_s = float(NOW_S)
        rules = TokenRules(self.issuer.url, AUDIENCE, leeway_s, "tenant", "roles", "sub", "")
        jwks = Jwks(lambda: keys_of({"keys": self.issuer.published}))
        self._tokens = Tokens(rules, jwks, lambda: self.now_s)

    def token(self, **times_s: float) -> str:
        """Good for five minutes from NOW_S on, but for these times, from NOW_S on."""
        return self.issuer.token(
            **{"iat": NOW_S, "exp": NOW_S + 300}
            | {claim: NOW_S + time_s for claim, time_s in times_s.items()}
        )

    def says(self, token: str) -> str:
        """Why the token doesn't count; nothing if it does."""
        try:
            asyncio.run(self._tokens.caller_of(token))
        except Problem as problem:
            return f"{problem.status_code} {problem.slug}: {problem.detail}"
        return ""


@pytest.fixture(scope="module")
def desk() -> Desk:
    return Desk()


@pytest.fixture(scope="module")
def strict() -> Desk:
    return Desk(leeway_s=0)


# By the leeway: the last moment that counts, and the first that doesn't.
EDGES = (
    ("exp", -LEEWAY_S + 0.5, -LEEWAY_S, EXPIRED),
    ("nbf", LEEWAY_S, LEEWAY_S + 0.5, EARLY),
    ("iat", LEEWAY_S, LEEWAY_S + 0.5, EARLY),
)


@pytest.mark.parametrize(("claim", "within_s", "beyond_s", "why"), EDGES, ids=[edge[0] for edge in EDGES])
def test_clocks_may_differ_by_the_leeway_and_no_more(
    desk: Desk, strict: Desk, claim: str, within_s: float, beyond_s: float, why: str
) -> None:
    desk.now_s = strict.now_s = NOW_S
    assert desk.says(desk.token(**{claim: within_s})) == ""
    assert why in desk.says(desk.token(**{claim: beyond_s}))
    assert strict.says(strict.token(**{claim: 0.5 if claim == "exp" else 0})) == ""
    assert why in strict.says(strict.token(**{claim: 0 if claim == "exp" else 0.5}))


def test_an_issuer_whose_clock_is_hours_off_is_told_which_way(desk: Desk) -> None:
    desk.now_s = NOW_S
    for hours in (1, 12):
        ahead, behind = (
            {"iat": sign * hours * HOUR_S, "exp": sign * hours * HOUR_S + 300} for sign in (1, -1)
        )
        assert "is a clock wrong?" in desk.says(desk.token(**ahead))
        assert EXPIRED in desk.says(desk.token(**behind))


def test_a_clock_that_jumps_counts_at_once(desk: Desk) -> None:
    token = desk.token()
    heard = []
    for jump_s in (0, HOUR_S, 0, -HOUR_S, 0):
        desk.now_s = NOW_S + jump_s
        heard.append(desk.says(token))
    assert [bool(said) for said in heard] == [False, True, False, True, False]
    assert EXPIRED in heard[1]
    assert EARLY in heard[3]
