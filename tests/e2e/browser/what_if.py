"""What-ifs and numeric derivatives on the pages of explain --html, in a headless Chromium.

    python3 what_if.py BUILD_FOLDER SCRATCH_FOLDER
"""
import re
import subprocess

from chromium import Browser, build, check, ended, scratch

examples = {
    "diamond": ["b = a + a; c = b + b; c", "a=1"],
    "bias": ["sum((x @ w + b)^2)", "x=[[1,2],[0,-1],[3,1]]", "w=[[1,0.5],[-1,2]]", "b=[0.1,-0.2]"],
    "heads": ["sum(attention(q,k,v,heads=2,lengths=[1,3])^2)", "q=normal([2,2,4],seed=1)", "k=normal([2,3,4],seed=2)",
              "v=normal([2,3,4],seed=3)"],
    "smooth": ["sum(exp(sin(x))*y)", "x=[1.3,-0.2]", "y=0.4"],
}
depth_first, assignment, second, kept, tiled = range(5)


def make_page(name):
    path = scratch / f"{name}.html"
    subprocess.run([build / "explain", *examples[name], "--html", str(path)], check=True, capture_output=True)
    return f"file://{path}"


def quiet(browser, name):
    check(f"{name}: no complaint in the console", browser.complaints() == [], browser.complaints())
    check(f"{name}: one request, for the file", len(browser.requests()) == 1, browser.requests())


def press(browser, number):
    browser.click(f"#mistakes button:nth-of-type({number + 1})")


def text(browser, selector):
    return browser.js(f'document.querySelector({selector!r})?.innerText ?? document.querySelector({selector!r})?.textContent ?? ""')


# Every number that is shown, with what its tensor holds and the right one beside it.
SHOWN = """[...document.querySelectorAll("[data-tensor]")].flatMap(place => {
  const tensor = tape.tensors[Number(place.dataset.tensor)];
  return [...place.querySelectorAll("[data-i]")].map(cell => {
    const i = Number(cell.dataset.i), right = tensor.right;
    const same = !right || String(right.shape) === String(tensor.shape);
    return {text: cell.textContent, value: tensor.numbers[i], shape: same, cell: cell.tagName,
            right: right && same ? right.numbers[i] : null, red: cell.classList.contains("wrong")};
  });
})"""


def close(shown, value):
    return abs(float(shown) - value) <= 0.06 * abs(value) + 1e-12


def check_numbers(browser, where):
    reds = 0
    for cell in browser.js(SHOWN):
        number, _, right = cell["text"].partition(" not ")
        check(f"{where}: a number is its tensor's", close(number, cell["value"]), cell)
        differs = not cell["shape"] or cell["right"] is not None and abs(cell["value"] - cell["right"]) > 1e-9 * max(abs(cell["value"]), abs(cell["right"]))
        check(f"{where}: red if and only if it is wrong", cell["red"] == differs, cell)
        if cell["red"] and cell["shape"] and cell["cell"] == "TD":
            check(f"{where}: the right number in words", right != "" and close(right, cell["right"]), cell)
        reds += cell["red"]
    return reds


def visit_all(browser, name):
    reds = 0
    for step in range(browser.js("steps.length")):
        browser.js(f"go({step})")
        reds += check_numbers(browser, f"{name}, step {step + 1}")
    return reds


def check_diamond(browser):
    browser.open(make_page("diamond"))
    before = browser.js("(() => { go(steps.length - 1); return document.body.innerText; })()")
    for number, gradient, factor in ((depth_first, "2", "0.5"), (assignment, "1", "0.25"), (second, "8", "2")):
        press(browser, number)
        check("the button is pressed", browser.js(f'document.querySelectorAll("#mistakes button")[{number}].getAttribute("aria-pressed")') == "true")
        check("it goes to the first wrong number", browser.js("hasWrong(steps[current]) && !steps.slice(0, current).some(hasWrong)"))
        shown = text(browser, "#mistake")
        check("the wrong gradient beside the right one", re.search(rf"gradient of %1 'a'\s+{gradient}\s*not 4", shown) is not None, shown)
        check("the check that names it", f"gradcheck: a: {factor} × what it should be" in shown, shown)
        check("reading aloud", "Wrong numbers are followed by" in browser.js('byId("what-if-status").textContent'))
        check("some numbers are red", visit_all(browser, f"diamond, {number}") > 0)
        browser.js("go(steps.length - 1)")
        check("the graph says not", text(browser, '[data-node="1"] .right') == "not 4")
        check("the leaf's sentence", f"is {gradient}, where 4 is right" in text(browser, "#sentence"), text(browser, "#sentence"))
        check("gradcheck refuses the wrong gradient", "refuses" in text(browser, ".comparison"), text(browser, ".comparison"))
        check("no step helps", "the gradient is wrong, not the step" in text(browser, ".curve"))
        press(browser, number)
    check("switched off, all is as before", browser.js("(() => { go(steps.length - 1); return document.body.innerText; })()") == before)
    press(browser, depth_first)
    press(browser, assignment)
    check("one mistake replaces another", "= for +=" in text(browser, "#mistake b"))
    check("a replaced term", "is replaced by" in browser.js('(() => { go(steps.findIndex(s => s.replaces)); return byId("rule").innerText; })()'))
    press(browser, tiled)
    check("why there is no tile", "no attention with several heads" in text(browser, "#why-not"), text(browser, "#why-not"))
    check("the other mistake stays", "= for +=" in text(browser, "#mistake b"))
    browser.js('document.querySelector("#mistakes button").focus()')
    browser.press("Enter", "\r")
    check("by key", "depth first" in text(browser, "#mistake b"))
    browser.click("#theme")
    check("in the dark too", "depth first" in text(browser, "#mistake b") and browser.js("mistake") == depth_first)
    quiet(browser, "diamond")


