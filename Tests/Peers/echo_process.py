"""The `echo` server as a child process, and which backends it can run on here."""
import ctypes
import errno
import os
import platform
import re

from server_process import ServerProcess


class EchoProcess(ServerProcess):
    """`with EchoProcess("epoll", "--max-message-bytes", "1024") as echo: ... echo.port`"""

    def __init__(self, backend, *arguments):
        super().__init__("echo", backend, *arguments)


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
