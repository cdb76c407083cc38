"""What a client does with as many connections as it can hold. Each check yields what it has found as
(what, figure), and fails when that is not good."""

import base64
import hashlib
import re
import socket
import time
from contextlib import ExitStack

from .limits import PATIENCE_SECONDS, eventually, require
from .processes import Client, Server
from .programs import BUILT

CLIENT = BUILT / "release" / "client-scale"
OPEN_FILES_MAX = 50
RESIDENT_BYTES_PER_CONNECTION_MAX = 1_000
DIAL_COUNT, DIALS_AT_ONCE = 200, 16
# Three quarters: the others are kept for other targets.
DIALS_AT_ONE_TARGET = 12
ACCEPT_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def _client(port, *arguments):
    return Client([str(CLIENT), "--port", str(port), *arguments])


def many_connections(program, connections):
    """All dialed at once, held, used and closed by a process with few open files."""
    with Server(program, has_counters=True) as server, _client(
            server.port, "--connections", str(connections), "--reactors", "2",
            "--backend", "io_uring", "--direct-descriptors") as client:
        client.ready()
        before = client.resident_bytes()
        began = time.monotonic()
        client.again()
        yield "connections, each has echoed a message", connections
        yield "dialed and upgraded per second", round(connections / (time.monotonic() - began))
        require(server.socket_count() == connections,
                f"{server.socket_count()} sockets for {connections} connections")
        files = client.open_file_count()
        yield "open files of the client", files
        require(files <= OPEN_FILES_MAX, "a file for each connection")
        client.again()
        yield "connections that have echoed another message", connections
        time.sleep(3)  # housekeeping takes place once a second
        resident = (client.resident_bytes() - before) // connections
        yield "resident bytes of the client per connection", resident
        require(resident <= RESIDENT_BYTES_PER_CONNECTION_MAX, "too many")
        yield "milliseconds to close all", round(1000 * client.end())
        require(client.ended_well(), "not all were closed cleanly")
        eventually(lambda: server.counters["connections"] == 0, "all connections end")


def dials_wait(backend):
    """No more attempts are under way than may be, and all of them have their turn."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=DIAL_COUNT))
        client = stack.enter_context(_client(
            listener.getsockname()[1], "--connections", str(DIAL_COUNT), "--backend", backend,
            "--dials-at-once", str(DIALS_AT_ONCE)))
        client.ready()
        client.begin()
        served = []
        while len(served) < DIAL_COUNT:
            count = min(DIALS_AT_ONE_TARGET, DIAL_COUNT - len(served))
            batch = [_accept(listener, stack) for _ in range(count)]
            require(not _comes_another(listener), f"more than {count} attempts are under way")
            for connection in batch:
                _upgrade(connection)
            served += batch
        yield f"dials of which {DIALS_AT_ONE_TARGET} were under way at once", len(served)
        for connection in served:
            _echo(connection)
        client.ready()
        for connection in served:
            connection.close()
        client.kill()


def _accept(listener, stack):
    listener.settimeout(PATIENCE_SECONDS)
    connection = stack.enter_context(listener.accept()[0])
    connection.settimeout(PATIENCE_SECONDS)
    return connection


def _comes_another(listener):
    listener.settimeout(0.3)
    try:
        listener.accept()[0].close()
        return True
    except TimeoutError:
        return False


def _upgrade(connection):
    request = b""
    while not request.endswith(b"\r\n\r\n"):
        data = connection.recv(65536)
        require(data, "the client has gone")
        request += data
    key = re.search(rb"Sec-WebSocket-Key: (\S+)", request)[1]
    accept = base64.b64encode(hashlib.sha1(key + ACCEPT_GUID).digest())
    connection.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                       b"Connection: Upgrade\r\nSec-WebSocket-Accept: " + accept + b"\r\n\r\n")


def _echo(connection):
    """Sends back the one short message that the client sends."""
    frame = b""
    while len(frame) < 26:
        data = connection.recv(26 - len(frame))
        require(data, "the client has gone")
        frame += data
    require(frame[:2] == bytes([0x81, 0x80 | 20]), f"a frame that begins with {frame[:2]!r}")
    payload = bytes(byte ^ frame[2 + index % 4] for index, byte in enumerate(frame[6:]))
    connection.sendall(bytes([0x81, len(payload)]) + payload)
