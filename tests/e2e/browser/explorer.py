"""The pages of explain --html in a headless Chromium: every number, every step, keys and clicks.

    python3 explorer.py BUILD_FOLDER SCRATCH_FOLDER
"""
import json
import math
import statistics
import time

from chromium import Browser, check, ended, explain, page_of


# ---- Pages and what they must show ---------------------------------------------------------------
def long_expression(nodes):
    """About so many nodes, most of which have two consumers."""
    lines = ["h0 = x*x", "h1 = sin(h0)*x"]
    for i in range(2, (nodes + 2) // 3):
        lines.append(f"h{i} = sin(h{i - 1})*x + h{i - 2}")
    return "; ".join(lines) + f"; h{len(lines) - 1}"


examples = {
    "neuron": ["tanh(w1*x1 + w2*x2 + b)", "x1=2", "w1=-3", "x2=0.5", "w2=1", "b=6.88"],
    "diamond": ["b = a + a; c = b + b; c", "a=1"],
    "broadcasting": ["sum((x @ w + b)^2)", "x=[[1,2],[0,-1],[3,1]]", "w=[[1,0.5],[-1,2]]", "b=[0.1,-0.2]"],
    "cross_entropy": ["mean(cross_entropy(x @ w + b, targets))", "x=[[1,0.5],[-1,2],[0.3,-0.7]]",
                      "w=[[0.2,-0.4,1],[0.7,0.1,-0.3]]", "b=[0,0.1,-0.1]", "targets=[2,0,1]"],
    "attention": ["sum((masked_softmax(q @ k' / sqrt(2), mask) @ v)^2)", "q=[[1,0],[0.5,-1],[2,1]]",
                  "k=[[1,1],[0,2],[-1,0.5],[3,3]]", "v=[[1,2],[3,4],[0,-1],[9,9]]",
                  "mask=[[1,1,1,0],[1,1,1,0],[1,1,1,0]]"],
    "large": ["sum(tanh(x @ w))", "x=normal([30,40],seed=1)", "w=normal([40,20],seed=2)"],
    "hundred": [long_expression(100), "x=0.3"],
    "thousands": [long_expression(2000), "x=0.3"],
}


def make_page(name):
    return page_of(name, examples[name])


def agrees(text, value):
    """Whether the text is the number rounded to some digits."""
    if isinstance(value, bool):
        return text == str(value).lower()
    value = float(value)
    if math.isnan(value):
        return text == "nan"
    return any(float(f"{value:.{digits}g}") == float(text) for digits in range(1, 8))


READ = """[...document.querySelectorAll("[data-tensor]")].flatMap(place => {
  const cells = [...place.querySelectorAll("[data-i]")];
  return cells.map(cell => [Number(place.dataset.tensor), Number(cell.dataset.i), cell.textContent]);
})"""


def check_numbers(name, browser, tape, step):
    shown = browser.js(READ)
    for tensor, i, text in shown:
        value = tape["tensors"][tensor]["values"][i]
        check(f"{name}, step {step + 1}: tensor {tensor}, element {i}", agrees(text, value), f"{text} for {value}")
    return len(shown)


def check_step(name, browser, tape, step):
    """What the step's own panel and box show."""
    nodes = len(tape["nodes"])
    figures = browser.js('[...document.querySelectorAll("#rule [data-tensor]")].map(f => Number(f.dataset.tensor))')
    where = f"{name}, step {step + 1}"
    if step < nodes:
        values = tape["nodes"][step]["outputs"][0]["values"]
        check(f"{where}: the value", values is None or values in figures)
        return
    event = tape["events"][step - nodes]
    if event["event"] == "accumulate":
        for part in ("before", "term", "after"):
            check(f"{where}: {part}", event[part] is None or event[part] in figures)
        box = browser.js(f'document.querySelector("[data-node=\\"{event["node"]}\\"]") && '
                         f'[...document.querySelectorAll("[data-node=\\"{event["node"]}\\"] [data-tensor]")].map(e => Number(e.dataset.tensor))')
        check(f"{where}: the box", box is None or event["after"] in box, box)
        arrived = browser.js('document.querySelector(".arrivals").textContent')
        check(f"{where}: the count", f"{event['arrived']} of {event['consumers']} " in arrived, arrived)
    elif event["event"] == "vjp":
        bold = browser.js('[...document.querySelectorAll(".formula .result")].map(e => e.textContent)')
        scalars = [g for g in event["gradients"] if g is not None and not tape["tensors"][g]["shape"]]
        for gradient in event["gradients"]:
            if gradient is None:
                continue
            if gradient in scalars and gradient not in figures:
                check(f"{where}: a gradient", any(agrees(t, tape["tensors"][gradient]["values"][0]) for t in bold), bold)
            else:
                check(f"{where}: a gradient", gradient in figures)
    elif event["event"] == "leaf":
        check(f"{where}: the gradient", event["gradient"] in figures)


def visit(browser, name, every=1):
    url = make_page(name)
    tape = json.loads(explain(*examples[name], "--json"))
    browser.open(url)
    total = len(tape["nodes"]) + len(tape["events"])
    check(f"{name}: as many steps", browser.js("steps.length") == total)
    check(f"{name}: the same numbers as --json", all(
        ours["values"] == theirs["values"] for ours, theirs in zip(browser.js("tape.tensors"), tape["tensors"]) if not theirs["sampled"]))
    read = 0
    for step in range(0, total, every):
        browser.js(f"go({step})")
        read += check_numbers(name, browser, tape, step)
        check_step(name, browser, tape, step)
    forward = browser.js("(() => { go(steps.length - 1); return document.body.innerText; })()")
    for step in reversed(range(0, total - 1, every)):
        browser.js(f"go({step})")
    browser.js("go(steps.length - 1)")
    check(f"{name}: the end looks the same after going back", browser.js("document.body.innerText") == forward)
    print(f"{name}: {total} steps, {read} numbers compared")
    return tape


def quiet(browser, name):
    check(f"{name}: no complaint in the console", browser.complaints() == [], browser.complaints())
    others = [url for url in browser.requests() if not url.startswith("file://")]
    check(f"{name}: one request, for the file", others == [] and len(browser.requests()) == 1, browser.requests())


# ---- The checks ----------------------------------------------------------------------------------
def check_controls(browser):
    browser.open(make_page("diamond") + "#step=7")
    count = lambda: int(browser.js('byId("count").textContent').split()[0])
    check("a link to a step", count() == 7)
    check("the heading says accumulate", browser.js('byId("heading").textContent') == "accumulateat %2")
    for key, step in (("ArrowRight", 8), ("ArrowLeft", 7), ("Home", 1), ("ArrowLeft", 1), ("End", 11), ("ArrowRight", 11)):
        browser.press(key)
        check(f"{key} goes to step {step}", count() == step, count())
    check("the address follows", browser.js("location.hash") == "#step=11")
    browser.press("Home")
    browser.press(" ", " ")
    time.sleep(2.2)
    browser.press(" ", " ")
    check("space plays", 2 <= count() <= 4, count())
    stopped = count()
    time.sleep(1.2)
    check("space pauses", count() == stopped)
    for button, step in (("last", 11), ("back", 10), ("first", 1), ("next", 2)):
        browser.click(f"#{button}")
        check(f"the button {button}", count() == step, count())
    browser.js('(() => { const s = byId("slider"); s.value = 5; s.dispatchEvent(new Event("input")); })()')
    check("the slider", count() == 5)
    # The sentences are explain's.
    told = " ".join(explain(*examples["diamond"]).split())
    nodes = browser.js("tape.nodes.length")
    for step in range(nodes, browser.js("steps.length")):
        for line in browser.js(f"texts[{step}]").split("\n"):
            if browser.js(f"steps[{step}].event") == "vjp" and "Had it run" not in line:
                check(f"step {step + 1} says what explain says", line in told, line)
    check("the sentence is live", browser.js('byId("sentence").getAttribute("aria-live")') == "polite")
    theme = lambda: browser.js("document.documentElement.dataset.theme")
    check("light", theme() == "light")
    browser.click("#theme")
    check("dark", theme() == "dark")
    quiet(browser, "diamond")
    browser.open(make_page("diamond"), theme="dark")
    check("dark from the start", theme() == "dark")


def lit(browser, role):
    return browser.js(f"""(() => {{ const all = [...document.querySelectorAll("#rule figure")];
        const figure = all.find(f => f.querySelector("b").textContent.startsWith({json.dumps(role)}));
        return [...figure.querySelectorAll("td.lit")].map(c => Number(c.dataset.i)); }})()""")


def click_element(browser, role, i):
    browser.js(f"""(() => {{ const all = [...document.querySelectorAll("#rule figure")];
        all.forEach(f => f.removeAttribute("id"));
        all.find(f => f.querySelector("b").textContent.startsWith({json.dumps(role)})).id = "wanted"; }})()""")
    browser.click(f'#wanted td[data-i="{i}"]')
    return browser.js('byId("element").textContent')


def check_elements(browser):
    browser.open(make_page("broadcasting"))
    step = lambda event, operation: browser.js(
        f'go(steps.findIndex(s => s.event === "{event}" && node(s.node).operation === "{operation}"))')
    step("forward", "matmul")
    text = click_element(browser, "y =", 1)  # [0, 1]
    check("a product's row", lit(browser, "A =") == [0, 1])
    check("a product's column", lit(browser, "B =") == [1, 3])
    check("a product is spelled out", "1 · 0.5 + 2 · 2 = 4.5" in text, text)
    step("vjp", "add")
    text = click_element(browser, "b̄", 1)
    check("the axis that was summed back", lit(browser, "ȳ") == [1, 3, 5])
    check("the sum is spelled out", "8.6 + (-4.4) + 6.6 = 10.8" in text, text)
    click_element(browser, "ā", 2)
    check("one element of a sum", lit(browser, "ȳ") == [2])
    step("vjp", "matmul")
    click_element(browser, "B̄", 2)  # [1, 0]
    check("Aᵀ ȳ: a column of A", lit(browser, "A =") == [1, 3, 5])
    check("Aᵀ ȳ: a column of ȳ", lit(browser, "ȳ") == [0, 2, 4])
    step("vjp", "sum")
    click_element(browser, "x̄", 4)
    check("a sum's cotangent", lit(browser, "ȳ") == [0])
    quiet(browser, "broadcasting")


def check_folding(browser, tape):
    browser.open(make_page("hundred"))
    boxes = lambda: browser.js('document.querySelectorAll("[data-node]").length')
    check("folded at first", boxes() == 0)
    browser.js("go(steps.length - 1)")
    edges = browser.js("scene.edges.filter(e => e.label && e.folded).map(e => [e.operands, e.label.textContent])")
    terms = {(e["from"], e["input"]): e["term"] for e in tape["events"] if e["event"] == "accumulate"}
    for operands, label in edges:
        norm = math.sqrt(sum(tape["tensors"][terms[tuple(o)]]["values"][0] ** 2 for o in operands if tuple(o) in terms))
        check("the norm along a folded edge", agrees(label.strip("‖"), norm), f"{label} for {norm}")
    check("there are folded edges", len(edges) > 0)
    browser.click('[data-group="1"]')
    check("a click unfolds", boxes() > 20, boxes())
    browser.press("Enter", "\r")
    check("Enter folds", boxes() == 0, boxes())
    browser.click("#unfold")
    check("unfold all", boxes() == len(tape["nodes"]), boxes())
    browser.click("#fold")
    check("fold all", boxes() == 0)
    browser.press("/", "/")
    browser.call("Input.insertText", text="%70 =")
    check("search finds one", browser.js('document.querySelectorAll("#found button").length') == 1)
    browser.press("Enter", "\r")
    check("search chooses", browser.js("chosen") == 70)
    check("search unfolds", browser.js('document.querySelector("[data-node=\\"70\\"]").classList.contains("chosen")'))
    check("the chosen node is told", "%70" in browser.js('byId("selected").textContent'))
    browser.js("search('no such thing')")
    check("search finds nothing", browser.js('byId("found").textContent') == "nothing found")
    quiet(browser, "hundred")


def check_large(browser):
    browser.open(make_page("large"))
    browser.js('go(steps.findIndex(s => s.event === "forward" && node(s.node).operation === "matmul"))')
    check("large tensors are heat maps", browser.js('document.querySelectorAll("#rule canvas").length') == 3)
    browser.click("#rule details summary")
    time.sleep(0.2)
    check("with numbers on demand", browser.js('document.querySelectorAll("#rule details td").length') == 1200)
    browser.click("#rule > figure canvas")
    check("and clicks", "lit" in browser.js('byId("element").textContent') or "terms" in browser.js('byId("element").textContent'))
    quiet(browser, "large")


def check_hostile(browser):
    examples["hostile"] = ["x*x # </script><script>window.broken=1</script><b>\"'&\u202e" + "w" * 10000, "x=2"]
    browser.open(make_page("hostile"))
    check("a hostile text is text", browser.js("window.broken") is None and browser.js('document.querySelectorAll("h1 *").length') == 0)
    check("it is shown", browser.js('byId("title").textContent').startswith("x*x # </script><script>"))
    check("marks of direction are escaped", "\u202e" not in browser.js('byId("title").textContent'))
    check("nothing overflows", browser.js("document.documentElement.scrollWidth <= innerWidth"))
    quiet(browser, "hostile")
    closed = browser.js('fetch("http://127.0.0.1:9/").then(() => "open", () => "closed")')
    check("the page's policy forbids requests", closed == "closed" and any("Content Security Policy" in c for c in browser.complaints()))


def check_speed(browser, name, unfold):
    browser.open(make_page(name))
    if unfold:
        browser.click("#unfold")
    times = browser.js("""(async () => {
      const frame = () => new Promise(done => requestAnimationFrame(() => setTimeout(done)));
      const times = [];
      for (let i = 0; i < 60; ++i) {
        const step = Math.floor(i * (steps.length - 1) / 60);
        go(step);
        await frame();
        const begin = performance.now();
        go(step + 1);
        document.body.getBoundingClientRect();
        const worked = performance.now() - begin;
        await frame();
        times.push([worked, performance.now() - begin]);
      }
      return times; })()""")
    work, frame = (statistics.median(t) for t in zip(*times))
    slowest = max(t[0] for t in times)
    state = "unfolded" if unfold else "folded"
    print(f"{name}, {state}: a step takes {work:.1f} ms (slowest {slowest:.1f}), until it is painted {frame:.1f} ms")
    check(f"{name}, {state}: a step takes under 50 ms", work < 50, f"{work:.1f} ms")


def main():
    browser = Browser()
    for name in ("neuron", "diamond", "broadcasting", "cross_entropy", "attention"):
        visit(browser, name)
        quiet(browser, name)
    tape = visit(browser, "hundred", every=3)
    visit(browser, "thousands", every=200)
    check_controls(browser)
    check_elements(browser)
    check_folding(browser, tape)
    check_large(browser)
    check_hostile(browser)
    check_speed(browser, "hundred", True)
    check_speed(browser, "thousands", False)
    check_speed(browser, "thousands", True)
    browser.close()
    ended("explorer")


main()
