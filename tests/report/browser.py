"""A real browser, Chromium without a window, asked over its DevTools protocol by a pipe."""

import base64
import itertools
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "chrome"))), None)
# The browser reads from file 3 and writes to file 4.
LAUNCH = """
import fcntl, os, sys
reads, writes = (fcntl.fcntl(int(n), fcntl.F_DUPFD, 10) for n in sys.argv[1:3])
os.dup2(reads, 3)
os.dup2(writes, 4)
os.execv(sys.argv[3], sys.argv[3:])
"""
FLAGS = (
    *(
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--remote-debugging-pipe",
        "--hide-scrollbars",
    ),
    *("--disable-dev-shm-usage", "--disable-background-networking", "--no-first-run"),
)
PATIENCE = 60


class Browser:
    """A browser with one page."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="browser-")
        their_read, self.write_to = os.pipe()
        self.read_from, their_write = os.pipe()
        launcher = [sys.executable, "-c", LAUNCH, str(their_read), str(their_write)]
        self.process = subprocess.Popen(
            [*launcher, CHROMIUM, *FLAGS, f"--user-data-dir={self.folder}", "about:blank"],
            pass_fds=(their_read, their_write),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(their_read)
        os.close(their_write)
        self.buffer = b""
        self.numbers = itertools.count(1)
        self.events = []
        self.session = None
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network", "Accessibility", "DOM"):
            self.ask(f"{domain}.enable")

    def close(self):
        """End the browser."""
        self.process.terminate()
        self.process.wait(PATIENCE)
        os.close(self.write_to)
        os.close(self.read_from)
        shutil.rmtree(self.folder, ignore_errors=True)

    def ask(self, method, **parameters):
        """Send a command; its answer."""
        number = next(self.numbers)
        message = {"id": number, "method": method, "params": parameters}
        if self.session is not None:
            message["sessionId"] = self.session
        os.write(self.write_to, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._receive()
            if answer.get("id") == number:
                assert "error" not in answer, answer
                return answer["result"]
            self.events.append(answer)

    def _receive(self):
        while b"\0" not in self.buffer:
            assert select.select([self.read_from], [], [], PATIENCE)[0], "the browser is silent"
            piece = os.read(self.read_from, 1 << 20)
            assert piece, "the browser has ended"
            self.buffer += piece
        message, _, self.buffer = self.buffer.partition(b"\0")
        return json.loads(message)

    def open(self, address, width=1280, height=900, scheme="light"):
        """Open a page in a window of this size and wait until it is there."""
        phone = width < 600
        self.ask(
            "Emulation.setDeviceMetricsOverride",
            **{"width": width, "height": height, "deviceScaleFactor": 1, "mobile": phone},
        )
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.ask("Emulation.setEmulatedMedia", features=features)
        self.events.clear()
        self.ask("Page.navigate", url=address)
        end = time.monotonic() + PATIENCE
        while not self.heard("Page.loadEventFired"):
            assert time.monotonic() < end
            self.events.append(self._receive())

    def heard(self, *methods):
        """What the page told of since it was opened."""
        return [event["params"] for event in self.events if event.get("method") in methods]

    def complaints(self):
        """What stands on its console, and what it could not load."""
        self.value("1")  # what came before this answer has been heard
        return self.heard(
            *("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded"),
            "Network.loadingFailed",
        )

    def requests(self):
        """The addresses that it asked for."""
        return [event["request"]["url"] for event in self.heard("Network.requestWillBeSent")]

    def value(self, expression):
        """What an expression of JavaScript is in the page."""
        done = self.ask("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in done, done["exceptionDetails"]
        return done["result"].get("value")

    def press(self, key, code=None, text=None):
        """Press a key."""
        code = {"Tab": 9, "Enter": 13}[key] if code is None else code
        text = {"Enter": "\r"}.get(key) if text is None else text
        common = {"key": key, "code": key, "windowsVirtualKeyCode": code}
        self.ask(
            "Input.dispatchKeyEvent", type="keyDown", **common, **({"text": text} if text else {})
        )
        self.ask("Input.dispatchKeyEvent", type="keyUp", **common)

    def accessible(self):
        """The nodes that a screen reader is told of: role, name and properties."""
        nodes = self.ask("Accessibility.getFullAXTree")["nodes"]
        return [
            {
                "role": node["role"]["value"],
                "name": node.get("name", {}).get("value", ""),
                "description": node.get("description", {}).get("value", ""),
                **{p["name"]: p["value"].get("value") for p in node.get("properties", ())},
            }
            for node in nodes
            if not node.get("ignored")
        ]

    def picture(self, path, whole=True):
        """Write a picture of the page, for who wants to look at it."""
        done = self.ask("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(done["data"]))
