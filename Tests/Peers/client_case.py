"""The example `client` as a child process, and servers for it that say exactly what they are told to."""
import contextlib
import queue
import socket
import subprocess
import threading
import time

from peer_case import TIMEOUT_SECONDS, PeerCase, accept_key
from server_process import executable


class ClientCase(PeerCase):
    """A test of the example `client`, on the suite's backend."""

    def setUp(self):
        if self.backend is None:
            self.skipTest("only the server given is tested")

    def run_client(self, url, *arguments, data=b"", timeout=TIMEOUT_SECONDS):
        """Runs it to its end: exit status, output, errors."""
        done = subprocess.run(
            [executable("client"), "--backend", self.backend, *arguments, url], input=data,
            capture_output=True, timeout=timeout)
        return done.returncode, done.stdout, done.stderr.decode()

    def start_client(self, url, *arguments):
        """One that is talked to, ended at the end of the test."""
        client = ClientProcess(
            [executable("client"), "--backend", self.backend, *arguments, url])
        self.addCleanup(client.end)
        return client


class ClientProcess:
    def __init__(self, command):
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self._lines = queue.Queue()
        self._errors = []
        self._readers = [
            threading.Thread(target=self._read, args=(self._process.stdout, self._lines.put)),
            threading.Thread(target=self._read, args=(self._process.stderr, self._errors.append))]
        for reader in self._readers:
            reader.start()

    @staticmethod
    def _read(pipe, put):
        for line in pipe:
            put(line.decode().removesuffix("\n"))

    @property
    def errors(self):
        return "\n".join(self._errors)

    def say(self, line):
        self._process.stdin.write(line.encode() + b"\n")
        self._process.stdin.flush()

    def hear(self, timeout=TIMEOUT_SECONDS):
        try:
            return self._lines.get(timeout=timeout)
        except queue.Empty:
            raise AssertionError(f"the client printed nothing; errors: {self.errors}") from None

    def await_errors(self, text):
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while text not in self.errors:
            if time.monotonic() > deadline:
                raise AssertionError(f"the client never said {text!r}, but: {self.errors}")
            time.sleep(0.01)

    def end_input(self):
        self._process.stdin.close()

    def wait(self):
        return self._process.wait(TIMEOUT_SECONDS)

    def end(self):
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        for reader in self._readers:
            reader.join()
        for pipe in self._process.stdin, self._process.stdout, self._process.stderr:
            with contextlib.suppress(BrokenPipeError):
                pipe.close()


class ScriptedServer:
    """Takes one connection, reads its request, and answers what it is told to.

    `answer` makes the bytes of the answer from the key of the request. It ends the connection when the
    client does; with `keeps_connection`, only at the end of the block."""

    def __init__(self, answer, keeps_connection=False):
        self._answer = answer
        self._may_close = threading.Event()
        if not keeps_connection:
            self._may_close.set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(TIMEOUT_SECONDS)
        self.request = b""
        self.rest = b""
        self._thread = threading.Thread(target=self._serve)

    @property
    def url(self):
        return f"ws://127.0.0.1:{self._listener.getsockname()[1]}/"

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._may_close.set()
        self._thread.join()
        self._listener.close()

    def _serve(self):
        with contextlib.suppress(OSError):
            connection, _ = self._listener.accept()
            with connection:
                connection.settimeout(TIMEOUT_SECONDS)
                while b"\r\n\r\n" not in self.request:
                    data = connection.recv(65536)
                    if not data:
                        return
                    self.request += data
                connection.sendall(self._answer(self._key()))
                while data := connection.recv(65536):
                    self.rest += data
                self._may_close.wait(TIMEOUT_SECONDS)

    def _key(self):
        for line in self.request.decode().split("\r\n"):
            name, _, value = line.partition(":")
            if name.lower() == "sec-websocket-key":
                return value.strip()
        raise AssertionError(f"no key in {self.request!r}")


def upgrade(key, *fields, accept=None):
    """A right answer to a key, or one with another `accept`."""
    lines = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade",
             f"Sec-WebSocket-Accept: {accept or accept_key(key)}", *fields]
    return "\r\n".join([*lines, "", ""]).encode()
