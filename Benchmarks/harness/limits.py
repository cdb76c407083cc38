"""What a server does with as many connections as it can hold, and with more. Each check starts a
server of its own, yields what it has found as (what, figure), and fails when that is not good."""

import socket
import time
from contextlib import ExitStack

from .processes import Failure, Load, Server

RESERVED_COUNT = 64  # descriptors that the server keeps free, by default
OPEN_FILES_MAX = 1_000  # of a server that holds its connections as direct descriptors
REQUEST = (b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
           b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")
EXTRA_COUNT = 50
PATIENCE_SECONDS = 15
# What a second at the limit may cost a server that has nothing to do: it looks for a free
# descriptor ten times.
CALLS_PER_SECOND_MAX = 100
CPU_SHARE_MAX = 0.02
KEPT_BYTES_PER_CONNECTION_MAX = 250


def require(condition, what):
    if not condition:
        raise Failure(what)


def eventually(is_so, what):
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        require(time.monotonic() < deadline, f"not within {PATIENCE_SECONDS} s: {what}")
        time.sleep(0.1)


def many_connections(program, connections):
    """Held, used, ended in every way, and held again, by a process with few open files."""
    half = connections // 2
    with Server(program, has_counters=True) as server, ExitStack() as loads:
        files_before = server.open_file_count()

        def hold(*arguments):
            load = Load(server, ["--connections", str(half), "--echo", *arguments], mode="idle")
            loads.enter_context(load)
            return load

        def check_held(count):
            require(server.socket_count() == count,
                    f"{server.socket_count()} sockets for {count} connections")
            files = server.open_file_count()
            require(files < OPEN_FILES_MAX, f"{files} open files")
            return files

        began = time.monotonic()
        first, second = hold(), hold("--end", "reset")
        first.ready()
        second.ready()
        yield "connections, each has echoed a message", 2 * half
        yield "opened and upgraded per second", round(2 * half / (time.monotonic() - began))
        yield "open files meanwhile", check_held(2 * half)
        yield "resident bytes per connection", server.resident_bytes() // (2 * half)
        first.again()
        second.again()
        yield "connections that have echoed another message", 2 * half

        first.end()
        eventually(lambda: server.socket_count() == half, "FIN ends connections")
        second.again()
        yield "connections left after the FIN of half", half
        second.end()
        eventually(lambda: server.socket_count() == 0, "RST ends connections")
        eventually(lambda: server.counters["connections"] == 0, "the server counts no connection")
        yield "connections left after the RST of the rest", server.counters["connections"]
        require(server.open_file_count() <= files_before, "descriptors are left behind")

        third = hold()
        third.ready()
        check_held(half)
        yield "connections in slots used before", half
        seconds = server.stop()
        yield "milliseconds to stop with peers that do not answer", round(1000 * seconds)
        require(server.socket_count() == 0, f"{server.socket_count()} sockets outlive the server")
        yield "sockets that outlive the server", 0


def full_tables(program, reactors, limit):
    """One more than the tables hold is told so at once; the others notice nothing."""
    room = limit * reactors
    with Server(program, has_counters=True, open_files=limit) as server:
        eventually(lambda: server.socket_count() == 0, "the first connection, a probe, has ended")
        with Load(server, ["--connections", str(room), "--echo"], mode="idle") as load:
            load.ready()
            yield f"connections in {reactors} tables of {limit:,}", room
            for _ in range(EXTRA_COUNT):
                require(_is_closed_cleanly(server), "an extra client was not closed cleanly")
            yield "further clients, each closed cleanly", EXTRA_COUNT
            load.again()
            yield "connections that have echoed after that", room
            require(server.open_file_count() < OPEN_FILES_MAX, "too many open files")
        eventually(lambda: server.socket_count() == 0, "all connections end")
        for _ in range(EXTRA_COUNT):
            with _request(server) as client:
                require(client.recv(4096).startswith(b"HTTP/1.1 101"), "refused though empty")
        yield "served when there was room again", EXTRA_COUNT


def no_descriptor_left(program, limit):
    """Clients wait in the backlog, at no cost, until others leave; some descriptors are left to the
    rest of the server's process."""
    waiting_count = 100
    with Server(program, has_counters=True, open_files=limit) as server, ExitStack() as clients:
        eventually(lambda: server.counters, "the server prints its counters")
        room = limit - RESERVED_COUNT - server.open_file_count()
        with Load(server, ["--connections", str(room - 1), "--echo"], mode="idle") as load:
            load.ready()
            waiting = [clients.enter_context(_request(server)) for _ in range(waiting_count)]
            time.sleep(1)
            for client in waiting:
                client.settimeout(0)
            unserved = [client for client in waiting if not _has_answer(client)]
            files = server.open_file_count()
            yield f"open files of {limit:,}", files
            require(files <= limit - RESERVED_COUNT // 2, "the rest of the process has none")
            yield "clients that wait", len(unserved)
            require(len(unserved) >= waiting_count - 2, "more were served than there was room for")

            calls, cpu, began = server.samples[-1], server.cpu_nanoseconds(), time.monotonic()
            time.sleep(3)
            share = (server.cpu_nanoseconds() - cpu) / 1e9 / (time.monotonic() - began)
            later = server.samples[-1]
            per_second = (later[2] - calls[2]) / (later[0] - calls[0])
            yield "system calls per second while they wait", round(per_second)
            yield "CPU per second while they wait, in microseconds", round(1e6 * share)
            require(per_second <= CALLS_PER_SECOND_MAX, "a busy loop: too many system calls")
            require(share <= CPU_SHARE_MAX, "a busy loop: too much CPU")
            load.again()
            failures = server.counters["accept_failures"]
            require(failures > 0, "the statistics do not count failures to accept")
            yield "failures to accept in the statistics", failures
            said = [line for line in server.log if "RLIMIT_NOFILE" in line]
            require(len(said) == 1, f"the log does not say it once: {server.log}")
            print(f"  {said[0]}")
        eventually(lambda: all(_has_answer(client) for client in unserved), "waiting clients served")
        yield "of them served once others had left", len(unserved)


def memory_given_back(program):
    """What stays is records, for the next connections. A second crowd takes no more than the first."""
    with Server(program, has_counters=True) as server:
        with Load(server, ["--connections", "100", "--echo"], mode="idle") as load:
            load.ready()
        eventually(lambda: server.socket_count() == 0, "all connections end")
        before = server.resident_bytes()
        yield "resident bytes after 100 connections", before
        for time_of_many in ("first", "second"):
            with Load(server, ["--connections", "15000", "--echo"], mode="idle") as load:
                load.ready()
                yield f"with 15,000, the {time_of_many} time", server.resident_bytes()
            eventually(lambda: server.counters["connections"] == 0, "all connections end")
            time.sleep(2.5)  # housekeeping takes place once a second
            after = server.resident_bytes()
            yield "when they have gone", after
        kept = (after - before) // 15_000
        yield "bytes kept for each of 15,000", kept
        require(kept <= KEPT_BYTES_PER_CONNECTION_MAX, f"{kept} bytes are kept per connection")


def _request(server):
    client = socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE_SECONDS)
    client.sendall(REQUEST)
    return client


def _has_answer(client):
    try:
        return client.recv(4096, socket.MSG_PEEK).startswith(b"HTTP/1.1 101")
    except BlockingIOError:
        return False


def _is_closed_cleanly(server):
    try:
        with socket.create_connection(("127.0.0.1", server.port), timeout=5) as client:
            client.sendall(REQUEST)
            return client.recv(4096) == b""
    except OSError:
        return False
