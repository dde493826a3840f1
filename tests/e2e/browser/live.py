"""The page of explore in a headless Chromium: what is typed is computed by the engine, and shown.

    python3 live.py BUILD_FOLDER SCRATCH_FOLDER
"""
import json
import re
import signal
import subprocess
import sys
import time

from chromium import Browser, build, check, ended, scratch

if not (build / "explore").exists():
    print("live: left out, for build/explore needs cpp-httplib; make explore installs it")
    sys.exit(0)


class Server:
    def __init__(self):
        self.process = subprocess.Popen([build / "explore", "--no-open"], stdout=subprocess.PIPE, text=True)
        self.address = re.search(r"http://\S+/", self.process.stdout.readline())[0]

    def end(self):
        self.process.send_signal(signal.SIGINT)
        check("Ctrl-C ends the server with 0", self.process.wait(timeout=20) == 0)


def explain(*words):
    return subprocess.run([build / "explain", *words], check=True, capture_output=True, text=True).stdout


def ready(browser):
    """Waits until the page shows the answer to what was typed last."""
    deadline = time.time() + 20
    time.sleep(0.05)
    while browser.js('typeof isAsking === "undefined" || isAsking || isStale || !scene'):
        if time.time() > deadline:
            sys.exit("live: no answer")
        time.sleep(0.02)


def open_page(browser, address, fragment=""):
    browser.open(address + fragment, offline=False)
    ready(browser)


def write(browser, selector, text):
    """Types the text into a field in place of what it has."""
    browser.js(f'(() => {{ const f = document.querySelector({json.dumps(selector)}); f.focus(); f.select(); }})()')
    browser.call("Input.insertText", text=text)
    time.sleep(0.25)  # longer than the pause after which it asks
    ready(browser)


def same_as_explain(browser, name, *words):
    """Every number of the page's tape, and those that are on the page now."""
    tape = json.loads(explain(*words, "--json"))
    check(f"{name}: the numbers are explain's", browser.js("tape.tensors.map(t => t.values)") == [t["values"] for t in tape["tensors"]])
    check(f"{name}: the steps are explain's", browser.js("tape.events.length + tape.nodes.length") == len(tape["events"]) + len(tape["nodes"]))
    shown = browser.js("""[...document.querySelectorAll("[data-tensor]")].flatMap(place =>
      [...place.querySelectorAll("[data-i]")].map(cell => [Number(place.dataset.tensor), Number(cell.dataset.i), cell.textContent]))""")
    check(f"{name}: numbers are shown", len(shown) > 0)
    for tensor, i, text in shown:
        value = tape["tensors"][tensor]["values"][i]
        check(f"{name}: tensor {tensor}, element {i}", any(float(f"{value:.{d}g}") == float(text) for d in range(1, 8)), f"{text} for {value}")


def quiet(browser, name, address):
    check(f"{name}: no complaint in the console", browser.complaints() == [], browser.complaints())
    strange = [url for url in browser.requests() if not url.startswith((address, "blob:" + address))]
    check(f"{name}: it asks its own server only", strange == [], strange)


text_of = lambda browser, id: browser.js(f"byId({json.dumps(id)}).textContent")
field = lambda name: f'#inputs input[data-name="{name}"]'


def check_editing(browser, address):
    open_page(browser, address, "#example=broadcasting")
    inputs = ["x=[[1,2],[0,-1],[3,1]]", "w=[[1,0.5],[-1,2]]"]
    same_as_explain(browser, "an example", "sum((x @ w + b)^2)", *inputs, "b=[0.1,-0.2]")
    browser.js("go(13)")
    browser.js("zoom(1.5)")
    view = browser.js("JSON.stringify(view)")
    write(browser, field("b"), "[1, 2]")
    same_as_explain(browser, "the text of an input", "sum((x @ w + b)^2)", *inputs, "b=[1,2]")
    check("only numbers changed: the same step", browser.js("current") == 13)
    check("  and the same view", browser.js("JSON.stringify(view)") == view)

    leaf = browser.js('tape.nodes.findIndex(n => n.label === "w")')
    browser.js(f"go({leaf})")
    browser.click('#rule td[data-i="2"]')
    check("an element of a leaf can be changed", browser.js('document.activeElement.closest("#element") !== null'))
    write(browser, "#element input", "0.75")
    browser.press("Enter", "\r")
    ready(browser)
    check("  in the text of its input", browser.js(f"document.querySelector('{field('w')}').value") == "[[1,0.5],[0.75,2]]")
    same_as_explain(browser, "an element", "sum((x @ w + b)^2)", inputs[0], "w=[[1,0.5],[0.75,2]]", "b=[1,2]")
    check("  and its field stays", browser.js('document.activeElement.value') == "0.75")
    browser.press("ArrowUp")
    ready(browser)
    check("  where an arrow changes it by 0.1", browser.js(f"document.querySelector('{field('w')}').value") == "[[1,0.5],[0.85,2]]")
    check("the step stays", browser.js("current") == leaf)

    open_page(browser, address, "#expression=a+%3D+2%3B+a*a")
    browser.js("go(0)")
    browser.click("#rule td")
    write(browser, "#element input", "5")
    browser.press("Enter", "\r")
    ready(browser)
    check("an input inside the expression", browser.js('byId("expression").value') == "a = 5; a*a")
    same_as_explain(browser, "it", "a = 5; a*a")
    quiet(browser, "editing", address)


