"""The live registry, against a small real HTTP server that speaks Confluent's REST interface."""

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import unquote

import pytest

from penstock.schemas.avro import schema_text, standalone
from penstock.schemas.codec import Codec, Undecodable, codec_for
from penstock.schemas.confluent import LiveSchemas, RegistryRefused, RegistryUnavailable
from penstock.schemas.envelope.records import Actor, InputMeta
from penstock.schemas.run.records import CancelRun

CANCEL = "penstock.run.CancelRun"
RUN = "330e33a1-3861-5cf0-b4db-54ae97c97fea"
META = InputMeta(
    id=RUN,
    type="CancelRun",
    tenant="t",
    entity_id=RUN,
    time_ms=7,
    actor=Actor(kind="person", subject="m.okafor"),
)
BODY = CancelRun(reason="withdrawn")

Answer = tuple[int, Any]


class Registry(BaseHTTPRequestHandler):
    """Routes of a schema registry over lists in memory; `answers` come first, one a request."""

    texts: ClassVar[list[str]] = []
    subjects: ClassVar[dict[str, list[int]]] = {}
    requests: ClassVar[list[str]] = []
    answers: ClassVar[list[Answer]] = []
    protocol_version = "HTTP/1.1"
    first_id = 100_001

    def do_GET(self) -> None:
        self.requests.append(f"GET {self.path}")
        found = re.fullmatch(r"/schemas/ids/(\d+)", self.path)
        place = int(found[1]) - self.first_id if found else -1
        if self.answers:
            self._answer(*self.answers.pop(0))
        elif 0 <= place < len(self.texts):
            self._answer(200, {"schema": self.texts[place]})
        else:
            self._answer(404, {"error_code": 40403, "message": "Schema not found"})

    def do_POST(self) -> None:
        self.requests.append(f"POST {unquote(self.path)}")
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        found = re.fullmatch(r"/subjects/([^/]+)/versions", self.path)
        if self.answers:
            self._answer(*self.answers.pop(0))
        elif found and asked["schemaType"] == "AVRO" and json.loads(asked["schema"]):
            if asked["schema"] not in self.texts:
                self.texts.append(asked["schema"])
            schema_id = self.first_id + self.texts.index(asked["schema"])
            self.subjects.setdefault(unquote(found[1]), []).append(schema_id)
            self._answer(200, {"id": schema_id})
        else:
            self._answer(422, {"error_code": 42201, "message": "Invalid schema"})

    def _answer(self, status: int, body: Any) -> None:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Tests tell what was asked, not the terminal."""


@contextmanager
def serving(handler: type[Registry], port: int = 0) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", port), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def registry() -> type[Registry]:
    class Fresh(Registry):
        texts: ClassVar[list[str]] = []
        subjects: ClassVar[dict[str, list[int]]] = {}
        requests: ClassVar[list[str]] = []
        answers: ClassVar[list[Answer]] = []

    return Fresh


@pytest.fixture
def url(registry: type[Registry]) -> Iterator[str]:
    with serving(registry) as found:
        yield found


class Clock:
    """A clock that moves when somebody sleeps."""

    def __init__(self, while_asleep: Callable[[], object] = lambda: None) -> None:
        self.now = 0.0
        self._while_asleep = while_asleep

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self._while_asleep()


def live(url: str, clock: Clock | None = None) -> LiveSchemas:
    clock = clock or Clock()
    return LiveSchemas(url, clock=clock, sleep=clock.sleep)


def test_a_record_goes_through_a_live_registry_and_back(registry: type[Registry], url: str) -> None:
    value = codec_for(url).encode(META, BODY)
    assert int.from_bytes(value[1:5], "big") == registry.first_id
    # Another process, which has registered nothing, finds the schema by its id.
    assert codec_for(url + "/").decode_input(value) == (META, BODY)
    assert registry.subjects == {f"penstock.run.inbox-{CANCEL}": [registry.first_id]}
    assert registry.texts == [schema_text(CANCEL)]


def test_each_schema_is_asked_for_once(registry: type[Registry], url: str) -> None:
    codec = codec_for(url)
    values = [codec.encode(META, BODY) for _ in range(3)]
    for value in values:
        codec.decode_input(value)
    assert registry.requests == [
        f"POST /subjects/penstock.run.inbox-{CANCEL}/versions",
        f"GET /schemas/ids/{registry.first_id}",
    ]


def test_the_preflight_registers_every_record(registry: type[Registry], url: str) -> None:
    live(url).register_all()
    assert len(registry.texts) == len(list(standalone()))


def test_an_id_that_the_registry_doesnt_know_is_undecodable(registry: type[Registry], url: str) -> None:
    clock = Clock()
    schemas = live(url, clock)
    value = b"\0" + (7).to_bytes(4, "big") + b"x"
    for _ in range(3):
        with pytest.raises(Undecodable, match="no Avro schema 7"):
            Codec(schemas).decode_input(value)
    assert registry.requests == ["GET /schemas/ids/7"]
    clock.now += 60.0
    assert schemas.schema_of(7) is None
    assert len(registry.requests) == 2


def test_a_schema_of_another_format_is_undecodable(registry: type[Registry], url: str) -> None:
    registry.answers.append((200, {"schema": "syntax = 'proto3';", "schemaType": "PROTOBUF"}))
    assert live(url).schema_of(9) is None


def test_a_schema_of_another_owner_is_undecodable(registry: type[Registry], url: str) -> None:
    registry.answers.append((200, {"schema": '{"type":"record","name":"x.Y","fields":[]}'}))
    with pytest.raises(Undecodable, match=r"x\.Y doesn't belong here"):
        Codec(live(url)).decode_input(b"\0" + (9).to_bytes(4, "big"))


def test_a_404_that_is_no_registrys_is_refused_instead_of_dead_lettering_the_log(
    registry: type[Registry], url: str
) -> None:
    for body in (b"<html>no such page</html>", {"detail": "Not Found"}):
        registry.answers.append((404, body))
        with pytest.raises(RegistryRefused, match="SCHEMA_REGISTRY_URL"):
            Codec(live(url)).decode_input(b"\0" + (9).to_bytes(4, "big"))


@pytest.mark.parametrize(
    ("status", "advice"),
    [
        (401, "credentials"),
        (403, "credentials"),
        (409, "registry.lock"),
        (422, "registry.lock"),
        (400, "said so"),
    ],
)
def test_a_refusal_says_what_the_registry_said_and_what_to_do(
    registry: type[Registry], url: str, status: int, advice: str
) -> None:
    registry.answers.append((status, {"error_code": status, "message": "it said so"}))
    with pytest.raises(RegistryRefused, match="it said so") as refused:
        live(url).id_of(CANCEL)
    assert advice in str(refused.value)


@pytest.mark.parametrize("answer", [b"hello", [], {"schema": 7}, {"schema": "{"}, {}])
def test_an_answer_that_is_no_schema_is_refused(registry: type[Registry], url: str, answer: Any) -> None:
    registry.answers.append((200, answer))
    with pytest.raises(RegistryRefused, match="is this URL a registry"):
        live(url).schema_of(9)


@pytest.mark.parametrize("answer", [b"hello", [], {"id": "7"}, {"id": True}, {}])
def test_an_answer_that_is_no_id_is_refused(registry: type[Registry], url: str, answer: Any) -> None:
    registry.answers.append((200, answer))
    with pytest.raises(RegistryRefused, match="is this URL a registry"):
        live(url).id_of(CANCEL)


def test_a_registry_that_fails_for_a_while_is_waited_for(registry: type[Registry], url: str) -> None:
    registry.answers += [(503, {}), (429, {}), (500, b"")]
    clock = Clock()
    assert live(url, clock).id_of(CANCEL) == registry.first_id
    assert clock.now == pytest.approx(1.5)


def test_a_registry_that_comes_up_late_is_waited_for(registry: type[Registry]) -> None:
    with serving(registry) as url:
        port = int(url.rpartition(":")[2])
    started: list[Any] = []

    def start() -> None:
        if not started:
            started.append(serving(registry, port))
            started[0].__enter__()

    try:
        assert live(url, Clock(start)).id_of(CANCEL) == registry.first_id
    finally:
        started[0].__exit__(None, None, None)


def test_a_registry_that_stays_away_is_unavailable_and_never_undecodable(registry: type[Registry]) -> None:
    with serving(registry) as url:
        pass
    clock = Clock()
    with pytest.raises(RegistryUnavailable, match=r"127\.0\.0\.1") as away:
        Codec(live(url.replace("//", "//clerk:secret@"), clock)).decode_input(b"\0\0\0\0\x07x")
    assert clock.now >= 30.0
    assert "secret" not in str(away.value)


def test_subjects_that_disagree_about_an_id_are_refused(
    registry: type[Registry], url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from penstock.schemas import confluent
    from penstock.schemas.topics import BY_NAME

    monkeypatch.setattr(confluent, "topics_of", lambda record: tuple(BY_NAME.values())[:2])
    registry.answers += [(200, {"id": 1}), (200, {"id": 2})]
    with pytest.raises(RegistryRefused, match="one context"):
        live(url).id_of(CANCEL)


def test_a_record_of_no_topic_has_no_id(url: str) -> None:
    with pytest.raises(KeyError, match="belongs to no topic"):
        live(url).id_of("penstock.run.RunPaused")


def test_memory_for_unknown_ids_is_bounded(
    registry: type[Registry], url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from penstock.schemas import confluent

    monkeypatch.setattr(confluent, "UNKNOWN_IDS_MAX", 3)
    schemas = live(url)
    for schema_id in range(1, 8):
        assert schemas.schema_of(schema_id) is None
    assert len(schemas._unknown) <= 3
