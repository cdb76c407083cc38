"""The example `live`, by what its page is made of: JSON over one WebSocket."""
import json
import time

from example_case import ExampleCase, receive_event
from peer_case import TIMEOUT_SECONDS
from server_process import ServerProcess


class LiveTest(ExampleCase):
    example = "live"
    arguments = ("--reactors", "2")

    def visitor(self):
        """A connection, and the welcome that it got."""
        connection = self.open()
        return connection, receive_event(connection, "welcome")

    def joined(self, name, **resumption):
        connection, welcome = self.visitor()
        connection.send(json.dumps({"type": "join", "name": name, **resumption}))
        event = receive_event(connection, "joined")
        return connection, welcome, event

    def say(self, connection, text):
        connection.send(json.dumps({"type": "say", "text": text}))

    def receive_said(self, connection, text):
        while True:
            event = receive_event(connection, "said")
            if event["text"] == text:
                return event

    def test_ticks_each_second_for_everybody(self):
        connections = [self.visitor()[0] for _ in range(3)]
        ticks = [[receive_event(connection, "tick")["number"] for _ in range(3)]
                 for connection in connections]
        for numbers in ticks:
            self.assertEqual(numbers, list(range(numbers[0], numbers[0] + 3)))

    def test_says_what_the_server_does(self):
        connections = [self.joined(f"visitor {number}")[0] for number in range(4)]
        connection = connections[0]
        for number in range(100):
            connection.send(json.dumps({"type": "echo", "number": number}))
        deadline = time.monotonic() + TIMEOUT_SECONDS
        most = 0
        while most == 0 and time.monotonic() < deadline:
            event = receive_event(connection, "figures")
            most = max(most, event["received"] if event["received"] >= 50 else 0)
        self.assertGreaterEqual(most, 50)
        self.assertEqual(event["backend"], self.backend)
        self.assertEqual(len(event["connections"]), 2)
        self.assertGreaterEqual(sum(event["connections"]), 4)
        self.assertGreaterEqual(event["here"], 4)
        self.assertGreater(event["published"], 0)

    def test_measures_round_trips(self):
        connection, _ = self.visitor()
        for _ in range(5):
            event = receive_event(connection, "roundTrip")
            self.assertIn(event["microseconds"], range(1, 5_000_000))

    def test_carries_a_talk(self):
        ada, ada_welcome, _ = self.joined("Ada")
        grace, _, _ = self.joined("Gr\u00e2ce \U0001f426")
        self.say(ada, 'Hello "there" \\ <b>\n\U0001f426')
        for connection in ada, grace:
            event = self.receive_said(connection, 'Hello "there" \\ <b>\n\U0001f426')
            self.assertEqual((event["id"], event["name"]), (ada_welcome["id"], "Ada"))
            self.assertAlmostEqual(event["at"] / 1000, time.time(), delta=60)
        grace.send('{"type":"rename","name":"Hopper"}')
        event = receive_event(ada, "renamed")
        self.assertEqual((event["before"], event["name"]), ("Gr\u00e2ce \U0001f426", "Hopper"))
        grace.close()
        self.assertEqual(receive_event(ada, "left")["name"], "Hopper")

    def test_goes_on_where_a_connection_was_lost(self):
        room = "said", "entered", "left", "renamed"
        ada, welcome, start = self.joined("Ada")
        self.say(ada, "before")
        position = start["position"]
        while True:
            position += 1
            if receive_event(ada, *room).get("text") == "before":
                break
        ada.close()
        grace, _, _ = self.joined("Grace")
        self.say(grace, "meanwhile")
        self.receive_said(grace, "meanwhile")

        ada, _, event = self.joined("Ada", run=welcome["run"], position=position)
        self.assertEqual((event["resumed"], event["position"]), (1, position))
        self.say(ada, "after")
        texts = []
        while "after" not in texts:
            texts.append(receive_event(ada, *room).get("text"))
        self.assertEqual([text for text in texts if text], ["meanwhile", "after"])

    def test_tells_who_reads_too_slowly_what_is_left_out(self):
        with ServerProcess("live", self.backend) as server:
            url = f"ws://127.0.0.1:{server.port}/"
            # It stops to read behind one message that nobody has taken.
            slow = self.open(url, max_queue=1)
            slow.send('{"type":"join","name":"Slow"}')
            receive_event(slow, "joined")
            fast = self.open(url)
            fast.send('{"type":"join","name":"Fast"}')
            steps, step, text = 20, 400, "x" * 2000
            for _ in range(steps):
                for _ in range(step):
                    self.say(fast, text)
                self.say(fast, "the last one of these")
                self.receive_said(fast, "the last one of these")

            # What Slow is told and what it is told to have missed make up all; that Fast has come
            # in, too.
            missed = heard = 0
            while missed + heard < 1 + steps * (step + 1):
                event = receive_event(slow, "missed", "said", "entered")
                if event["type"] == "missed":
                    missed += event["count"]
                elif event["name"] == "Fast":
                    heard += 1
            self.assertGreater(missed, 0)
            self.assertEqual(missed + heard, 1 + steps * (step + 1))

    def test_shows_earlier_messages_to_who_comes_anew(self):
        ada, welcome, _ = self.joined("Ada")
        self.say(ada, "for those to come")
        self.receive_said(ada, "for those to come")
        for resumption in {}, {"run": 1, "position": 0}, {"run": welcome["run"], "position": 1 << 53}:
            with self.subTest(resumption=resumption):
                grace, _, event = self.joined("Grace", **resumption)
                self.assertEqual(event["resumed"], 0)
                self.receive_said(grace, "for those to come")

    def test_refuses_what_it_does_not_understand(self):
        connection, _, _ = self.joined("Ada")
        for request in WRONG_REQUESTS:
            with self.subTest(request=request):
                connection.send(request)
                self.assertTrue(receive_event(connection, "refused", "echo")["reason"])
        self.say(connection, "still here")
        self.receive_said(connection, "still here")

    def test_refuses_to_talk_before_joining(self):
        connection, _ = self.visitor()
        for request in '{"type":"say","text":"x"}', '{"type":"rename","name":"x"}':
            connection.send(request)
            receive_event(connection, "refused")

    def test_reads_json_as_others_write_it(self):
        connection, _, _ = self.joined("Ada")
        for request, text in (
                (' { "type" : "say" ,\t"text"\r\n: "spaced" } ', "spaced"),
                (r'{"\u0074ype":"s\u0061y","text":"\ud83d\udc26\u00e4\/\\\"\n"}',
                 "\U0001f426\u00e4/\\\"\n"),
                ('{"text":"other order","type":"say","more":0}', "other order")):
            connection.send(request)
            self.receive_said(connection, text)


