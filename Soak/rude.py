"""Peers that behave badly, a few at a time: the kind of which there are always some."""
import os
import random
import socket
import struct
import threading
import time

KEY = b"dGhlIHNhbXBsZSBub25jZQ=="


class Rude:
    """Threads that bother the servers until `stop`; `pause` waits until all of them have let go."""

    def __init__(self, ports, thread_count=12):
        self._ports = ports
        self._goes_on = threading.Event()
        self._goes_on.set()
        self._ends = False
        self._busy = 0
        self._lock = threading.Lock()
        self.counts = {}
        self.findings = []
        self._threads = [threading.Thread(target=self._run, args=(seed,), daemon=True)
                         for seed in range(thread_count)]
        for thread in self._threads:
            thread.start()

    def pause(self):
        self._goes_on.clear()
        deadline = time.monotonic() + 60
        while self._busy and time.monotonic() < deadline:
            time.sleep(0.1)
        if self._busy:
            self.findings.append("a rude peer did not come to its end")

    def go(self):
        self._goes_on.set()

    def stop(self):
        self.pause()
        self._ends = True
        self._goes_on.set()
        for thread in self._threads:
            thread.join(10)

    def _run(self, seed):
        choice = random.Random(seed)
        manners = [self._asks_for_page, self._resets, self._never_reads, self._never_asks,
                   self._talks_nonsense, self._closes_half]
        while not self._ends:
            self._goes_on.wait()
            manner = choice.choice(manners)
            name = manner.__name__.strip("_")
            with self._lock:
                self._busy += 1
                self.counts[name] = self.counts.get(name, 0) + 1
            try:
                manner(choice)
            except AssertionError as error:
                self.findings.append(f"{name}: {error}")
            except OSError:
                pass  # refused, reset, timed out: what such peers may expect
            finally:
                with self._lock:
                    self._busy -= 1
            time.sleep(choice.random() * 0.2)

    def _connect(self, port, receive_buffer=None):
        peer = socket.socket()
        if receive_buffer:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        peer.settimeout(10)
        peer.connect(("127.0.0.1", port))
        return peer

    def _upgrade(self, name, choice, receive_buffer=None):
        peer = self._connect(choice.choice(self._ports[name]), receive_buffer)
        peer.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                     b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + KEY + b"\r\n\r\n")
        answer = b""
        while b"\r\n\r\n" not in answer:
            read = peer.recv(4096)
            if not read:
                break
            answer += read
        assert answer.startswith(b"HTTP/1.1 101 "), f"{name} answered {answer[:40]!r}"
        return peer

    def _asks_for_page(self, choice):
        name, status = choice.choice([("echo", b"200"), ("live", b"200"), ("chat", b"426"), ("auth", b"426")])
        with self._connect(choice.choice(self._ports[name])) as peer:
            peer.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            answer = b"".join(iter(lambda: peer.recv(65536), b""))
        head, _, body = answer.partition(b"\r\n\r\n")
        assert head.split(b" ", 2)[1:2] == [status], f"{name} answered {head[:40]!r}"
        lengths = [int(line.split(b":")[1]) for line in head.split(b"\r\n")
                   if line.lower().startswith(b"content-length:")]
        assert lengths == [len(body)], f"{name} sent {len(body)} bytes and announced {lengths}"

    def _resets(self, choice):
        name = choice.choice(["echo", "chat", "broadcast", "rtt"])
        peer = self._upgrade(name, choice)
        # Half of a frame.
        peer.sendall(b"\x82\xfe\x01\x00KEY!" + os.urandom(choice.randrange(200)))
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        peer.close()

    def _never_reads(self, choice):
        """Until the server has had enough, or for three seconds."""
        with self._upgrade("echo", choice, receive_buffer=4096) as peer:
            peer.settimeout(3)
            message = b"\x82\xff" + struct.pack("!Q", 60_000) + b"\0\0\0\0" + bytes(60_000)
            for _ in range(100):
                peer.sendall(message)

    def _never_asks(self, choice):
        ports = choice.choice(list(self._ports.values()))
        with self._connect(choice.choice(ports)) as peer:
            peer.sendall(b"GET / HTTP/1.1\r\nHost: loc"[:choice.randrange(26)])
            time.sleep(choice.random() * 2)

    def _talks_nonsense(self, choice):
        ports = choice.choice(list(self._ports.values()))
        with self._connect(choice.choice(ports)) as peer:
            peer.sendall(os.urandom(choice.randrange(1, 2000)) + b"\r\n\r\n")
            while peer.recv(4096):
                pass

    def _closes_half(self, choice):
        with self._upgrade("echo", choice) as peer:
            peer.sendall(b"\x81\x85\0\0\0\0Hello")
            peer.shutdown(socket.SHUT_WR)
            while peer.recv(4096):
                pass
