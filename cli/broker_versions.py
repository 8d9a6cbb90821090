"""Which requests a broker understands: Kafka's ApiVersions exchange, which every broker answers."""

import socket
import struct
from typing import Final

from penstock.runtime.errors import SetupError

_API_VERSIONS: Final = 18
FETCH: Final = 1
# Kafka 4.0 dropped the versions of Fetch before this one, and no broker before 4.0 did.
FETCH_OLDEST_IN_KAFKA_4: Final = 4
_ANSWER_BYTES_MAX: Final = 1 << 20
# Clients take it where an address names none.
_PORT_DEFAULT: Final = "9092"
_PORT_MAX: Final = 65_535


class NotABroker(Exception):
    """Nobody answers at that address, or somebody who doesn't speak Kafka's protocol."""


class BrokerAway(SetupError):
    """None of the brokers answers: start one, or correct KAFKA_BOOTSTRAP_SERVERS."""


def insist_on_broker(bootstrap_servers: str) -> None:
    """One of them answers now. Raises BrokerAway, where a client would wait until one does."""
    refusals: list[str] = []
    for address in bootstrap_servers.split(","):
        try:
            api_versions(address)
        except NotABroker as error:
            refusals.append(str(error))
        else:
            return
    raise BrokerAway(
        f"nothing was done: {'; '.join(refusals)}: start it (`penstock up` starts a local one), or correct "
        "KAFKA_BOOTSTRAP_SERVERS"
    )


def api_versions(address: str, timeout_s: float = 5.0) -> dict[int, tuple[int, int]]:
    """The oldest and the newest version that the broker takes of each request. Raises NotABroker."""
    host, port = _split(address.strip())
    request = struct.pack(">hhih", _API_VERSIONS, 0, 1, -1)  # Version 0, correlation id 1, no client id.
    try:
        with socket.create_connection((host, port), timeout=timeout_s) as connection:
            connection.sendall(struct.pack(">i", len(request)) + request)
            (size,) = struct.unpack(">i", _exactly(connection, 4))
            if not 10 <= size <= _ANSWER_BYTES_MAX:
                raise NotABroker(f"{address} answers, but not as a Kafka broker")
            answer = _exactly(connection, size)
    except (OSError, ValueError) as error:
        raise NotABroker(f"no broker answers at {address} ({error})") from error
    return _parse(answer, address)


def _split(address: str) -> tuple[str, int]:
    """Host and port of `host:port`, `[::1]:port`, or a host alone. Raises NotABroker."""
    host, _, port = address.rpartition(":") if ":" in address else (address, "", _PORT_DEFAULT)
    if not host or not port.isascii() or not port.isdigit() or int(port) > _PORT_MAX:
        raise NotABroker(f"{address!r} isn't an address like broker:9092")
    return host.strip("[]"), int(port)


def _parse(answer: bytes, address: str) -> dict[int, tuple[int, int]]:
    try:
        _, error, count = struct.unpack_from(">ihi", answer)
        if error or count < 0:
            raise NotABroker(f"{address} answers with error {error}")
        entries = [struct.unpack_from(">hhh", answer, 10 + 6 * index) for index in range(count)]
    except struct.error as malformed:
        raise NotABroker(f"{address} answers, but not as a Kafka broker") from malformed
    return {number: (oldest, newest) for number, oldest, newest in entries}


def _exactly(connection: socket.socket, size: int) -> bytes:
    received = bytearray()
    while len(received) < size:
        part = connection.recv(size - len(received))
        if not part:
            raise OSError("it closed the connection")
        received += part
    return bytes(received)
