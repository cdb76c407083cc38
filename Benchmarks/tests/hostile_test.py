"""Servers that break the protocol, lie, or fall silent: each is told from the others, in one line and
by the exit status."""

import threading
import time
import unittest

from load_run import (LOST, MISUSED, NOT_CONNECTED, NOT_UPGRADED, PROTOCOL_ERROR, SILENCE,
                      WRONG_MESSAGE, load)
from raw_server import BINARY, CLOSED, PING, Peer, RawServer, frame


def upgraded(behave):
    def serve(peer):
        peer.upgrade()
        behave(peer)
    return serve


def answered(data):
    """Sends this instead of the first echo, and waits for the end."""
    def behave(peer):
        peer.frame()
        peer.send(data)
        peer.receive(1)
    return upgraded(behave)


def echoed(change):
    return upgraded(lambda peer: peer.echo(change))


def nothing(peer):
    peer.receive(1 << 30)


def refusing(peer):
    peer.request()
    peer.send(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 4\r\n\r\n\x1b[2J")


def dripping(peer):
    for byte in peer.answer(peer.request()):
        peer.send(bytes([byte]))
        time.sleep(0.02)
    peer.echo()


def endless(peer):
    peer.request()
    while True:
        peer.send(b"x" * 1000)


def reset(peer):
    peer.frame()
    peer.reset()


def swapped(peer):
    """Answers two messages in the wrong order."""
    first, second = peer.frame(), peer.frame()
    peer.send(frame(second[1]) + frame(first[1]))
    peer.receive(1)


def silent_after(count):
    def behave(peer):
        peer.echo(count=count)
        nothing(peer)
    return upgraded(behave)


def without_close(peer):
    peer.echo(lambda payload, opcode, number: frame(payload), count=10)
    peer.frame()  # the close frame


# The server, the exit status, and a part of what is said.
FAULTS = {
    "a wrong accept key": (
        lambda peer: peer.upgrade(accept=b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), NOT_UPGRADED,
        "wrong Sec-WebSocket-Accept"),
    "a refusal": (refusing, NOT_UPGRADED, "refused to upgrade: HTTP/1.1 403 Forbidden"),
    "no answer": (nothing, NOT_UPGRADED, "no answer to the upgrade within 1 s, only 0 bytes"),
    "an answer that takes too long": (dripping, NOT_UPGRADED, "within 1 s, only"),
    "an end instead of an answer": (lambda peer: peer.request(), NOT_UPGRADED, "closed before"),
    "an endless answer": (endless, NOT_UPGRADED, "an endless answer"),
    "an extension": (lambda peer: peer.upgrade(
        extra=b"Sec-WebSocket-Extensions: permessage-deflate\r\n"), NOT_UPGRADED, "extension"),
    "a subprotocol": (lambda peer: peer.upgrade(
        extra=b"Sec-WebSocket-Protocol: chat\r\n"), NOT_UPGRADED, "subprotocol"),
    "garbage behind the answer": (
        lambda peer: (peer.upgrade(), peer.send(b"\xff" * 40), nothing(peer)), PROTOCOL_ERROR,
        "reserved bit (ff ff)"),
    "garbage with the answer": (
        lambda peer: (peer.send(peer.answer(peer.request()) + b"\xff" * 40), nothing(peer)),
        PROTOCOL_ERROR, "reserved bit (ff ff)"),
    "a masked frame": (answered(b"\x81\x81\0\0\0\0x"), PROTOCOL_ERROR, "a masked frame"),
    "an unknown frame": (answered(b"\x83\x00"), PROTOCOL_ERROR, "unknown data frame"),
    "an unknown control frame": (answered(b"\x8b\x00"), PROTOCOL_ERROR, "unknown control frame"),
    "a fragmented ping": (answered(b"\x09\x00"), PROTOCOL_ERROR, "fragmented control"),
    "a long ping": (answered(b"\x89\x7e\0\x7e"), PROTOCOL_ERROR, "more than 125"),
    "a continuation of nothing": (answered(b"\x80\x00"), PROTOCOL_ERROR, "continuation of nothing"),
    "a message in a message": (answered(b"\x01\x00\x81\x00"), PROTOCOL_ERROR, "within a message"),
    "a length in too many bytes": (answered(b"\x81\x7e\0\x14"), PROTOCOL_ERROR, "more bytes than"),
    "a length beyond 63 bits": (
        answered(b"\x81\x7f\xff" + bytes(7)), PROTOCOL_ERROR, "beyond 63 bits"),
    "a wrong close code": (answered(b"\x88\x02\x03\xed"), PROTOCOL_ERROR, "wrong code"),
    "a wrong echo": (echoed(lambda payload, opcode, number: frame(
        payload[:-1] + b"!" if number == 20 else payload)), WRONG_MESSAGE, "byte 19 is 21, not"),
    "a short echo": (
        echoed(lambda payload, *_: frame(payload[:-1])), WRONG_MESSAGE, "an echo of 19 bytes"),
    "a long echo": (
        echoed(lambda payload, *_: frame(payload + b"x")), WRONG_MESSAGE, "more than 20 bytes"),
    "a promise of an exabyte": (
        answered(b"\x81\x7f\x0f" + bytes(7) + b"x" * 30), WRONG_MESSAGE, "more than 20 bytes"),
    "binary for text": (
        echoed(lambda payload, *_: frame(payload, BINARY)), WRONG_MESSAGE, "another kind"),
    "an echo too many": (
        echoed(lambda payload, *_: frame(payload) * 2), WRONG_MESSAGE, "echo"),
    "echoes in another order": (upgraded(swapped), WRONG_MESSAGE, "differs from what was sent"),
    "a greeting": (
        lambda peer: (peer.send(peer.answer(peer.request()) + frame(b"welcome")), nothing(peer)),
        WRONG_MESSAGE,
        "no echo of anything"),
    "an end in the middle": (upgraded(lambda peer: (peer.echo(count=30), peer.finish())), LOST, "without a close"),
    "a reset in the middle": (upgraded(reset), LOST, "reset by peer"),
    "a close in the middle": (
        answered(b"\x88\x0b\x03\xe9\x1b[2J over"), LOST, "the server closes it: 1001  [2J over"),
    "silence": (silent_after(30), SILENCE, "no echo for 1 s"),
    "no closing handshake": (upgraded(without_close), PROTOCOL_ERROR, "no closing handshake"),
}
ARGUMENTS = ("--messages", 100, "--in-flight", 2, "--timeout", 1)


class HostileServers(unittest.TestCase):
    def test_each_fault_is_named(self):
        outcomes = {}

        def run(name, behave):
            count = 10 if name == "no closing handshake" else 100
            arguments = (*ARGUMENTS, "--messages", count)
            with RawServer(behave) as port:
                outcomes[name] = load("echo", port, *arguments)

        # At once, since silence is only found by waiting.
        runs = [threading.Thread(target=run, args=(name, fault[0])) for name, fault in FAULTS.items()]
        for thread in runs:
            thread.start()
        for thread in runs:
            thread.join()
        for name, (_, status, said) in FAULTS.items():
            with self.subTest(name):
                outcome = outcomes[name]
                self.assertIn(said, outcome.error)
                self.assertEqual(outcome.status, status, outcome.error)
                self.assertEqual(outcome.error.count("\n"), 1, "not one line")
                self.assertNotIn("\x1b", outcome.error, "what a server sends moves the terminal")

    def test_a_fault_is_found_while_messages_are_sent_at_a_rate(self):
        with RawServer(FAULTS["a wrong echo"][0]) as port:
            run = load("rate", port, "--rate", 1000, "--duration", 1)
        self.assertEqual(run.status, WRONG_MESSAGE, run.error)

    def test_an_idle_connection_that_ends_is_noticed(self):
        with RawServer(upgraded(lambda peer: time.sleep(0.5))) as port:
            run = load("idle", port, "--connections", 3, "--duration", 5)
        self.assertEqual(run.status, LOST, run.error)

    def test_nobody_listens(self):
        run = load("echo", 1)
        self.assertEqual((run.status, "refused" in run.error), (NOT_CONNECTED, True), run.error)

    def test_options_that_make_no_sense_are_refused(self):
        for arguments in (["--rate", "5"], ["--connections", "0"], ["--size", "x"], ["--size"],
                          ["--nonsense"], ["--stalled", "1"], ["--messages", "1", "--duration", "1"],
                          ["--header", "no colon"], ["--header", "a: b\r\nc: d"]):
            with self.subTest(arguments):
                self.assertEqual(load("echo", 1, *arguments).status, MISUSED)


class UnusualServers(unittest.TestCase):
    """What a server may do, however unusual, is no fault."""

    def assert_echoes(self, behave, *arguments):
        with RawServer(behave) as port:
            run = load("echo", port, "--messages", 100, "--in-flight", 3, *arguments)
        self.assertEqual(run.status, 0, run.error)
        self.assertEqual(run.result["messages"], 100)
        return run.result

    def test_a_slow_answer_to_the_upgrade_is_waited_for(self):
        self.assert_echoes(dripping)

    def test_echoes_may_be_cut_anywhere(self):
        def in_bytes(peer):
            peer.upgrade()
            send = peer.send
            peer.send = lambda data: [send(data[i : i + 1]) for i in range(len(data))]
            peer.echo()
        self.assert_echoes(in_bytes, "--size", 130)

    def test_echoes_may_be_fragmented_with_pings_between(self):
        pongs = []

        class Observed(Peer):
            def frame(self):
                opcode, payload = super().frame()
                if opcode == 10:
                    pongs.append(payload)
                return opcode, payload

        def serve(peer):
            peer.__class__ = Observed
            peer.upgrade()
            peer.echo(lambda payload, opcode, number: frame(payload[:7], opcode, 0)
                      + frame(b"%d" % number, PING) + frame(b"", 0, 0) + frame(payload[7:], 0))
        result = self.assert_echoes(serve)
        self.assertEqual(result["pings"], 100)
        self.assertEqual(pongs, [b"%d" % number for number in range(100)])

    def test_messages_may_be_empty(self):
        self.assert_echoes(upgraded(lambda peer: peer.echo()), "--size", 0)

    def test_binary_messages_come_back_as_binary(self):
        self.assert_echoes(upgraded(lambda peer: peer.echo()), "--binary", "--size", 70000)

    def test_a_subprotocol_and_headers_are_asked_for(self):
        requests = []

        def serve(peer):
            requests.append(peer.request())
            peer.send(peer.answer(requests[0], extra=b"Sec-WebSocket-Protocol: chat\r\n"))
            peer.echo()
        self.assert_echoes(serve, "--subprotocol", "chat", "--header", "Cookie: a=b",
                           "--header", "X-Test: 1")
        for line in (b"Sec-WebSocket-Protocol: chat", b"Cookie: a=b", b"X-Test: 1"):
            self.assertIn(b"\r\n" + line + b"\r\n", requests[0])

    def test_a_subprotocol_that_is_not_chosen_is_an_error(self):
        with RawServer(upgraded(lambda peer: peer.echo())) as port:
            run = load("echo", port, "--subprotocol", "chat")
        self.assertEqual(run.status, NOT_UPGRADED)
        self.assertIn("not the subprotocol", run.error)

    def test_the_connection_ends_with_a_closing_handshake(self):
        closes = []

        def serve(peer):
            peer.upgrade()
            peer.echo(count=100)
            closes.append(peer.frame())
            peer.send(CLOSED)
        self.assert_echoes(serve)
        self.assertEqual(closes, [(8, b"\x03\xe8")])
