#!/usr/bin/env python3
"""Opens a report in headless Chromium, offline, and checks what only a browser can tell.

    browser.py REPORT.html [--browser chromium] [--pictures DIR]

Speaks the DevTools protocol over a pipe, so that it needs nothing but Python and the browser. Ends with 1 and a line for each check
that failed. With --pictures it leaves screenshots and a printed page to look at.
"""

import argparse
import base64
import contextlib
import fcntl
import json
import os
import pathlib
import select
import subprocess
import sys
import tempfile
import time

FLAGS = """--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking
--disable-component-update --disable-sync --hide-scrollbars --remote-debugging-pipe""".split()
OFFLINE = "--host-resolver-rules=MAP * ~NOTFOUND"


class Browser:
    """A browser with one page."""

    def __init__(self, program, profile):
        # The browser reads commands from descriptor 3 and writes answers to 4.
        down, up = os.pipe(), os.pipe()
        high = [fcntl.fcntl(end, fcntl.F_DUPFD, 20) for end in (down[0], up[1])]

        def place():
            os.dup2(high[0], 3)
            os.dup2(high[1], 4)

        command = [program, *FLAGS, OFFLINE, f"--user-data-dir={profile}", "about:blank"]
        self.process = subprocess.Popen(
            command, preexec_fn=place, pass_fds=(3, 4), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        for end in (*high, down[0], up[1]):
            os.close(end)
        self.write, self.read = down[1], up[0]
        self.pending, self.count, self.events, self.session = b"", 0, [], None
        targets = self.call("Target.getTargets")["targetInfos"]
        page = next(target for target in targets if target["type"] == "page")
        self.session = self.call("Target.attachToTarget", targetId=page["targetId"], flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def message(self, patience):
        """The next message, if it comes in time."""
        end = time.monotonic() + patience
        while b"\0" not in self.pending:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.read], [], [], left)[0]:
                return None
            chunk = os.read(self.read, 1 << 20)
            if not chunk:
                raise SystemExit("the browser ended by itself")
            self.pending += chunk
        line, self.pending = self.pending.split(b"\0", 1)
        return json.loads(line)

    def call(self, method, **parameters):
        """The answer to a command; events that come meanwhile are kept."""
        self.count += 1
        command = {"id": self.count, "method": method, "params": parameters}
        if self.session:
            command["sessionId"] = self.session
        data = json.dumps(command).encode() + b"\0"
        while data:
            data = data[os.write(self.write, data) :]
        while message := self.message(60):
            if message.get("id") == self.count:
                if "error" in message:
                    raise SystemExit(f"{method}: {message['error']}")
                return message["result"]
            self.events.append(message)
        raise SystemExit(f"{method}: no answer for a minute")

    def open(self, path):
        self.call("Page.navigate", url=path.resolve().as_uri())
        while not any(event["method"] == "Page.loadEventFired" for event in self.events):
            event = self.message(60)
            if event is None:
                raise SystemExit("the page does not load")
            self.events.append(event)

    def evaluate(self, expression):
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise SystemExit(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def screen(self, width, height=900, dark=False):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 500)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", media="", features=[scheme])

    def press(self, key, code, text=""):
        for kind in ("keyDown", "keyUp"):
            more = {"text": text} if text and kind == "keyDown" else {}
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code, **more)

    def click(self, x, y):
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def picture(self, path):
        shot = self.call("Page.captureScreenshot", captureBeyondViewport=True, format="png")
        path.write_bytes(base64.b64decode(shot["data"]))

    def close(self):
        with contextlib.suppress(Exception, SystemExit):
            self.session = None
            self.call("Browser.close")
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()


# The table and the column that are sorted: the first with numbers.
COLUMN = """(() => { const head = document.querySelector("table.sortable thead th.n"); head.scrollIntoView({block: "center"});
    return head; })()"""
STATE = f"""(() => {{ const head = {COLUMN}, table = head.closest("table"), at = head.cellIndex;
    const values = [...table.tBodies[0].rows].map(row => parseFloat(row.cells[at].dataset.value)).filter(v => !isNaN(v));
    const box = head.querySelector("button").getBoundingClientRect();
    return {{ order: head.getAttribute("aria-sort"), values, x: box.x + box.width / 2, y: box.y + box.height / 2,
        said: document.getElementById("status").textContent }}; }})()"""


def check_sorting(browser, check):
    start = browser.evaluate(STATE)
    check(len(start["values"]) > 1, "there are several numbers to sort")
    browser.click(start["x"], start["y"])
    up = browser.evaluate(STATE)
    check(up["order"] == "ascending", f"a click sorts: aria-sort is {up['order']}")
    check(up["values"] == sorted(start["values"]), f"ascending: {up['values']}")
    check("sorted ascending" in up["said"], f"the order is said: {up['said']!r}")
    browser.evaluate(f"{COLUMN}.querySelector('button').focus()")
    browser.press("Enter", 13, "\r")
    down = browser.evaluate(STATE)
    check(down["order"] == "descending", f"Enter sorts the other way: aria-sort is {down['order']}")
    check(down["values"] == sorted(start["values"], reverse=True), f"descending: {down['values']}")
    browser.press(" ", 32, " ")
    again = browser.evaluate(STATE)
    check(again["order"] is None and again["values"] == start["values"], "the third time, rows are as they were")


