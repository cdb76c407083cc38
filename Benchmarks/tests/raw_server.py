"""Servers of a few lines on raw sockets, which do what no library would."""

import base64
import hashlib
import re
import socket
import threading

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
CLOSED = b"\x88\x02\x03\xe8"


def frame(payload, opcode=TEXT, first=0x80):
    """An unmasked frame, of the shortest form; `first` are the bits beside the opcode."""
    if len(payload) < 126:
        length = bytes([len(payload)])
    elif len(payload) < 65536:
        length = b"\x7e" + len(payload).to_bytes(2, "big")
    else:
        length = b"\x7f" + len(payload).to_bytes(8, "big")
    return bytes([first | opcode]) + length + payload


class Peer:
    """A client, as the server sees it."""

    def __init__(self, client, address):
        self._client = client
        self.address = address
        self._bytes = b""

    def send(self, data):
        self._client.sendall(data)

    def reset(self):
        self._client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    def finish(self):
        """FIN, and no RST: what still comes is read."""
        self._client.shutdown(socket.SHUT_WR)
        self.receive(1 << 30)

    def receive(self, count):
        while len(self._bytes) < count:
            data = self._client.recv(65536)
            if not data:
                raise EOFError
            self._bytes += data
        taken, self._bytes = self._bytes[:count], self._bytes[count:]
        return taken

    def request(self):
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += self.receive(1)
        return head

    def answer(self, request, extra=b"", accept=None):
        if accept is None:
            key = re.search(rb"(?i)Sec-WebSocket-Key: *(\S+)", request)[1]
            accept = base64.b64encode(hashlib.sha1(key + GUID).digest())
        return (b"HTTP/1.1 101 Switching Protocols\r\nupgrade: WebSocket\r\n"
                b"Connection: keep-alive, Upgrade\r\nSec-WebSocket-Accept: " + accept + b"\r\n"
                + extra + b"\r\n")

    def upgrade(self, **changes):
        self.send(self.answer(self.request(), **changes))

    def frame(self):
        """Opcode and payload of the next one."""
        first, second = self.receive(2)
        length = second & 127
        if length > 125:
            length = int.from_bytes(self.receive(2 if length == 126 else 8), "big")
        mask = self.receive(4)
        payload = self.receive(length)
        keys = (mask * (length // 4 + 1))[:length]
        plain = int.from_bytes(payload, "big") ^ int.from_bytes(keys, "big")
        return first & 15, plain.to_bytes(length, "big")

    def echo(self, change=lambda payload, opcode, number: frame(payload, opcode), count=None):
        """Echoes until the client closes, or so many. `change` makes the bytes of each answer."""
        number = 0
        while count is None or number < count:
            opcode, payload = self.frame()
            if opcode == CLOSE:
                self.send(CLOSED)
                return
            if opcode != PONG:
                self.send(change(payload, opcode, number))
                number += 1


class RawServer:
    """`with RawServer(behave) as port:`; `behave` is called with each client, on its own thread."""

    def __init__(self, behave, receive_buffer=None, family=socket.AF_INET, address=("127.0.0.1", 0)):
        self._behave = behave
        self._listener = socket.socket(family)
        if receive_buffer:
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self._listener.bind(address)
        self._listener.listen(128)

    def __enter__(self):
        threading.Thread(target=self._accept, daemon=True).start()
        name = self._listener.getsockname()
        return name[1] if isinstance(name, tuple) else name

    def __exit__(self, kind, error, trace):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self):
        while True:
            try:
                client, address = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client, address), daemon=True).start()

    def _serve(self, client, address):
        with client:
            try:
                self._behave(Peer(client, address))
            except (OSError, EOFError):
                pass  # the load has seen enough
