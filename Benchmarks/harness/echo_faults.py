"""Proves that `echo_check` notices what it must: a server of a few lines does all well, or one thing
wrong."""

import base64
import hashlib
import re
import socket
import threading

from . import echo_check
from .echo_client import BINARY, CLOSE, CONTINUATION, GUID, PING, PONG, TEXT


def _head(first, length):
    if length < 126:
        return bytes([first, length])
    if length < 1 << 16:
        return bytes([first, 126]) + length.to_bytes(2, "big")
    return bytes([first, 127]) + length.to_bytes(8, "big")


class EchoServer:
    """Right in everything; a fault is another value or function of the same name."""

    ping_ends_message = False

    def accept_value(self, key):
        return base64.b64encode(hashlib.sha1(key + GUID).digest())

    def more_fields(self):
        return b""

    def answer(self, opcode, payload):
        """What is sent for a whole message."""
        return _head(0x80 | opcode, len(payload)) + payload

    def pong(self, payload):
        return _head(0x80 | PONG, len(payload)) + payload

    def close(self, payload):
        return _head(0x80 | CLOSE, len(payload)) + payload

    def after_close(self, client):
        pass

    def serve(self, listener):
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._converse, args=(client,), daemon=True).start()

    def _converse(self, client):
        with client, client.makefile("rb") as received:
            try:
                self._upgrade(client, received)
                self._echo(client, received)
            except OSError:
                pass

    def _upgrade(self, client, received):
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            if not (line := received.readline()):
                raise OSError
            head += line
        key = re.search(rb"Sec-WebSocket-Key: (\S+)", head)[1]
        client.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                       b"Connection: Upgrade\r\nSec-WebSocket-Accept: " + self.accept_value(key)
                       + b"\r\n" + self.more_fields() + b"\r\n")

    def _echo(self, client, received):
        kind, message = None, b""
        while head := received.read(2):
            opcode, is_final, length = head[0] & 0xF, head[0] >> 7, head[1] & 0x7F
            if length > 125:
                length = int.from_bytes(received.read(2 if length == 126 else 8), "big")
            mask = received.read(4)
            key = int.from_bytes((mask * (length // 4 + 1))[:length], "big")
            payload = (int.from_bytes(received.read(length), "big") ^ key).to_bytes(length, "big")
            if opcode == CLOSE:
                client.sendall(self.close(payload))
                return self.after_close(client)
            if opcode == PING:
                client.sendall(self.pong(payload))
                message = b"" if self.ping_ends_message else message
            if opcode > BINARY:
                continue
            if opcode != CONTINUATION:
                kind, message = opcode, b""
            message += payload
            if is_final:
                client.sendall(self.answer(kind, message))


def _right(opcode, payload):
    return EchoServer().answer(opcode, payload)


def _damaged(opcode, payload):
    """The last byte of what is long."""
    return _right(opcode, payload[:-1] + b"?" if len(payload) > 65_535 else payload)


def _in_fragments(opcode, payload):
    """Not wrong: a server may do that."""
    half = len(payload) // 2
    return (_head(opcode, half) + payload[:half]
            + _head(0x80 | CONTINUATION, len(payload) - half) + payload[half:])


def _last_is_another(opcode, payload):
    return _right(opcode, b"else" if payload == b"once " else payload)


def _not_ascii_is_lost(opcode, payload):
    return _right(opcode, payload.decode(errors="replace").encode("ascii", "replace")
                  if opcode == TEXT else payload)


def _masked(opcode, payload):
    right = _right(opcode, payload)
    return right[:1] + bytes([right[1] | 0x80]) + right[2:]


def _long_form(opcode, payload):
    if len(payload) != 125:
        return _right(opcode, payload)
    return bytes([0x80 | opcode, 126, 0, 125]) + payload


# What a server has instead of what is above, and what echo_check must say.
FAULTS = {
    "none": ({}, None),
    "answers in fragments": ({"answer": _in_fragments}, None),
    "a wrong key": ({"accept_value": lambda key: key}, "wrong Sec-WebSocket-Accept"),
    "an extension": ({"more_fields": lambda: b"Sec-WebSocket-Extensions: permessage-deflate\r\n"},
                     "extension"),
    "text for binary": ({"answer": lambda opcode, payload: _right(TEXT, payload)},
                        "binary of 20 bytes: opcode 1, not 2"),
    "a damaged byte": ({"answer": _damaged}, "text of 65536 bytes: .* different from byte 65535"),
    "a byte too few": ({"answer": lambda opcode, payload: _right(opcode, payload[:-1])},
                       "text of 1 bytes: 0 bytes for 1"),
    "another message": ({"answer": _last_is_another}, "in fragments: 4 bytes for 5"),
    "what is not ASCII": ({"answer": _not_ascii_is_lost}, "text that is not ASCII"),
    "a mask": ({"answer": _masked}, "masked frame"),
    "a reserved bit": ({"answer": lambda opcode, payload: _right(0x40 | opcode, payload)},
                       "reserved bits"),
    "a longer length": ({"answer": _long_form}, "text of 125 bytes: a length of 125"),
    "no pong": ({"pong": lambda payload: b""}, "a ping: nothing for 5 s"),
    "an empty pong": ({"pong": lambda payload: _head(0x80 | PONG, 0)}, "a ping: 0 bytes for 5"),
    "a ping in the middle": ({"ping_ends_message": True}, "a ping within a message: another"),
    "no close frame": ({"close": lambda payload: b""}, "closing handshake: the end"),
    "another code": ({"close": lambda payload: _head(0x80 | CLOSE, 2) + b"\x03\xea"},
                     "closing handshake: opcode 8"),
    "no end": ({"after_close": lambda client: client.recv(1)}, "closing handshake: nothing for 5 s"),
    "bytes at the end": ({"after_close": lambda client: client.sendall(b"more")}, "bytes behind"),
}


def _error(name, fault, expected):
    server = EchoServer()
    vars(server).update(fault)
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        threading.Thread(target=server.serve, args=(listener,), daemon=True).start()
        found = echo_check.conversation_errors(listener.getsockname()[1])
        listener.shutdown(socket.SHUT_RDWR)
    if expected is None:
        return f"{name}: {found}" if found else None
    return None if re.search(expected, "\n".join(found)) else f"{name}: {found} without {expected}"


def errors():
    """What echo_check takes for right or wrong by mistake; all faults at once, since some are only
    seen by waiting."""
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
