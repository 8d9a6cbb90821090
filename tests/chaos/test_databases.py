"""The database dropped, or an older dump restored, while runs are open: they go on, and nothing is done twice."""

import pytest

from penstock.audit.fold import fold
from penstock.cli.local.broker import LocalBroker
from penstock.cli.local.postgres import LocalPostgres
from tests.chaos.databases import Databases
from tests.chaos.stack import Stack

pytestmark = [pytest.mark.broker, pytest.mark.chaos, pytest.mark.timeout(240)]


@pytest.fixture
def databases(servers: tuple[LocalBroker, LocalPostgres], stack: Stack) -> Databases:
    return Databases(servers[1], stack.database_url)


def finish_and_check(stack: Stack) -> None:
    verdict = stack.finish(120)
    assert verdict.ended == len(stack.receipts)
    assert verdict.executions == len(stack.receipts), "each order was paid once"
    runs = fold(stack.log).run
    assert all(runs[run_id]["status"] == "completed" for run_id in stack.receipts)


def test_the_database_is_dropped_while_runs_are_open(stack: Stack, databases: Databases) -> None:
    new = stack.publish(60, naps=2)
    stack.wait_until("waiting_approval", len(new) // 2)
    stack.drive()
    databases.drop()
    finish_and_check(stack)


def test_an_older_dump_is_restored_while_runs_are_open(stack: Stack, databases: Databases) -> None:
    new = stack.publish(60)
    stack.wait_until("waiting_approval", len(new) // 2)
    databases.dump()
    stack.wait_until("waiting_approval", len(new))
    stack.drive()
    stack.wait_until("completed", len(stack.receipts) - len(new) // 2)
    more = stack.publish(20)
    assert more
    databases.restore()
    finish_and_check(stack)
