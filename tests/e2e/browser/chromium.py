"""A headless Chromium, driven through a pipe: it speaks the DevTools protocol, and Python's standard
library is enough. A test that uses it is run with a build folder and a scratch folder.
"""
import json
import os
import pathlib
import subprocess
import sys
import time

build, scratch = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
failures = 0


def check(name, holds, detail=""):
    global failures
    if not holds:
        failures += 1
        print(f"FAILED: {name} {detail}")


def ended(name):
    """Prints the verdict and exits with it."""
    print(f"{name}:", "ok" if failures == 0 else f"{failures} failures")
    sys.exit(failures != 0)


def explain(*words):
    return subprocess.run([build / "explain", *words], check=True, capture_output=True, text=True).stdout


def page_of(name, words):
    """The address of the page that explain writes for an expression and its inputs."""
    path = scratch / f"{name}.html"
    explain(*words, "--html", str(path))
    check(f"{name}: at most 1 MB", path.stat().st_size <= 1_000_000, path.stat().st_size)
    return f"file://{path}"


class Browser:
    def __init__(self):
        theirs_in, ours_out = os.pipe()
        ours_in, theirs_out = os.pipe()

        def set_descriptors():  # Chromium reads 3 and writes 4
            reading, writing = os.dup(theirs_in), os.dup(theirs_out)
            os.dup2(reading, 3)
            os.dup2(writing, 4)

        self.process = subprocess.Popen(
            ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe",
             "--force-color-profile=srgb", f"--user-data-dir={scratch / 'profile'}"],
            preexec_fn=set_descriptors, close_fds=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(theirs_in)
        os.close(theirs_out)
        self.output, self.input = ours_out, os.fdopen(ours_in, "rb")
        self.buffer, self.count, self.session, self.events = b"", 0, None, []

    def call(self, method, **parameters):
        self.count += 1
        message = {"id": self.count, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.output, json.dumps(message).encode() + b"\0")
        while True:
            while b"\0" not in self.buffer:
                piece = self.input.read1(1 << 20)
                if not piece:
                    sys.exit("browser: Chromium has ended")
                self.buffer += piece
            text, self.buffer = self.buffer.split(b"\0", 1)
            answer = json.loads(text)
            if answer.get("id") == self.count:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                return answer["result"]
            self.events.append(answer)

    def open(self, url, theme="light", width=1400, height=860, offline=True):
        self.session = None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        self.call("Network.emulateNetworkConditions", offline=offline, latency=0, downloadThroughput=0, uploadThroughput=0)
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": theme}])
        self.events.clear()
        self.call("Page.navigate", url=url)
        deadline = time.time() + 30
        drawn = """document.readyState === "complete" && typeof go === "function" &&
            (typeof scene === "undefined" || scene !== null)"""
        while not self.js(drawn):
            if time.time() > deadline:
                sys.exit(f"browser: {url} does not load")
            time.sleep(0.05)

    def js(self, expression):
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(answer["exceptionDetails"]["exception"].get("description", expression))
        return answer["result"].get("value")

    def press(self, key, text=None):
        code = {" ": "Space"}.get(key, key)
        extra = {"text": text} if text else {}
        self.call("Input.dispatchKeyEvent", type="keyDown", key=key, code=code, **extra)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=key, code=code)

    def click(self, selector):
        place = self.js(f"""(() => {{ const e = document.querySelector({json.dumps(selector)});
            if (!e) return null;
            if (!e.closest("svg")) e.scrollIntoView({{block: "center"}});
            const b = e.getBoundingClientRect(); return [b.x + b.width / 2, b.y + b.height / 2]; }})()""")
        if not place:
            raise RuntimeError(f"nothing to click: {selector}")
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=place[0], y=place[1], button="left", clickCount=1)

    def complaints(self):
        bad = [e for e in self.events if e.get("method") in ("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded")]
        return [json.dumps(e["params"])[:300] for e in bad]

    def requests(self):
        return [e["params"]["request"]["url"] for e in self.events if e.get("method") == "Network.requestWillBeSent"]

    def close(self):
        self.session = None
        self.call("Browser.close")
        self.process.wait(timeout=20)
