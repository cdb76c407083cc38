"""A strict WebSocket client of a few lines: what is not to the letter is an `Unexpected`."""

import base64
import hashlib
import os
import socket

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
PATIENCE_SECONDS = 5
LONGEST_ANSWER = 8192
END = "the end of the connection"


class Unexpected(Exception):
    """What the server did instead of what it must do."""


def frame(opcode, payload=b"", is_final=True):
    """As a client sends it: masked."""
    length = len(payload)
    if length < 126:
        head = bytes([0x80 | length])
    elif length < 1 << 16:
        head = bytes([0x80 | 126]) + length.to_bytes(2, "big")
    else:
        head = bytes([0x80 | 127]) + length.to_bytes(8, "big")
    mask = os.urandom(4)
    key = (mask * (length // 4 + 1))[:length]
    masked = int.from_bytes(payload, "big") ^ int.from_bytes(key, "big")
    return bytes([is_final << 7 | opcode]) + head + mask + masked.to_bytes(length, "big")


class Client:
    """One connection, upgraded. A context manager."""

    def __init__(self, port):
        self._received = b""
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            self._upgrade(port)
        except BaseException:
            self._socket.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        self._socket.close()

    def _upgrade(self, port):
        key = base64.b64encode(os.urandom(16))
        self.send(b"GET / HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\n"
                  b"Connection: Upgrade\r\nSec-WebSocket-Key: %s\r\n"
                  b"Sec-WebSocket-Version: 13\r\n\r\n" % (port, key))
        while b"\r\n\r\n" not in self._received:
            if len(self._received) > LONGEST_ANSWER:
                raise Unexpected("an answer without an end")
            self._receive_more()
        head, _, self._received = self._received.partition(b"\r\n\r\n")
        status, *lines = head.split(b"\r\n")
        fields = {name.strip().lower(): value.strip()
                  for name, _, value in (line.partition(b":") for line in lines)}
        if not status.startswith(b"HTTP/1.1 101 "):
            raise Unexpected(f"the answer {status.decode(errors='replace')}")
        accept = base64.b64encode(hashlib.sha1(key + GUID).digest())
        if fields.get(b"sec-websocket-accept") != accept:
            raise Unexpected("a wrong Sec-WebSocket-Accept")
        if b"sec-websocket-extensions" in fields:
            raise Unexpected("an extension that was not offered")

    def send(self, data):
        self._socket.sendall(data)

    def _receive_more(self):
        try:
            data = self._socket.recv(1 << 18)
        except socket.timeout:  # only since Python 3.10 the same as TimeoutError
            raise Unexpected(f"nothing for {PATIENCE_SECONDS} s") from None
        if not data:
            raise Unexpected(END)
        self._received += data

    def _take(self, count):
        while len(self._received) < count:
            self._receive_more()
        taken, self._received = self._received[:count], self._received[count:]
        return taken

    def frame(self):
        """The next frame: its opcode, whether it is final, its payload."""
        first, second = self._take(2)
        if first & 0x70:
            raise Unexpected("a frame with reserved bits")
        if second & 0x80:
            raise Unexpected("a masked frame")
        length = second
        if second > 125:
            length = int.from_bytes(self._take(2 if second == 126 else 8), "big")
            if length < (126 if second == 126 else 1 << 16):
                raise Unexpected(f"a length of {length} in a longer form than needed")
        opcode, is_final = first & 0xF, first >> 7 == 1
        if opcode >= CLOSE and (not is_final or length > 125):
            raise Unexpected("a control frame that is fragmented or too long")
        return opcode, is_final, self._take(length)

    def message(self):
        """The next message, put together, or control frame: its opcode and its payload."""
        opcode, is_final, payload = self.frame()
        parts = [payload]
        while not is_final:
            kind, is_final, payload = self.frame()
            if kind != CONTINUATION:
                raise Unexpected(f"a frame of opcode {kind} within a message")
            parts.append(payload)
        return opcode, b"".join(parts)

    def expect_end(self):
        """The server ends the connection, without another byte."""
        try:
            while not self._received:
                self._receive_more()
        except ConnectionResetError:
            return
        except Unexpected as unexpected:
            if str(unexpected) == END:
                return
            raise
        raise Unexpected("bytes behind the close frame")