def check_structure(browser, check):
    count = lambda query: browser.evaluate(f"document.querySelectorAll({json.dumps(query)}).length")
    for query in ("h1", "main", "header", "nav", "footer"):
        check(count(query) == 1, f"one {query}")
    check(count("table:not(:has(caption))") == 0, "every table has a caption")
    check(count("th:not([scope])") == 0, "every th has a scope")
    unnamed = """[...document.querySelectorAll("svg")].filter(svg => svg.getAttribute("role") !== "img" ||
        !svg.getAttribute("aria-labelledby").split(" ").every(id => document.getElementById(id)?.textContent)).length"""
    check(browser.evaluate(unnamed) == 0, "every picture has a title and a description")
    twice = """(() => { const ids = [...document.querySelectorAll("[id]")].map(e => e.id);
        return ids.filter((id, place) => ids.indexOf(id) !== place); })()"""
    check(browser.evaluate(twice) == [], f"no id twice: {browser.evaluate(twice)}")
    dead = """[...document.querySelectorAll('a[href^="#"]')].map(a => a.getAttribute("href"))
        .filter(href => !document.getElementById(href.slice(1)))"""
    check(browser.evaluate(dead) == [], f"links within the page lead somewhere: {browser.evaluate(dead)}")
    browser.press("Tab", 9)
    check(browser.evaluate("document.activeElement.className") == "skip", "the first stop of the keyboard is the skip link")


def check_screens(browser, check, pictures):
    for name, width, dark in (("light", 1200, False), ("dark", 1200, True), ("phone", 360, False), ("phone-dark", 390, True)):
        browser.screen(width, dark=dark)
        found = browser.evaluate("document.documentElement.scrollWidth")
        check(found <= width, f"{name}: the page fits {width} pixels, not {found}")
        luminance = """(what => { const [r, g, b] = getComputedStyle(document.documentElement)[what].match(/[0-9]+/g).map(Number);
            return 0.21 * r + 0.72 * g + 0.07 * b; })"""
        paper, ink = (browser.evaluate(f"{luminance}('{what}')") for what in ("backgroundColor", "color"))
        check((paper < 60 and ink > 180) if dark else (paper > 240 and ink < 60), f"{name}: ink {ink} on paper {paper}")
        if pictures:
            browser.picture(pictures / f"{name}.png")
    browser.screen(1200)
    folded = "document.querySelectorAll('details:not([open])').length"
    before = browser.evaluate(folded)
    browser.evaluate("dispatchEvent(new Event('beforeprint'))")
    check(before > 0 and browser.evaluate(folded) == 0, "what is folded is printed")
    browser.evaluate("dispatchEvent(new Event('afterprint'))")
    check(browser.evaluate(folded) == before, "what was folded is so again")
    printed = base64.b64decode(browser.call("Page.printToPDF", preferCSSPageSize=True)["data"])
    check(printed.startswith(b"%PDF"), "the page prints")
    if pictures:
        (pictures / "print.pdf").write_bytes(printed)


def check_quiet(browser, check):
    """Nothing went wrong, and nothing was asked of anybody."""
    for event in browser.events:
        method, of = event["method"], event.get("params", {})
        if method == "Runtime.exceptionThrown":
            check(False, f"no exception: {of['exceptionDetails']}")
        if method == "Runtime.consoleAPICalled" and of["type"] in ("error", "warning"):
            check(False, f"a quiet console: {of['args']}")
        if method == "Log.entryAdded" and of["entry"]["level"] in ("error", "warning"):
            check(False, f"a quiet log: {of['entry']['text']}")
        if method == "Network.requestWillBeSent":
            url = of["request"]["url"]
            check(url.startswith(("file:", "data:")), f"no request: {url[:100]}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("report", type=pathlib.Path)
    parser.add_argument("--browser", default="chromium")
    parser.add_argument("--pictures", type=pathlib.Path)
    arguments = parser.parse_args()
    failed, passed = [], []

    def check(holds, what):
        (passed if holds else failed).append(what)

    with tempfile.TemporaryDirectory() as profile:
        browser = Browser(arguments.browser, profile)
        try:
            browser.screen(1200)
            browser.open(arguments.report)
            check_structure(browser, check)
            check_sorting(browser, check)
            check_screens(browser, check, arguments.pictures)
            check_quiet(browser, check)
        finally:
            browser.close()
    for what in failed:
        print(f"failed: {what}")
    print(f"{len(passed)} checks passed, {len(failed)} failed")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
