"""The archive of the broker's classes: made once a machine, by one process, and never in anybody's way."""

import threading
from pathlib import Path

import pytest

from penstock.cli.local import archive, jars
from penstock.cli.local.broker import LocalBroker


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PENSTOCK_CACHE", str(tmp_path))
    monkeypatch.setattr(archive, "_jvm", lambda java: f"of-{Path(java).name}")
    return tmp_path


class Rehearsal:
    """Plays the broker's."""

    def __init__(self, fails: bool = False) -> None:
        self.fails = fails
        self.times = 0

    def __call__(self, home: Path, told: list[str]) -> None:
        self.times += 1
        assert home.is_dir()
        if self.fails:
            raise RuntimeError("no port is free")
        Path(told[0].partition("=")[2]).write_bytes(b"classes")


def test_it_is_made_once_for_each_jvm(cache: Path) -> None:
    rehearsal, told = Rehearsal(), list[str]()
    first = archive.options("one", rehearsal, told.append)
    assert first == [f"-XX:SharedArchiveFile={cache / f'kafka-{jars.KAFKA_VERSION}-of-one.jsa'}"]
    assert archive.options("one", rehearsal, told.append) == first
    assert (rehearsal.times, len(told)) == (1, 1)
    assert archive.options("two", rehearsal) != first
    assert rehearsal.times == 2


def test_where_it_cannot_be_made_nobody_tries_again(cache: Path) -> None:
    rehearsal = Rehearsal(fails=True)
    assert archive.options("one", rehearsal) == []
    assert archive.options("one", rehearsal) == []
    assert rehearsal.times == 1
    assert not list(cache.glob("archive-*")), "what a rehearsal leaves is taken away"


def test_while_one_process_makes_it_others_start_without(cache: Path) -> None:
    inside, go_on = threading.Event(), threading.Event()

    class Slow(Rehearsal):
        def __call__(self, home: Path, told: list[str]) -> None:
            inside.set()
            assert go_on.wait(10)
            super().__call__(home, told)

    slow, quick = Slow(), Rehearsal()
    making = threading.Thread(target=archive.options, args=("one", slow))
    making.start()
    assert inside.wait(10)
    assert archive.options("one", quick) == []
    go_on.set()
    making.join()
    assert archive.options("one", quick) != []
    assert (slow.times, quick.times) == (1, 0)


@pytest.mark.broker
def test_a_broker_maps_the_archive_that_its_rehearsal_wrote(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as outside:
        outside.delenv("PENSTOCK_CACHE")
        kept = jars.kafka_jars()
    (tmp_path / kept.name).symlink_to(kept)
    broker = LocalBroker(tmp_path, heap_mb=512)
    try:
        broker.start()
        process = broker.process()
        assert process is not None
        (made,) = tmp_path.glob("*.jsa")
        assert str(made) in Path(f"/proc/{process.pid}/maps").read_text()
    finally:
        broker.stop()
    assert "[cds" not in broker.log_file.read_text(), "no JVM complains of it"
