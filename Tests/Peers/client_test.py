"""The example `client` against servers of other people, and in front of those that behave badly."""
import hashlib
import os
import pathlib
import random
import socket
import struct
import subprocess
import tempfile
import threading
import time

from websockets.sync.server import serve, unix_serve

from client_case import ClientCase, ScriptedServer, upgrade
from peer_case import CLOSE, PING, TEXT, TIMEOUT_SECONDS, frame
from server_process import ServerProcess, executable


class WebsocketsServerTest(ClientCase):
    """Python's `websockets` as the server, with its own defaults: it offers compression, too."""

    # It answers a close frame at once, and forgets what it still wanted to say.
    PATIENT = ("--idle-ms", "500")

    def setUp(self):
        super().setUp()
        self.requests = []
        self.received = []
        self.closings = []

    def serve(self, handle=None, host="127.0.0.1", **options):
        """Starts a server; returns its URL."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        server = serve(handle or self.echo, sock=socket.create_server((host, 0), family=family),
                       max_size=None, **options)
        self.start(server)
        host, port = server.socket.getsockname()[:2]
        return f"ws://[{host}]:{port}/" if ":" in host else f"ws://{host}:{port}/"

    def start(self, server):
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(server.shutdown)

    def echo(self, connection):
        self.requests.append(connection.request)
        for message in connection:
            self.received.append(message)
            connection.send(message)
        self.closings.append(connection.close_code)

    def command(self, *arguments):
        return [executable("client"), "--backend", self.backend, *self.PATIENT, *arguments]

    def assert_closings(self, codes):
        # The client may have ended before the server's thread has gone on.
        end = time.monotonic() + 10
        while len(self.closings) < len(codes) and time.monotonic() < end:
            time.sleep(0.01)
        self.assertEqual(self.closings, codes)

    def assert_done(self, done, output=None):
        status, actual, errors = done
        self.assertEqual((status, errors), (0, ""))
        if output is not None:
            self.assertEqual(actual, output)

    def test_sends_lines_and_prints_what_arrives(self):
        text = "one\n\ntwo \U0001f426\nM\u00fcnchen\nlast, without a line break"
        self.assert_done(self.run_client(self.serve(), *self.PATIENT, data=text.encode()),
                         text.encode() + b"\n")
        self.assertEqual(self.received, text.split("\n"))
        self.assert_closings([1000])

    def test_closes_the_connection_at_the_end_of_an_empty_input(self):
        self.assert_done(self.run_client(self.serve()), b"")
        self.assert_closings([1000])
        self.assertEqual(self.received, [])

    def test_keeps_every_byte_both_ways(self):
        data = random.Random(1).randbytes(3 << 20)
        self.assert_done(self.run_client(
            self.serve(), "--binary", *self.PATIENT, data=data), data)
        self.assertEqual(hashlib.sha256(b"".join(self.received)).digest(),
                         hashlib.sha256(data).digest())
        self.assertTrue(all(isinstance(message, bytes) for message in self.received))

    def test_sends_and_receives_a_message_of_a_mebibyte(self):
        line = "\u20ac" * (1 << 18) + "x" * (1 << 18)
        self.assert_done(self.run_client(self.serve(), *self.PATIENT, data=line.encode() + b"\nshort\n"),
                         line.encode() + b"\nshort\n")
        self.assertEqual([len(message.encode()) for message in self.received], [1 << 20, 5])

    def test_joins_the_fragments_of_a_server(self):
        def handle(connection):
            connection.send(["frag", "", "ments ", "\u20ac" * 100_000])
            connection.send([b"\x00\xff" * 50_000, b"\n"])
        self.assert_done(self.run_client(self.serve(handle), *self.PATIENT),
                         b"fragments " + "\u20ac".encode() * 100_000 + b"\n"
                         + b"\x00\xff" * 50_000 + b"\n")

    def test_answers_pings(self):
        answered = []

        def handle(connection):
            for payload in b"", b"payload", b"x" * 125:
                answered.append(connection.ping(payload).wait(TIMEOUT_SECONDS))
        client = self.start_client(self.serve(handle))
        self.assertEqual(client.wait(), 0)
        self.assertEqual(answered, [True] * 3)

    def test_sends_fields_and_takes_the_subprotocol_that_is_chosen(self):
        url = self.serve(subprotocols=["second", "third"], origins=["https://example.org"])
        self.assert_done(self.run_client(
            url + "a%20path?q=1&r", "--header", "Authorization: Bearer 1234",
            "--header", "X-Empty:", "--subprotocol", "first", "--subprotocol", "second",
            "--origin", "https://example.org"))
        self.assert_closings([1000])
        request, = self.requests
        self.assertEqual(request.path, "/a%20path?q=1&r")
        self.assertEqual(request.headers["Authorization"], "Bearer 1234")
        self.assertEqual(request.headers["X-Empty"], "")
        self.assertEqual(request.headers["Host"], url.removeprefix("ws://").removesuffix("/"))
        self.assertEqual(request.headers["Sec-WebSocket-Protocol"], "first, second")
        self.assertNotIn("Sec-WebSocket-Extensions", request.headers)

    def test_takes_another_key_for_each_connection(self):
        url = self.serve()
        for _ in range(3):
            self.assert_done(self.run_client(url))
        self.assert_closings([1000] * 3)
        self.assertEqual(len({request.headers["Sec-WebSocket-Key"] for request in self.requests}), 3)

    def test_reaches_names_and_ipv6(self):
        url = self.serve()
        self.assert_done(
            self.run_client(url.replace("127.0.0.1", "localhost"), *self.PATIENT, data=b"name\n"),
            b"name\n")
        if not has_ipv6():
            self.skipTest("there is no IPv6")
        url = self.serve(host="::1")
        self.assert_done(self.run_client(url, *self.PATIENT, data=b"six\n"), b"six\n")
        self.assertEqual(self.received, ["name", "six"])

    def test_reaches_unix_sockets(self):
        with tempfile.TemporaryDirectory() as folder:
            path = str(pathlib.Path(folder, "socket"))
            self.start(unix_serve(self.echo, path))
            self.assert_done(self.run_client(
                "ws://localhost/", "--unix", path, *self.PATIENT, data=b"unix\n"), b"unix\n")
        self.assertEqual(self.requests[0].headers["Host"], "localhost")

    def test_says_with_what_the_server_has_closed(self):
        for code, status in (1000, 0), (1011, 1), (4000, 1):
            with self.subTest(code=code):
                url = self.serve(lambda connection: connection.close(code, "good-bye"))
                client = self.start_client(url)
                self.assertEqual(client.wait(), status)
                if status:
                    client.await_errors(f"{code} good-bye")

    def test_reads_no_more_than_the_connection_takes(self):
        released = threading.Event()

        def handle(connection):
            released.wait(TIMEOUT_SECONDS)
            self.echo(connection)
        read, write = os.pipe()
        with subprocess.Popen(
                [*self.command("--binary"), self.serve(handle)], stdin=read,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE) as client:
            os.close(read)
            os.set_blocking(write, False)
            written = fill(write)
            # What the kernel's buffers of both ends hold, what the client holds, and a lot to spare.
            self.assertLess(written, 32 << 20)
            self.assertLess(resident_bytes(client.pid), 64 << 20)
            released.set()
            os.close(write)
            output, errors = client.communicate(timeout=2 * TIMEOUT_SECONDS)
        self.assertEqual((client.returncode, errors, len(output)), (0, b"", written))

    def test_waits_for_who_reads_its_output(self):
        data = random.Random(2).randbytes(8 << 20)
        with subprocess.Popen(
                [*self.command("--binary"), self.serve()], stdin=subprocess.PIPE,
                stdout=subprocess.PIPE) as client:
            writer = threading.Thread(target=lambda: (client.stdin.write(data), client.stdin.close()))
            writer.start()
            time.sleep(0.5)
            self.assertLess(resident_bytes(client.pid), 64 << 20)
            output = client.stdout.read()
            writer.join(TIMEOUT_SECONDS)
        self.assertEqual((client.returncode, output == data), (0, True))

    def test_ends_when_nobody_reads_its_output(self):
        client = subprocess.Popen(
            [*self.command(), self.serve()], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE)
        with client:
            client.stdout.close()
            client.stdin.write(b"unread\n")
            client.stdin.flush()
            self.assertEqual(client.wait(TIMEOUT_SECONDS), 1)
            self.assertIn(b"cannot be written", client.stderr.read())


class ReconnectTest(ClientCase):
    """A server that is killed, and one on the same port that comes after it."""

    def test_comes_back_to_a_server_that_was_killed(self):
        with ServerProcess("echo", self.backend) as server:
            client = self.start_client(f"ws://127.0.0.1:{server.port}/", "--reconnect")
            client.say("before")
            self.assertEqual(client.hear(), "before")
            server.send_signal(9)
            server.wait()
            client.await_errors("the connection has ended")
            client.await_errors("Connection refused")
            # It waits for a connection.
            client.say("meanwhile")
        with ServerProcess("echo", self.backend, port=server.port):
            self.assertEqual(client.hear(), "meanwhile")
            client.say("afterwards")
            self.assertEqual(client.hear(), "afterwards")
            client.end_input()
            self.assertEqual(client.wait(), 0)

    def test_ends_with_the_connection_otherwise(self):
        with ServerProcess("echo", self.backend) as server:
            client = self.start_client(f"ws://127.0.0.1:{server.port}/")
            client.say("before")
            self.assertEqual(client.hear(), "before")
            server.send_signal(9)
            server.wait()
            self.assertEqual(client.wait(), 1)
            client.await_errors("the connection has ended")

    def test_does_not_come_back_after_a_normal_closure(self):
        with ScriptedServer(lambda key: upgrade(key) + close(1000)) as server:
            client = self.start_client(server.url, "--reconnect")
            self.assertEqual(client.wait(), 0)
        self.assertEqual(client.errors, "")


class RefusalTest(ClientCase):
    """Servers that refuse, or should not be believed."""

    def assert_fails(self, answer, explanation, *arguments):
        with ScriptedServer(answer) as server:
            status, output, errors = self.run_client(server.url, *arguments, data=b"never sent\n")
        self.assertEqual((status, output), (1, b""))
        self.assertIn(explanation, errors)
        self.assertNotIn(b"never sent", server.rest)
        return errors

    def test_says_that_nobody_listens(self):
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            port = unused.getsockname()[1]
            status, _, errors = self.run_client(f"ws://127.0.0.1:{port}/")
        self.assertEqual(status, 1)
        self.assertIn(f"connect to 127.0.0.1:{port}: Connection refused", errors)

    def test_says_that_a_name_does_not_exist(self):
        status, _, errors = self.run_client("ws://no-such-name.invalid/", timeout=30)
        self.assertEqual(status, 1)
        self.assertIn("no-such-name.invalid", errors)

    def test_says_what_is_demanded(self):
        self.assert_fails(
            lambda _: b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"x\"\r\n"
                      b"Content-Length: 3\r\n\r\nno\n",
            'refused: 401 Unauthorized, which asks for Basic realm="x"')

    def test_does_not_wait_for_a_server_that_keeps_the_connection(self):
        with ScriptedServer(lambda _: b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n",
                            keeps_connection=True) as server:
            began = time.monotonic()
            status, _, errors = self.run_client(server.url)
            self.assertLess(time.monotonic() - began, 3)
        self.assertEqual(status, 1)
        self.assertIn("401", errors)

    def test_follows_no_redirect_but_says_where_it_leads(self):
        self.assert_fails(
            lambda _: b"HTTP/1.1 302 Found\r\nLocation: ws://127.0.0.1:1/there\r\n\r\n",
            "refused: 302 Found, a redirect that is not followed: ws://127.0.0.1:1/there")

    def test_does_not_insist_when_it_was_refused(self):
        self.assert_fails(lambda _: b"HTTP/1.1 403 Forbidden\r\n\r\n", "403", "--reconnect")

    def test_believes_no_other_accept_key(self):
        for accept in "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", "x", "":
            with self.subTest(accept=accept):
                self.assert_fails(lambda key: upgrade(key, accept=accept or " "),
                                  "Sec-WebSocket-Accept is not the answer to the key")
        self.assert_fails(lambda key: upgrade(key.lower()), "Sec-WebSocket-Accept")

    def test_takes_nothing_that_was_not_offered(self):
        self.assert_fails(lambda key: upgrade(key, "Sec-WebSocket-Protocol: other"),
                          "a subprotocol that was not offered")
        self.assert_fails(lambda key: upgrade(key, "Sec-WebSocket-Extensions: permessage-deflate"),
                          "an extension that was not offered")

    def test_says_that_something_else_answers(self):
        for answer in b"SSH-2.0-OpenSSH_9.2\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n":
            self.assert_fails(lambda _: answer, "server")

    def test_says_that_the_answer_is_no_end(self):
        self.assert_fails(
            lambda _: b"HTTP/1.1 101 Switching Protocols\r\nX: " + b"x" * 100_000, "no WebSocket")

    def test_fails_a_connection_with_masked_frames(self):
        self.assert_fails_with(frame(TEXT, b"masked"), 1002)

    def test_fails_a_connection_with_text_that_is_no_utf8(self):
        self.assert_fails_with(frame(TEXT, b"caf\xe9", masked=False), 1007)

    def test_prints_what_came_with_the_response(self):
        with ScriptedServer(lambda key: upgrade(key) + frame(PING, b"?", masked=False)
                            + frame(TEXT, b"at once", masked=False) + close(1000)) as server:
            self.assertEqual(self.run_client(server.url), (0, b"at once\n", ""))

    def assert_fails_with(self, bad, code):
        with ScriptedServer(lambda key: upgrade(key) + bad) as server:
            client = self.start_client(server.url)
            self.assertEqual(client.wait(), 1)
        # Its close frame is masked as all of its frames are.
        head, payload = server.rest[:2], server.rest[6:]
        self.assertEqual((head[0], head[1] & 0x80), (0x80 | CLOSE, 0x80))
        key = server.rest[2:6]
        self.assertEqual(bytes([payload[0] ^ key[0], payload[1] ^ key[1]]), struct.pack(">H", code))


class CommandLineTest(ClientCase):
    def test_refuses_what_it_does_not_understand(self):
        for arguments in (["--nonsense"], ["--header", "no colon"], ["--header", "Host: x"],
                          ["--backend"], ["ws://a/"]):
            with self.subTest(arguments=arguments):
                status, output, errors = self.run_client("ws://127.0.0.1:1/", *arguments)
                self.assertEqual((status, output), (2, b""))
                self.assertIn("usage: client [options] URL", errors)
        for url in "http://127.0.0.1/", "wss://127.0.0.1/", "ws://", "ws://a:b/", "ws://a/#b":
            with self.subTest(url=url):
                status, _, errors = self.run_client(url)
                self.assertEqual(status, 2)
                self.assertIn(f"{url} is no WebSocket's URL", errors)

    def test_sends_no_text_that_is_no_utf8(self):
        with ServerProcess("echo", self.backend) as server:
            status, output, errors = self.run_client(
                f"ws://127.0.0.1:{server.port}/", data=b"good\ncaf\xe9\nnever sent\n")
        self.assertEqual((status, output), (1, b"good\n"))
        self.assertIn("not UTF-8", errors)


def close(code):
    return frame(CLOSE, struct.pack(">H", code), masked=False)


def fill(descriptor):
    """Writes until nobody takes any more for a second; returns how many bytes."""
    written, last = 0, time.monotonic()
    while time.monotonic() - last < 1 and written < 256 << 20:
        try:
            written += os.write(descriptor, bytes(65536))
            last = time.monotonic()
        except BlockingIOError:
            time.sleep(0.01)
    return written


def resident_bytes(process_id):
    with open(f"/proc/{process_id}/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
        return True
    except OSError:
        return False
