"""The `echo` server as a child process: started on a free port of the loopback, ended by its id."""
import ctypes
import errno
import os
import pathlib
import platform
import re
import signal
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXECUTABLE = ROOT / ".build" / "release" / "echo"

START_SECONDS = 15
STOP_SECONDS = 15
LOG_BYTE_COUNT = 4096


class EchoProcess:
    """`with EchoProcess("epoll", "--max-message-bytes", "1024") as echo: ... echo.port`"""

    def __init__(self, backend, *arguments):
        self.backend = backend
        self._command = [str(EXECUTABLE), "--host", "127.0.0.1", "--port", "0",
                         "--backend", backend, *arguments]
        self._output = tempfile.TemporaryFile()
        self._errors = tempfile.TemporaryFile()
        self._process = None
        self.port = None

    def __enter__(self):
        if not EXECUTABLE.exists():
            raise SystemExit(f"{EXECUTABLE} is missing: swift build -c release --product echo")
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

    def _await_port(self):
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            first_line, newline, _ = self._read(self._output, 0).partition("\n")
            if newline:
                match = re.fullmatch(r"listening on ws://127\.0\.0\.1:(\d+)/", first_line)
                if match:
                    return int(match[1])
                raise RuntimeError(f"the first line of echo is {first_line!r}")
            if self._process.poll() is not None:
                break
            time.sleep(0.01)
        raise RuntimeError(f"echo on {self.backend} did not start:\n{self.log()}")

    @classmethod
    def _read_end(cls, file):
        return cls._read(file, max(0, os.fstat(file.fileno()).st_size - LOG_BYTE_COUNT))

    @staticmethod
    def _read(file, offset):
        # pread: the server writes through the same open file and must keep its offset.
        return os.pread(file.fileno(), LOG_BYTE_COUNT, offset).decode("utf-8", "replace")


def refusal_of_io_uring():
    """None if this kernel lets this process use io_uring, else why not.

    Asked of the kernel and not of the server, so that a broken server is never taken for a
    machine without io_uring.
    """
    version = tuple(int(part) for part in re.findall(r"\d+", platform.release())[:2])
    if version < (6, 1):
        return f"Linux {platform.release()} is older than 6.1"
    io_uring_setup = 425
    parameters = ctypes.create_string_buffer(120)
    descriptor = ctypes.CDLL(None, use_errno=True).syscall(io_uring_setup, 1, parameters)
    if descriptor < 0:
        return f"the kernel refuses io_uring: {errno.errorcode[ctypes.get_errno()]}"
    os.close(descriptor)
    return None


def usable_backends(wanted):
    """Those of the wanted backends that this machine offers; says which it leaves out, and why."""
    usable = []
    for backend in wanted:
        refusal = refusal_of_io_uring() if backend == "io_uring" else None
        if refusal:
            print(f"{backend}: skipped, {refusal}", flush=True)
        else:
            usable.append(backend)
    return usable