def check_expressions(browser, address):
    open_page(browser, address, "#example=neuron")
    before = browser.js("JSON.stringify(tape)")
    write(browser, "#expression", "1 + sofmax(x1)")
    check("a wrong expression says what is wrong", "there is no function 'sofmax'; did you mean 'softmax'?" in text_of(browser, "problem"))
    check("  and where", browser.js('document.querySelector("#problem mark").textContent') == "s")
    check("  in its field", browser.js('byId("expression").getAttribute("aria-invalid")') == "true")
    check("  and the last good page stays", browser.js("JSON.stringify(tape)") == before and browser.js("scene.items.length") > 0)
    write(browser, "#expression", "softmax(x1 * u)")
    check("a name without a value gets a field", browser.js(f"document.querySelector('{field('u')}') !== null"))
    write(browser, field("u"), "[1, 2")
    check("a wrong input says where", browser.js(f"document.querySelector('{field('u')}').getAttribute('aria-invalid')") == "true" and
          "input u, column 3" in text_of(browser, "problem"), text_of(browser, "problem"))
    write(browser, field("u"), "[1, 2]")
    check("what is right again is shown", text_of(browser, "problem") == "")
    same_as_explain(browser, "a new expression", "softmax(x1 * u)", "x1=2", "u=[1,2]")
    browser.call("Page.reload")
    time.sleep(0.3)
    ready(browser)
    check("it can be loaded again", browser.js('byId("expression").value') == "softmax(x1 * u)")
    same_as_explain(browser, "loaded again", "softmax(x1 * u)", "x1=2", "u=[1,2]")
    write(browser, "#expression", "x1*u # </script><b>\u202e'\"")
    check("a hostile text is text", browser.js('document.querySelectorAll("#live b, h1 *").length') == 0 and browser.js('byId("expression").value').startswith("x1*u # </script>"))
    write(browser, "#expression", "1 + 1")
    check("without an input there is no tape", "there is no tape" in text_of(browser, "problem"))
    quiet(browser, "expressions", address)
    open_page(browser, address, "#expression=sin(&step=1")
    check("a wrong link says so, above the first example", "the end of the text" in text_of(browser, "problem") and browser.js("tape.nodes.length") > 5)


def check_examples(browser, address):
    open_page(browser, address)
    names = browser.js("examples.map(e => e.name)")
    for name in names:
        browser.js(f"""(() => {{ const menu = byId("example"); menu.value = {json.dumps(name)};
            menu.dispatchEvent(new Event("change", {{bubbles: true}})); }})()""")
        ready(browser)
        check(f"{name}: chosen from the menu", browser.js("location.hash").startswith(f"#example={name}&step="), browser.js("location.hash"))
        check(f"{name}: says what to look for", len(text_of(browser, "look-for")) > 40)
        check(f"{name}: no problem", text_of(browser, "problem") == "", text_of(browser, "problem"))
        browser.js("go(steps.length - 1)")
    leaf = browser.js('tape.nodes.findIndex(n => n.label === "decoder.output.weight")')
    before = browser.js("tape.tensors[node(tape.nodes.length).outputs[0].values].values[0]")
    browser.js(f"go({leaf})")
    browser.click("#rule canvas, #rule td")
    write(browser, "#element input", "3")
    browser.press("Enter", "\r")
    ready(browser)
    check("a weight of the Transformer can be changed", browser.js("tape.tensors[node(tape.nodes.length).outputs[0].values].values[0]") != before)
    check("  which the address keeps", "change=decoder.output.weight" in browser.js("location.hash"))
    quiet(browser, "examples", address)


def check_saving(browser, address):
    words = ["softmax(x)", "x=[1,2,4]"]
    open_page(browser, address, "#expression=softmax(x)&input=x%3D%5B1%2C2%2C4%5D")
    browser.call("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(scratch))
    browser.click("#save")
    saved = scratch / "explorer.html"
    deadline = time.time() + 10
    while not saved.exists() and time.time() < deadline:
        time.sleep(0.05)
    time.sleep(0.2)
    quiet(browser, "saving", address)
    explain(*words, "--html", str(scratch / "explained.html"))
    check("the saved file is what explain writes", saved.exists() and saved.read_bytes() == (scratch / "explained.html").read_bytes())
    browser.open(f"file://{saved}")
    check("it cannot be edited", browser.js('byId("live").hidden'))
    check("it has the steps", browser.js("steps.length") > 3)
    check("it asks for nothing", browser.requests() == [f"file://{saved}"] and browser.complaints() == [], browser.complaints())
    policy = browser.js('document.querySelector("meta[http-equiv]").content')
    check("it may not ask", policy.startswith("default-src 'none'; style-src"), policy)


def check_without_server(browser, server):
    open_page(browser, server.address, "#example=diamond")
    server.end()
    write(browser, field("a"), "7")
    check("without the server it says so", "does not answer" in text_of(browser, "problem"))
    check("  and the page stays", browser.js("steps.length") == 11)


def latency(browser, address):
    open_page(browser, address, "#example=neuron")
    times = sorted(browser.js("""(async () => { const times = [];
      for (let i = 0; i < 15; ++i) {
        ask.inputs[0].text = String(i / 10);
        const begin = performance.now();
        edited();
        await compute();
        times.push(performance.now() - begin);
      }
      return times; })()"""))
    print(f"live: an edit of the neuron is shown after {times[7]:.1f} ms (slowest {times[-1]:.1f})")
    check("an edit is shown within 100 ms", times[7] < 100, times)


def main():
    server, browser = Server(), Browser()
    check_editing(browser, server.address)
    check_expressions(browser, server.address)
    check_examples(browser, server.address)
    check_saving(browser, server.address)
    latency(browser, server.address)
    check_without_server(browser, server)
    browser.close()
    ended("live")


main()
