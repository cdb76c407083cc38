"""An echo server made of Python's `websockets`, on a thread of its own."""

import asyncio
import logging
import threading

from websockets.asyncio.server import serve, unix_serve


# It logs every client that leaves without a word, as those do that never read.
logging.getLogger("websockets").setLevel(logging.CRITICAL)


class LibraryServer:
    """`with LibraryServer() as server: server.port`. With `stall_seconds` the whole server does
    nothing for so long, once, when message `stall_at` comes."""

    def __init__(self, stall_seconds=0, stall_at=0, host="127.0.0.1", path=None, greeting=None):
        self.message_count = 0
        self._stall_seconds, self._stall_at = stall_seconds, stall_at
        self._host, self._path, self._greeting = host, path, greeting
        self._loop = asyncio.new_event_loop()
        self._is_started = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.port = None

    def __enter__(self):
        self._thread.start()
        if not self._is_started.wait(10):
            raise RuntimeError("the server does not start")
        return self

    def __exit__(self, kind, error, trace):
        self._loop.call_soon_threadsafe(self._stop.set_result, None)
        self._thread.join(10)

    def _run(self):
        self._loop.run_until_complete(self._serve())

    async def _serve(self):
        self._stop = self._loop.create_future()
        options = {"compression": None, "max_size": None}
        server = (unix_serve(self._echo, self._path, **options) if self._path
                  else serve(self._echo, self._host, 0, **options))
        async with server as listening:
            if not self._path:
                self.port = listening.sockets[0].getsockname()[1]
            self._is_started.set()
            await self._stop

    async def _echo(self, connection):
        while self._greeting:
            await connection.send(self._greeting)
            await asyncio.sleep(0.01)
        async for message in connection:
            self.message_count += 1
            if self._stall_seconds and self.message_count == self._stall_at:
                threading.Event().wait(self._stall_seconds)  # nothing else runs on this loop
            await connection.send(message)
