"""Does a server echo as all servers must that are compared? One that loses a byte, or leaves out what
RFC 6455 asks for, would be fast by that; it is not timed."""

import itertools

from .echo_client import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Client, Unexpected, frame
from .processes import Failure, Server

LENGTHS = (0, 1, 20, 125, 126, 65535, 65536, 1 << 20)
CLOSED_NORMALLY = b"\x03\xe8"


def _payload(length, first=0):
    """ASCII, of which no two neighbours and no two messages in a row are the same."""
    cycle = bytes(range(32, 127))
    return bytes(itertools.islice(itertools.cycle(cycle[first:] + cycle[:first]), length))


def _expect(client, opcode, payload):
    got, data = client.message()
    if got != opcode:
        raise Unexpected(f"opcode {got}, not {opcode}")
    if data != payload:
        same = next((i for i, (a, b) in enumerate(zip(data, payload)) if a != b),
                    min(len(data), len(payload)))
        raise Unexpected(f"{len(data)} bytes for {len(payload)}, different from byte {same} on")


def _echoes(opcode, payload):
    def converse(client):
        client.send(frame(opcode, payload))
        _expect(client, opcode, payload)
    return converse


def _echoes_many(client):
    """More in one write than one read takes."""
    payloads = [_payload(length, length % 90) for length in range(200)] * 5
    client.send(b"".join(frame(TEXT, payload) for payload in payloads))
    for payload in payloads:
        _expect(client, TEXT, payload)


def _echoes_pieces(client):
    for byte in frame(BINARY, _payload(130)):
        client.send(bytes([byte]))
    _expect(client, BINARY, _payload(130))


def _echoes_fragments(client):
    payload = _payload(70_000)
    client.send(frame(BINARY, payload[:1], False) + frame(CONTINUATION, b"", False)
                + frame(CONTINUATION, payload[1:300], False) + frame(CONTINUATION, payload[300:]))
    _expect(client, BINARY, payload)
    client.send(frame(TEXT, b"once "))
    _expect(client, TEXT, b"once ")


def _answers_ping(client):
    for length in (0, 5, 125):
        client.send(frame(PING, _payload(length)))
        _expect(client, PONG, _payload(length))
    client.send(frame(PONG, b"that nobody asked for") + frame(TEXT, b"afterwards"))
    _expect(client, TEXT, b"afterwards")


def _answers_ping_within_message(client):
    """At once or after the message, and either way the message is whole."""
    client.send(frame(TEXT, b"be", False) + frame(PING, b"now") + frame(CONTINUATION, b"tween"))
    message, has_pong, is_whole = b"", False, False
    while not (has_pong and is_whole):
        opcode, is_final, payload = client.frame()
        if opcode == PONG and payload == b"now" and not has_pong:
            has_pong = True
        elif opcode == (CONTINUATION if message else TEXT) and not is_whole:
            message, is_whole = message + payload, is_final
        else:
            raise Unexpected(f"a frame of opcode {opcode}")
    if message != b"between":
        raise Unexpected("another message")


def _closes(client):
    client.send(frame(CLOSE, CLOSED_NORMALLY))
    opcode, payload = client.message()
    if opcode != CLOSE or payload[:2] not in (CLOSED_NORMALLY, b""):
        raise Unexpected(f"opcode {opcode} and {payload!r}, not a close frame with 1000")
    client.expect_end()


MESSAGES = {
    **{f"text of {n} bytes": _echoes(TEXT, _payload(n)) for n in LENGTHS},
    **{f"binary of {n} bytes": _echoes(BINARY, bytes(i * 7 & 255 for i in range(n)))
       for n in LENGTHS},
    "text that is not ASCII": _echoes(TEXT, "Mauersegler über 東京 🐦".encode()),
    "1,000 messages at once": _echoes_many,
    "a frame byte by byte": _echoes_pieces,
    "a message in fragments": _echoes_fragments,
}
CONTROL = {
    "a ping": _answers_ping,
    "a ping within a message": _answers_ping_within_message,
    "the closing handshake": _closes,
}


def conversation_errors(port, has_control_frames=True):
    """What a server does wrong, none if all is well. Each conversation has a connection of its own.

    `has_control_frames`: whether pings and closes are answered, or are echoed as if they were
    messages, as by the floors."""
    errors = []
    for what, converse in {**MESSAGES, **(CONTROL if has_control_frames else {})}.items():
        try:
            with Client(port) as client:
                converse(client)
        except (Unexpected, OSError) as error:
            errors.append(f"{what}: {error}")
    return errors


def errors(program):
    """The same of a program, which is started and must end at SIGTERM."""
    try:
        with Server(program) as server:
            return conversation_errors(server.port, program.has_control_frames)
    except Failure as failure:
        return [str(failure)]
