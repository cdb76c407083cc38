"""Proves that the subscribers of `martlet-load fanout` notice what they must: a server of a few lines does all
well, or one thing wrong."""

import base64
import hashlib
import json
import re
import socket
import subprocess
import threading
import time

from .programs import BUILT

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
SUBSCRIBERS, MESSAGES, SIZE = 3, 40, 200
LAST = SUBSCRIBERS - 1  # whom most of the faults happen to
FAULT_STATUSES = (6, 7, 8)  # a wrong message, a lost connection, silence


def message(number, size, published=1):
    """The frame of a published message of less than 65,536 bytes."""
    payload = b"%016x%08x" % (published, number)
    payload += b"x" * (size - len(payload))
    return b"\x81" + (bytes([size]) if size < 126 else b"\x7e" + size.to_bytes(2, "big")) + payload


def _frame(number, published):
    return message(number, SIZE, published)


def _swapped(frames, subscriber):
    if subscriber == LAST:
        frames[10], frames[11] = frames[11], frames[10]
    return frames


def _at(place, change):
    """Changes the frames of one subscriber; `change` gives what to put in place of one of them."""
    def apply(frames, subscriber):
        if subscriber == LAST:
            frames[place : place + 1] = change(frames[place])
        return frames
    return apply


# What a server does to the frames of each subscriber, and what the load must say.
FAULTS = {
    "none": (lambda frames, subscriber: frames, None),
    "another order for one": (_swapped, None),
    "one is lost": (_at(20, lambda frame: []), "no delivery for 2 s, 1 outstanding"),
    "the last one is lost": (_at(39, lambda frame: []), "no delivery for 2 s, 1 outstanding"),
    "one comes instead of another": (_at(20, lambda frame: [_frame(19, 1)]), "two messages 19"),
    "one comes twice": (lambda frames, subscriber: _at(20, lambda frame: [frames[19]])(
        frames, subscriber), "got 40 messages of 40, some of them twice"),
    "one too many": (_at(39, lambda frame: [frame, frame]), "more than all messages"),
    "a number too high": (_at(20, lambda frame: [_frame(40, 1)]), "message 40 of 40"),
    "a damaged filler": (_at(20, lambda frame: [frame[:-9] + b"y" + frame[-8:]]), "not filled"),
    "a damaged number": (_at(20, lambda frame: [frame[:25] + b"?" + frame[26:]]), "hexadecimal"),
    "binary": (_at(20, lambda frame: [b"\x82" + frame[1:]]), "begins with 82"),
    "a close": (_at(39, lambda frame: [b"\x88\x02\x03\xe8"]), "server closes it: 1000"),
    "half a frame more": (_at(39, lambda frame: [frame, frame[:100]]), "bytes behind"),
    "the end": (_at(39, None), "ended it without a close frame"),
}


def _accept(listener):
    client, _ = listener.accept()
    request = b""
    while b"\r\n\r\n" not in request:
        request += client.recv(4096)
    key = re.search(rb"Sec-WebSocket-Key: (\S+)", request)[1]
    accept = base64.b64encode(hashlib.sha1(key + GUID).digest())
    client.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                   b"Connection: Upgrade\r\nSec-WebSocket-Accept: " + accept + b"\r\n\r\n")
    return client


def _publish(clients, fault):
    """In pieces that end anywhere, to one subscriber after the other."""
    frames = [_frame(number, time.monotonic_ns()) for number in range(MESSAGES)]
    for subscriber, client in enumerate(clients):
        data = b"".join(fault(list(frames), subscriber))
        for at in range(0, len(data), 333):
            client.sendall(data[at : at + 333])
            time.sleep(0.0002)


def _serve(listener, fault):
    clients = [_accept(listener) for _ in range(SUBSCRIBERS)]
    clients[0].recv(100)  # go
    try:
        _publish(clients, fault)
        clients[0].recv(100)  # until the load has ended
    except (TypeError, OSError):  # "the end", and whoever has seen enough
        pass
    for client in clients:
        client.close()


def _error(name, fault, expected):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_serve, args=(listener, fault), daemon=True).start()
        arguments = {"connections": SUBSCRIBERS, "messages": MESSAGES, "size": SIZE, "end": "fin",
                     "timeout": 2}
        run = subprocess.run(
            [BUILT / "martlet-load", "fanout", f"ws://127.0.0.1:{listener.getsockname()[1]}/",
             "--json", *(f"--{key}={value}" for key, value in arguments.items())],
            capture_output=True, text=True, timeout=60,
        )
    if expected is not None:
        is_found = run.returncode in FAULT_STATUSES and re.search(expected, run.stderr)
        return None if is_found else f"{name}: {run.returncode} {run.stdout}{run.stderr}"
    if run.returncode != 0:
        return f"{name}: {run.stderr}"
    result = json.loads(run.stdout)
    is_right = (result["messages"] == SUBSCRIBERS * MESSAGES
                and result["has_same_order"] == (name == "none"))
    return None if is_right else f"{name}: {result}"


def errors():
    """What the load takes for right or wrong by mistake; all faults at once, since one of them is
    only seen by waiting."""
    found = []

    def check(name, fault, expected):
        try:
            error = _error(name, fault, expected)
        except Exception as exception:  # whatever it is, it is the finding
            error = f"{name}: {exception!r}"
        if error:
            found.append(error)

    checks = [threading.Thread(target=check, args=(name, *fault)) for name, fault in FAULTS.items()]
    for thread in checks:
        thread.start()
    for thread in checks:
        thread.join()
    return found
