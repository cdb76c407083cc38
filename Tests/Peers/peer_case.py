"""What the peers share: where the server is, and a raw connection to it."""
import base64
import hashlib
import os
import socket
import struct
import unittest

ACCEPT_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TIMEOUT_SECONDS = 10

# RFC 6455 §5.2
CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA


class PeerCase(unittest.TestCase):
    """A test against a running server; the suite fills in which one."""

    host = "127.0.0.1"
    port = 0
    backend = None  # None: a server that the suite did not start
    max_message_byte_count = 2 << 20

    @property
    def authority(self):
        return f"{self.host}:{self.port}"

    @property
    def url(self):
        return f"ws://{self.authority}/"

    def connect(self):
        """A raw connection, closed at the end of the test."""
        connection = RawConnection(self.host, self.port)
        self.addCleanup(connection.close)
        return connection

    def upgraded(self):
        """A raw connection past its opening handshake."""
        connection = self.connect()
        connection.send(self.upgrade_request())
        self.assertEqual(connection.receive_response().status, 101)
        return connection

    def upgrade_request(self, method="GET", protocol="HTTP/1.1", extra=(), **changes):
        """A right opening handshake. A change replaces a field, or leaves it out if it is None."""
        fields = {
            "Host": self.authority,
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
            "Sec-WebSocket-Version": "13",
        }
        fields.update({name.replace("_", "-"): value for name, value in changes.items()})
        lines = [f"{method} / {protocol}"]
        lines += [f"{name}: {value}" for name, value in fields.items() if value is not None]
        return "\r\n".join([*lines, *extra, "", ""]).encode("latin-1")


class Response:
    """An HTTP response up to its empty line."""

    def __init__(self, head):
        lines = head.decode("latin-1").split("\r\n")
        self.protocol, status, *_ = lines[0].split(" ", 2)
        self.status = int(status)
        self.fields = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            self.fields[name.strip().lower()] = value.strip()


class RawConnection:
    """A TCP connection that says exactly what it is told to, right or wrong."""

    def __init__(self, host, port):
        self._socket = socket.create_connection((host, port), TIMEOUT_SECONDS)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._received = b""

    def close(self):
        self._socket.close()

    def reset(self):
        """Ends the connection with RST instead of FIN."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()

    def end_sending(self):
        self._socket.shutdown(socket.SHUT_WR)

    def send(self, data):
        self._socket.sendall(data)

    def send_byte_by_byte(self, data):
        for position in range(len(data)):
            self._socket.sendall(data[position:position + 1])

    def send_until_refused(self, data):
        """As `send`, of which the server need not read everything."""
        try:
            self._socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass

    def receive_response(self):
        while b"\r\n\r\n" not in self._received:
            self._receive_more()
        head, _, self._received = self._received.partition(b"\r\n\r\n")
        return Response(head)

    def receive_frame(self):
        """The next frame as (first byte, payload); a masked one is an error (§5.1)."""
        first, second = self._take(2)
        if second & 0x80:
            raise AssertionError("the server masked a frame")
        byte_count = second
        if second == 126:
            byte_count, = struct.unpack(">H", self._take(2))
        elif second == 127:
            byte_count, = struct.unpack(">Q", self._take(8))
        return first, self._take(byte_count)

    def receive_close_code(self):
        """Skips to the close frame; the code in it, or None if it has none."""
        while True:
            first, payload = self.receive_frame()
            if first == 0x80 | CLOSE:
                return struct.unpack(">H", payload[:2])[0] if payload else None

    def receive_to_end(self):
        """Everything until the server ends the connection; a reset counts as an end."""
        try:
            while True:
                self._receive_more()
        except (EOFError, ConnectionResetError):
            received, self._received = self._received, b""
            return received

    def _take(self, byte_count):
        while len(self._received) < byte_count:
            self._receive_more()
        taken, self._received = self._received[:byte_count], self._received[byte_count:]
        return taken

    def _receive_more(self):
        data = self._socket.recv(1 << 16)
        if not data:
            raise EOFError("the server ended the connection")
        self._received += data


def frame(opcode, payload=b"", *, final=True, masked=True, reserved=0, declared=None):
    """The bytes of a frame, whether the protocol allows it or not.

    `declared` is the length it claims instead of its own; `reserved` the bits RSV1-3 as 0...7.
    """
    byte_count = len(payload) if declared is None else declared
    head = bytes([(0x80 if final else 0) | reserved << 4 | opcode])
    mask_bit = 0x80 if masked else 0
    if byte_count < 126:
        head += bytes([mask_bit | byte_count])
    elif byte_count < 1 << 16:
        head += struct.pack(">BH", mask_bit | 126, byte_count)
    else:
        head += struct.pack(">BQ", mask_bit | 127, byte_count)
    if not masked:
        return head + payload
    key = os.urandom(4)
    stream = (key * (len(payload) // 4 + 1))[:len(payload)]
    mixed = int.from_bytes(payload, "big") ^ int.from_bytes(stream, "big")
    return head + key + mixed.to_bytes(len(payload), "big")


def accept_key(key):
    """§4.2.2: what the server must answer to a key."""
    return base64.b64encode(hashlib.sha1(key.encode() + ACCEPT_GUID).digest()).decode()
