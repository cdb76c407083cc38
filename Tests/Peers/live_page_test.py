"""The page of the example `live` in a real browser: what people see and do."""
import signal
import subprocess
import time
import unittest

import browser_test
from browser import Browser, find_chromium
from example_case import ExampleCase
from peer_case import TIMEOUT_SECONDS
from server_process import ServerProcess


@unittest.skipUnless(find_chromium(), "there is no Chromium")
class LivePageTest(ExampleCase):
    example = "live"
    arguments = ("--reactors", "2")

    def opened(self, server=None, name=None, **options):
        browser = self.enterContext(Browser(**options))
        root = f"http://127.0.0.1:{(server or self.server).port}/"
        if name:
            # Any page of that server will do to remember a name.
            browser.open(root + "none")
            browser.evaluate(f"sessionStorage.setItem('name', {name!r})")
        browser.open(root)
        self.await_state(browser, "connected")
        return browser

    def await_state(self, browser, state):
        browser.wait_for(f"document.getElementById('status').textContent === '{state}'")

    def rename(self, browser, name):
        browser.evaluate(f"element('name').value = {name!r}; element('name').onchange()")

    def say(self, browser, text):
        browser.evaluate(f"element('text').value = {text!r}; element('send').click()")

    def await_said(self, browser, text):
        browser.wait_for(f"{self.SAID}.some(body => body.textContent === {text!r})")

    SAID = "[...document.querySelectorAll('.said .body')]"

    def said(self, browser):
        return browser.evaluate(f"{self.SAID}.map(body => body.textContent)")

    def test_needs_nothing_from_elsewhere(self):
        page = subprocess.run(
            ["curl", "--silent", "--noproxy", "*", "--max-time", str(TIMEOUT_SECONDS),
             f"http://{self.authority}/"], capture_output=True, check=True).stdout.decode()
        self.assertTrue(page.startswith("<!doctype html>"))
        self.assertTrue(page.rstrip().endswith("</html>"))
        for outside in "http://", "https://", "src=", "@import", "url(", "innerHTML":
            self.assertNotIn(outside, page)

    def test_two_pages_chat_with_each_other(self):
        ada, grace = self.opened(name="Ada"), self.opened(name="Grace")
        self.say(ada, "Hello, <b>not bold</b> \U0001f426")
        for browser in ada, grace:
            self.await_said(browser, "Hello, <b>not bold</b> \U0001f426")
        self.say(grace, "Hello, Ada")
        self.await_said(ada, "Hello, Ada")
        self.assertEqual(ada.evaluate("document.querySelectorAll('#log .body *').length"), 0)

        def last(browser):
            return browser.evaluate("document.querySelector('.said:last-child').className")
        self.assertNotIn("own", last(ada))
        self.assertIn("own", last(grace))
        ada.wait_for("document.querySelector('.said:last-child b').textContent === 'Grace'")
        ada.wait_for("element('here').textContent === '2 are here'")

    def test_the_ticker_ticks(self):
        browser = self.opened()
        browser.wait_for("/^[0-9,]+$/.test(element('tick').textContent)")
        tick = browser.evaluate("element('tick').textContent")
        browser.wait_for(f"element('tick').textContent !== '{tick}'")
        browser.wait_for("/^[0-9.]+ ms after/.test(element('tick-note').textContent)")
        self.assertEqual(browser.evaluate("document.querySelectorAll('#beats .now').length"), 1)

    def test_the_plot_draws(self):
        browser = self.opened()
        browser.wait_for("samples.length >= 20")
        line = browser.evaluate("document.querySelector('#plot .line').getAttribute('d')")
        self.assertGreaterEqual(line.count("L") + line.count("M"), 20)
        self.assertNotIn("NaN", line)
        box = browser.evaluate("(({width, height}) => [width, height])"
                               "(document.querySelector('#plot .line').getBBox())")
        self.assertGreater(box[0], 10)
        self.assertRegex(browser.evaluate("element('rtt').textContent"), r"^[\d.]+ (µs|ms)$")

    def test_shows_what_the_server_does(self):
        browser = self.opened()
        browser.wait_for("document.querySelectorAll('#reactors li').length === 2")
        browser.wait_for(f"element('backend').textContent === '{self.backend}'")
        browser.evaluate("element('burst').click()")
        browser.wait_for("/^there and back/.test(element('burst-note').textContent)")
        browser.wait_for("Math.max(...rates) >= 300")
        browser.wait_for("document.querySelectorAll('#spark rect.some').length > 0")

    def test_comes_back_to_a_server_that_was_away(self):
        with ServerProcess("live", self.backend) as server:
            browser = self.opened(server)
            self.say(browser, "before")
            self.await_said(browser, "before")
            server.send_signal(signal.SIGTERM)
            server.wait()
            self.await_state(browser, "away")
            self.assertFalse(browser.evaluate("element('away').hidden"))
            self.assertTrue(browser.evaluate("element('send').disabled"))
            browser.evaluate("element('text').value = 'half written'")
        with ServerProcess("live", self.backend, port=server.port):
            self.await_state(browser, "connected")
            self.assertTrue(browser.evaluate("element('away').hidden"))
            self.assertEqual(browser.evaluate("element('text').value"), "half written")
            browser.evaluate("element('send').click()")
            self.await_said(browser, "half written")
            # It is another room: what was said in the one before is not in it.
            self.assertEqual(self.said(browser), ["half written"])

    def test_misses_nothing_when_only_the_connection_was_lost(self):
        ada, grace = self.opened(name="Ada"), self.opened(name="Grace")
        self.say(ada, "heard by both")
        self.await_said(grace, "heard by both")
        grace.evaluate("lost(); retryAt = Infinity")
        self.say(ada, "said meanwhile")
        self.await_said(ada, "said meanwhile")
        grace.evaluate("connect()")
        self.await_state(grace, "connected")
        self.say(ada, "said afterwards")
        self.await_said(grace, "said afterwards")
        said = self.said(grace)
        for text in "heard by both", "said meanwhile", "said afterwards":
            self.assertEqual(said.count(text), 1, said)

    def test_says_why_something_was_refused(self):
        browser = self.opened()
        self.rename(browser, "a" + "\u0301" * 60)
        browser.wait_for("!element('refusal').hidden")
        self.assertIn("a name has", browser.evaluate("element('refusal').textContent"))

    def test_fits_a_phone_and_a_desk_by_day_and_by_night(self):
        for name, width, height in ("phone", 375, 812), ("desk", 1200, 860):
            for dark in False, True:
                with self.subTest(name=name, dark=dark):
                    browser = self.opened(width=width, height=height, dark=dark)
                    self.say(browser, "A longer message, which wraps. " * 5)
                    self.say(browser, "x" * 200)
                    self.await_said(browser, "x" * 200)
                    browser.wait_for("samples.length >= 5 && rates.length >= 1")
                    self.assertTrue(browser.evaluate(
                        "document.documentElement.scrollWidth <= innerWidth"), "scrolls sideways")
                    if browser_test.screenshot_folder:
                        light = "night" if dark else "day"
                        browser.screenshot(
                            browser_test.screenshot_folder / f"live-{name}-{light}.png")

    def test_can_be_shown_around(self):
        if not browser_test.screenshot_folder:
            self.skipTest("no pictures are kept")
        with ServerProcess("live", self.backend, "--reactors", "2") as server:
            ada = self.opened(server, "Ada", width=1200, height=860)
            phone = self.opened(server, "Grace", width=375, height=812)
            karl = self.opened(server, "Karl", dark=True, width=1200, height=860)
            for browser, text in (
                    (phone, "Is this the same server for all of us?"),
                    (ada, "One process, a few threads. Each of them has its own connections."),
                    (karl, "And the ticker over there?"),
                    (ada, "Published by a thread that has none. Any thread can."),
                    (ada, "It is written down once, however many pages are open."),
                    (phone, "I have just come through a tunnel and missed nothing.")):
                self.say(browser, text)
                self.await_said(ada, text)
            ada.wait_for("performance.now() > 16000")
            ada.evaluate("element('burst').click()")
            ada.wait_for("rates.some(rate => rate > 500)")
            phone.evaluate("element('burst').click()")
            ada.wait_for("rates.filter(rate => rate > 300).length >= 2")
            time.sleep(12)
            for name, browser in ("desk", ada), ("desk-night", karl), ("phone", phone):
                browser.evaluate("document.activeElement.blur()")
                browser.screenshot(browser_test.screenshot_folder / f"live-scene-{name}.png")
            phone.evaluate("scrollTo(0, 1e6)")
            phone.screenshot(browser_test.screenshot_folder / "live-scene-phone-below.png")
