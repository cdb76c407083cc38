"""The page at `/`, as curl gets it."""
import subprocess

from peer_case import TIMEOUT_SECONDS, PeerCase, Response


class PageTest(PeerCase):
    def curl(self, *arguments):
        """The response and its body."""
        command = ["curl", "--silent", "--show-error", "--include", "--noproxy", "*",
                   "--max-time", str(TIMEOUT_SECONDS), *arguments, f"http://{self.authority}/"]
        result = subprocess.run(command, capture_output=True, check=True)
        head, _, body = result.stdout.partition(b"\r\n\r\n")
        return Response(head), body.decode()

    def test_is_one_document(self):
        response, body = self.curl()
        self.assertEqual(response.status, 200)
        self.assertTrue(response.fields["content-type"].startswith("text/html"))
        self.assertEqual(int(response.fields["content-length"]), len(body.encode()))
        self.assertTrue(body.lower().startswith("<!doctype html>"))
        self.assertTrue(body.rstrip().endswith("</html>"))

    def test_needs_nothing_from_elsewhere(self):
        _, body = self.curl()
        for outside in "http://", "https://", "src=", "@import", "url(":
            self.assertNotIn(outside, body)

    def test_is_not_served_to_a_wrong_upgrade(self):
        response, _ = self.curl("-H", "Connection: Upgrade", "-H", "Upgrade: websocket")
        self.assertIn(response.status, range(400, 500))