WRONG_REQUESTS = [
    "", " ", "null", "[]", "{", "}", "{}", "{}{}", '{"type"}', '{"type":}', '{"type":"say"',
    '{"type":"say","text":"x"}x', '{"type":"say","text":"x",}', '{"type":"say",,"text":"x"}',
    '{"type":"say","type":"say","text":"x"}', '{"type":["say"]}', '{"type":{"a":"b"}}',
    '{"type":"shout"}', '{"type":1}', '{"type":true}', '{"type":-1}', '{"type":1.5}',
    '{"type":01}', '{"type":99999999999999999999999999}', '{"type":9007199254740993}',
    '{"type":"say"}', '{"type":"say","text":""}', '{"type":"say","text":"' + "x" * 2001 + '"}',
    '{"type":"say","text":" \\n\u00a0"}', '{"type":"say","text":1}', '{"type":"say","text":"\\u0000"}', '{"type":"say","text":"\x01"}',
    '{"type":"say","text":"\\ud83d"}', '{"type":"say","text":"\\ud83d\\u0041"}',
    '{"type":"say","text":"\\udc26"}', '{"type":"say","text":"\\u12"}', '{"type":"say","text":"\\x"}',
    '{"type":"say","text":"\\', '{"type":"say","text":"\\u', "'type'", '\ufeff{"type":"echo"}',
    '{"type":"rename","name":""}', '{"type":"rename","name":" x"}', '{"type":"rename"}',
    '{"type":"rename","name":"' + "x" * 25 + '"}', '{"type":"rename","name":"\\u202e"}',
    '{"type":"rename","name":"a' + "\u0301" * 60 + '"}', '{"type":"join","name":"again"}',
    "{" + ",".join(f'"{number}":0' for number in range(9)) + "}", "[" * 2000,
    b'{"type":"echo"}', b"\xff\x00",
]
