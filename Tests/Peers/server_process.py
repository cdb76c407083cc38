"""One of the examples as a child process: started on a free port of the loopback, ended by its id."""
import os
import pathlib
import re
import signal
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]

START_SECONDS = 15
STOP_SECONDS = 15
LOG_BYTE_COUNT = 4096


def executable(name):
    """The path of an example's release build."""
    return ROOT / ".build" / "release" / name


class ServerProcess:
    """`with ServerProcess("chat", "epoll", "--reactors", "2") as server: ... server.port`"""

    def __init__(self, name, backend, *arguments, port=0):
        self.name = name
        self.backend = backend
        self._command = [str(executable(name)), "--host", "127.0.0.1", "--port", str(port),
                         "--backend", backend, *arguments]
        self._output = tempfile.TemporaryFile()
        self._errors = tempfile.TemporaryFile()
        self._process = None
        self.port = None

    def __enter__(self):
        if not executable(self.name).exists():
            raise SystemExit(f"{executable(self.name)} is missing: swift build -c release")
        # Files, not pipes: a server that logs much must not block on a reader that is busy.
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.DEVNULL, stdout=self._output, stderr=self._errors)
        try:
            self.port = self._await_port()
        except BaseException:
            self._process.kill()
            self._process.wait()
            raise
        return self

    def __exit__(self, kind, value, traceback):
        if self.is_running:
            self.send_signal(signal.SIGTERM)
            self.wait()
        self._output.close()
        self._errors.close()

    @property
    def process_id(self):
        return self._process.pid

    @property
    def is_running(self):
        return self._process.poll() is None

    def send_signal(self, signal_number):
        self._process.send_signal(signal_number)

    def wait(self):
        """The exit status; a server that does not end is killed."""
        try:
            return self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()

    def log(self):
        """The last of what the server has written."""
        return self._read_end(self._output) + self._read_end(self._errors)

    def await_output(self, pattern):
        """The match of a pattern in what the server has printed, or will print soon."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            match = re.search(pattern, self._read_end(self._output))
            if match:
                return match
            time.sleep(0.01)
        raise AssertionError(f"{self.name} never printed {pattern!r}:\n{self.log()}")

    def _await_port(self):
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            first_line, newline, _ = self._read(self._output, 0).partition("\n")
            if newline:
                match = re.fullmatch(r"listening on ws://127\.0\.0\.1:(\d+)/", first_line)
                if match:
                    return int(match[1])
                raise RuntimeError(f"the first line of {self.name} is {first_line!r}")
            if self._process.poll() is not None:
                break
            time.sleep(0.01)
        raise RuntimeError(f"{self.name} on {self.backend} did not start:\n{self.log()}")

    @classmethod
    def _read_end(cls, file):
        return cls._read(file, max(0, os.fstat(file.fileno()).st_size - LOG_BYTE_COUNT))

    @staticmethod
    def _read(file, offset):
        # pread: the server writes through the same open file and must keep its offset.
        return os.pread(file.fileno(), LOG_BYTE_COUNT, offset).decode("utf-8", "replace")
