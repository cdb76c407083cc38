"""Floods: what costs a server most for each byte, from many clients at once, and a bystander that says how
long an echo takes meanwhile."""

import contextlib
import multiprocessing
import os
import resource
import select
import signal
import socket
import struct
import time
from dataclasses import dataclass

from .processes import Failure, Server

REQUEST = (b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
           b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
MASK = b"\0\0\0\0"
# Some that are sent again and again by a connection, and whether they are answered.
FRAMES = {
    "pongs": b"\x8a\x80" + MASK,
    "pings": b"\x89\x80" + MASK,
    "texts": b"\x81\x81" + MASK + b"x",
    "empty": b"\x82\x80" + MASK,
    "fragments": b"\x00\x80" + MASK,
}
KINDS = (*FRAMES, "upgrades", "resets")
BURST_BYTE_COUNT = 256 * 1024
BACKLOG_COUNT = 4000
ECHO_TIMEOUT_SECONDS = 20


@dataclass(frozen=True)
class Outcome:
    count: int
    p50: float
    p99: float
    longest: float
    stop_seconds: float


def measure(program, kind, connection_count, seconds):
    """Floods a server, and stops it in the middle."""
    server = Server(program, open_files=20_000)
    with server:
        echoes, started, ends = multiprocessing.Queue(), multiprocessing.Event(), multiprocessing.Event()
        # When the server was last let go on.
        resumed = multiprocessing.Value("d", 0)
        flood = multiprocessing.Process(
            target=_flood, args=(server, kind, connection_count, started, ends, resumed), daemon=True)
        witness = multiprocessing.Process(
            target=_witness, args=(server.port, started, seconds, echoes, resumed), daemon=True)
        witness.start()
        flood.start()
        try:
            taken = sorted(echoes.get(timeout=seconds + 2 * ECHO_TIMEOUT_SECONDS + 30))
            stop_seconds = server.stop()
        finally:
            ends.set()
            for process in (flood, witness):
                process.join(5)
                if process.is_alive():
                    process.kill()
                    process.join()
    if not taken:
        raise Failure("no echo at all")
    return Outcome(len(taken), 1e3 * taken[len(taken) // 2], 1e3 * taken[len(taken) * 99 // 100],
                   1e3 * taken[-1], stop_seconds)


def _connect(port):
    client = socket.create_connection(("127.0.0.1", port), timeout=ECHO_TIMEOUT_SECONDS)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    client.sendall(REQUEST)
    head = b""
    while b"\r\n\r\n" not in head:
        piece = client.recv(4096)
        if not piece:
            raise Failure("no handshake")
        head += piece
    return client


def _witness(port, started, seconds, echoes, resumed):
    """An echo every few milliseconds. Of one for which the server stood still, what it took from then on."""
    frame = b"\x82\x88" + MASK + b"bystands"
    client = _connect(port)
    if not started.wait(60):
        return echoes.put([])
    end = time.monotonic() + seconds
    taken = []
    try:
        while time.monotonic() < end:
            began = time.monotonic()
            client.sendall(frame)
            missing = 10
            while missing > 0:
                piece = client.recv(missing)
                if not piece:
                    raise OSError("closed")
                missing -= len(piece)
            taken.append(time.monotonic() - max(began, resumed.value))
            time.sleep(0.002)
    except OSError:
        taken.append(float(ECHO_TIMEOUT_SECONDS))
    echoes.put(taken)


def _flood(server, kind, connection_count, started, ends, resumed):
    # The bystander's own time must not be measured.
    os.nice(5)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if kind == "upgrades":
        return _flood_with_upgrades(server, started, ends, resumed)
    if kind == "resets":
        return _flood_with_resets(server.port, started, ends)
    _flood_with_frames(server.port, FRAMES[kind], kind, connection_count, started, ends)


def _flood_with_frames(port, frame, kind, connection_count, started, ends):
    burst = memoryview(frame * (BURST_BYTE_COUNT // len(frame)))
    poll = select.poll()
    clients = {}
    for _ in range(connection_count):
        client = _connect(port)
        if kind == "fragments":
            client.sendall(b"\x01\x80" + MASK)
        client.setblocking(False)
        clients[client.fileno()] = [client, 0]
        poll.register(client, select.POLLOUT | select.POLLIN)
    while not ends.is_set():
        for descriptor, events in poll.poll(100):
            entry = clients[descriptor]
            try:
                if events & select.POLLIN:
                    if not entry[0].recv(1 << 20):
                        raise OSError("closed")
                if events & select.POLLOUT:
                    entry[1] = (entry[1] + entry[0].send(burst[entry[1]:])) % len(burst)
            except BlockingIOError:
                pass
            except OSError:
                poll.unregister(descriptor)
        started.set()


def _flood_with_upgrades(server, started, ends, resumed):
    """As many whole requests as the backlog holds, at once, since the server stands still until then."""
    while not ends.is_set():
        try:
            os.kill(server.pid, signal.SIGSTOP)
        except ProcessLookupError:
            return
        clients = []
        try:
            for _ in range(BACKLOG_COUNT):
                client = socket.socket()
                client.setblocking(False)
                client.connect_ex(("127.0.0.1", server.port))
                try:
                    client.send(REQUEST)
                except OSError:
                    pass
                clients.append(client)
        finally:
            resumed.value = time.monotonic()
            # It may have been stopped meanwhile.
            with contextlib.suppress(ProcessLookupError):
                os.kill(server.pid, signal.SIGCONT)
        started.set()
        ends.wait(0.5)
        for client in clients:
            client.close()


def _flood_with_resets(port, started, ends):
    while not ends.is_set():
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.setblocking(False)
        client.connect_ex(("127.0.0.1", port))
        client.close()
        started.set()
