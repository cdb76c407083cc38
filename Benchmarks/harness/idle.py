"""What a server needs for connections on which nothing happens."""

import time

from .processes import Load

FIRST, MORE = 5_000, 10_000  # in two processes: one may hold 20,000 descriptors


def resident_slope(server, *arguments, settling_seconds=0):
    """Bytes of the resident set per connection, between 5,000 and 15,000 of them. The arguments are
    the load's: with `--echo` each connection has echoed one message. `settling_seconds` are waited
    before each look."""
    with Load(server, ["--connections", str(FIRST), *arguments], "idle") as first:
        first.ready()
        time.sleep(settling_seconds)
        before = server.resident_bytes()
        with Load(server, ["--connections", str(MORE), *arguments], "idle") as second:
            second.ready()
            time.sleep(settling_seconds)
            return (server.resident_bytes() - before) / MORE
