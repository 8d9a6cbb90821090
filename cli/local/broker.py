"""A Kafka broker in a JVM of its own: one node, KRaft, its data in the home directory.

It belongs to nobody's process: it goes on when its starter ends, and after a kill it comes up with its data.
"""

import base64
import subprocess
import time
import uuid
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from penstock.cli.local import archive, jars, ports, processes
from penstock.cli.local.errors import DidNotStart

START_DEADLINE_S: Final = 60.0
STOP_DEADLINE_S: Final = 20.0

# Replication of one everywhere: there is one node. A group's first rebalance waits for nobody. A controller
# that finds a registered broker waits for its session to end, so a long one delays each restart after a kill.
_PROPERTIES: Final = """process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{broker},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{broker}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
log.dirs={logs}
auto.create.topics.enable=false
log.message.timestamp.type=LogAppendTime
log.retention.ms=-1
num.partitions=6
offsets.topic.replication.factor=1
offsets.topic.num.partitions=6
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=2
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=2
group.initial.rebalance.delay.ms=0
broker.heartbeat.interval.ms=1000
broker.session.timeout.ms=4000
group.min.session.timeout.ms=1000
log.cleaner.dedupe.buffer.size=16777216
"""


_LOGGING: Final = (
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
)


def new_cluster_id() -> str:
    """A UUID in the 22 characters that Kafka writes it in. None begins with a dash: it would be read as an option."""
    cluster_id = "-"
    while cluster_id.startswith("-"):
        cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    return cluster_id


class LocalBroker:
    """The broker of one home directory. Start, stop and kill may be called from any process."""

    def __init__(self, home: Path, *, heap_mb: int = 1024, lean: bool = True) -> None:
        """`lean`: for short lives. A broker that works for minutes is worth its optimising compiler."""
        self._lean = lean
        self._home = home / "kafka"
        self._heap_mb = heap_mb
        self._ports_file = self._home / "ports.json"
        self._pid_file = self._home / "broker.pid"
        self.log_file = self._home / "broker.log"

    @property
    def bootstrap_servers(self) -> str:
        """host:port, as the broker was started last."""
        known = ports.read(self._ports_file)
        return f"{ports.HOST}:{known['broker']}" if known else ""

    def process(self) -> processes.Process | None:
        """The broker's process, if it runs."""
        return processes.read_pid_file(self._pid_file)

    def start(self, tell: Callable[[str], None] = lambda _: None) -> str:
        """Start it unless it runs, wait until it answers; host:port. Raises ProgramMissing, DidNotStart."""
        if self.process() is None:
            java = jars.java()
            if not jars.are_here():
                tell(f"fetching Kafka {jars.KAFKA_VERSION} from Maven Central, once on this machine")
            classpath = f"{jars.kafka_jars()}/*"
            shared = archive.options(java, partial(_rehearse, java, classpath), tell)
            self._begin(classpath, [java, *shared], [java, *shared])
        self._await_answer()
        return self.bootstrap_servers

    def _begin(self, classpath: str, to_format: list[str], to_run: list[str]) -> None:
        self._write_properties()
        self._format(to_format, classpath)
        self._launch(to_run, classpath)

    def stop(self) -> bool:
        """Stop it cleanly; False if there was none or it had to be killed."""
        process = self.process()
        stopped = process is not None and processes.stop(process, deadline_s=STOP_DEADLINE_S)
        self._pid_file.unlink(missing_ok=True)
        return stopped

    def kill(self) -> None:
        """End it as a power cut would."""
        process = self.process()
        if process is not None:
            processes.kill(process)

    def _write_properties(self) -> None:
        chosen = ports.remembered(self._ports_file, ("broker", "controller"))
        self._properties.write_text(_PROPERTIES.format(logs=self._home / "logs", **chosen))

    @property
    def _properties(self) -> Path:
        return self._home / "server.properties"

    def _format(self, java: list[str], classpath: str) -> None:
        """Give the log directory its cluster id, once: a second format would be refused, and must be."""
        if (self._home / "logs" / "meta.properties").exists():
            return
        tool = [
            *java,
            "-XX:TieredStopAtLevel=1",
            "-Xshare:auto",
            *_LOGGING,
            "-cp",
            classpath,
            "kafka.tools.StorageTool",
        ]
        done = subprocess.run(
            [*tool, "format", "-t", new_cluster_id(), "-c", str(self._properties)],
            capture_output=True,
            text=True,
        )
        if done.returncode != 0:
            raise DidNotStart(f"Kafka couldn't format {self._home / 'logs'}: {done.stdout}{done.stderr}")

    def _launch(self, java: list[str], classpath: str) -> None:
        # One machine, few clients: at first the optimising compiler and the parallel collector take more than the
        # broker. The compiler pays after some minutes.
        options = [f"-Xmx{self._heap_mb}m", "-Xshare:auto", "-Djava.awt.headless=true", "-XX:+UseSerialGC"]
        if self._lean:
            options.append("-XX:TieredStopAtLevel=1")
        started = processes.spawn(
            [*java, *options, *_LOGGING, "-cp", classpath, "kafka.Kafka", str(self._properties)],
            log_file=self.log_file,
            directory=self._home,
        )
        self._pid_file.write_text(started.process.text())

    def _await_answer(self) -> None:
        from confluent_kafka import KafkaException
        from confluent_kafka.admin import AdminClient

        until = time.monotonic() + START_DEADLINE_S
        port = int(self.bootstrap_servers.rpartition(":")[2])
        while time.monotonic() < until:
            if self.process() is None:
                raise DidNotStart(f"the broker ended while it was starting: see the end of {self.log_file}")
            if ports.answers(port):
                client = AdminClient({"bootstrap.servers": self.bootstrap_servers, "log_level": 0})
                try:
                    if client.list_topics(timeout=2).brokers:
                        return
                except KafkaException:
                    continue
            time.sleep(0.1)
        raise DidNotStart(f"the broker didn't answer within {START_DEADLINE_S:.0f} s: see {self.log_file}")


def _rehearse(java: str, classpath: str, home: Path, shared: list[str]) -> None:
    """Start one, do with it what each does, and stop it."""
    from confluent_kafka import Producer
    from confluent_kafka.admin import AdminClient
    from confluent_kafka.cimpl import NewTopic

    broker = LocalBroker(home, heap_mb=512)
    # The format is a JVM of its own, and would leave its classes where the broker's belong.
    broker._begin(classpath, [java], [java, *shared])
    try:
        broker._await_answer()
        servers = broker.bootstrap_servers
        for future in (
            AdminClient({"bootstrap.servers": servers}).create_topics([NewTopic("rehearsal", 1, 1)]).values()
        ):
            future.result(START_DEADLINE_S)
        producer = Producer({"bootstrap.servers": servers})
        producer.produce("rehearsal", b"a record")
        producer.flush(START_DEADLINE_S)
    finally:
        broker.stop()