def check_bias(browser):
    browser.open(make_page("bias"))
    press(browser, kept)
    check("shapes", "shape [3, 2], not [2]" in text(browser, "#mistake"), text(browser, "#mistake"))
    check("the operation to blame", "the first wrong operation is add" in text(browser, "#mistake"))
    check("the engine refuses it", "is f64 [3, 2], the input f64 [2]" in text(browser, "#mistake"))
    check("some numbers are red", visit_all(browser, "bias") > 0)
    browser.js('go(steps.findIndex(s => s.event === "leaf" && node(s.node).label === "b"))')
    check("it cannot be compared", "cannot be compared" in text(browser, ".numeric"))
    check("the graph shows the shape", "[3, 2]" in text(browser, '[data-node="3"] .wrong'))
    quiet(browser, "bias")


def check_heads(browser):
    browser.open(make_page("heads"))
    press(browser, tiled)
    rows = browser.js('[...document.querySelectorAll(".heads tbody tr")].map(row => row.innerText)')
    check("a row for each head", len(rows) == 4, rows)
    check("whose length", "not 1: that of example 1" in rows[1] and "not 3: that of example 0" in rows[2], rows)
    check("the right ones are not red", browser.js('document.querySelectorAll(".heads .wrong").length') == 2)
    shown = text(browser, "#mistake")
    check("the page does not grow", browser.js("document.documentElement.scrollHeight <= innerHeight"))
    check("the check that names it", "valid lengths that follow the heads by tile" in shown and "is it another mask" in shown, shown)
    check("it begins with a wrong value", browser.js('steps[current].event === "forward" && node(steps[current].node).operation === "attention"'))
    check("some numbers are red", visit_all(browser, "heads") > 0)
    quiet(browser, "heads")


def check_numeric(browser):
    browser.open(make_page("smooth"))
    browser.js('go(steps.findIndex(s => s.event === "leaf" && node(s.node).label === "x"))')
    rows = browser.js('[...document.querySelectorAll(".comparison tbody tr")].map(row => [...row.cells].map(c => c.innerText))')
    for i, row in enumerate(rows):
        expected = browser.js(f'numeric.leaves[0].elements[{i}]')
        check("a row of the table", close(row[1], expected["gradient"]) and close(row[2], expected["numeric"]), row)
        check("accepted", row[5] == "accepts" and expected["accepted"], row)
    check("two elements", len(rows) == 2)
    picked = '[...document.querySelectorAll(".comparison tbody tr")].findIndex(row => row.classList.contains("picked"))'
    worst = browser.js(picked)
    browser.js(f'document.querySelectorAll(".comparison button")[{1 - worst}].focus()')
    browser.press("Enter", "\r")
    check("another element's curve, by key", browser.js(picked) == 1 - worst)
    check("it says which", f"x[{1 - worst}]" in text(browser, ".curve figcaption"), text(browser, ".curve figcaption"))
    browser.click(f'#rule > figure td[data-i="{worst}"]')
    check("the curve of a clicked element", browser.js(picked) == worst)
    browser.click(f'#rule > figure td[data-i="{1 - worst}"]')
    points = browser.js('document.querySelectorAll(".curve circle").length')
    check("23 steps", points == 23, points)
    check("truncation and rounding", browser.js('[...document.querySelectorAll(".curve .cause")].map(e => e.textContent).sort()') == ["rounding", "truncation"])
    check("in words", "digits are lost" in browser.js('document.querySelector(".curve svg").getAttribute("aria-label")'))
    # The curve is that of the recorded quotients.
    best = browser.js(f'(() => {{ const e = numeric.leaves[0].elements[{1 - worst}]; return Math.min(...e.quotients.map(q => Math.abs(q - e.gradient)).filter(x => x > 0)); }})()')
    told = re.search(r"least, ([0-9.e+-]+?),", text(browser, ".curve figcaption"))
    check("the least error", told and close(told.group(1), best), told)
    quiet(browser, "smooth")


def main():
    browser = Browser()
    check_diamond(browser)
    check_bias(browser)
    check_heads(browser)
    check_numeric(browser)
    browser.close()
    ended("what_if")


main()
