"""Attention in stages on the explorer's page, and how the page looks, prints and reads aloud.

    python3 stages.py BUILD_FOLDER SCRATCH_FOLDER
"""
import base64
import json
import math
import re

from chromium import Browser, build, check, ended, explain, page_of, scratch

# ---- Attention -----------------------------------------------------------------------------------
Q, K = [[1, 0], [0.5, -1], [2, 1]], [[1, 1], [0, 2], [-1, 0.5]]
V, MASK = [[1, 2], [3, 4], [0, -1]], [[1, 0, 0], [1, 1, 0], [1, 1, 0]]  # causal, and key 2 is padding
inputs = [f"{name}={json.dumps(x).replace(' ', '')}" for name, x in (("q", Q), ("k", K), ("v", V))]
composed = ["sum((masked_softmax(q @ k' / sqrt(2), mask) @ v)^2)", *inputs, f"mask={json.dumps(MASK).replace(' ', '')}"]
fused = ["sum(attention(x, x, x, heads=2, causal=1, lengths=[4,2])^2)", "x=normal([2,4,4],seed=1)"]
cross = ["sum(softmax(q @ k') @ v)", *inputs]


def dot(a, b):
    return sum(x * y for x, y in zip(a, b))


def product(a, b):
    return [[dot(row, column) for column in zip(*b)] for row in a]


def transposed(a):
    return [list(column) for column in zip(*a)]


def mapped(f, *matrices):
    return [[f(*cells) for cells in zip(*rows)] for rows in zip(*matrices)]


def expected_stages():
    """Values and cotangents of the composed example, from the formulas alone."""
    scores = product(Q, transposed(K))
    scaled = mapped(lambda s: s / math.sqrt(2), scores)
    powers = mapped(lambda z, seen: math.exp(z) * seen, scaled, MASK)
    weights = [[p / sum(row) for p in row] for row in powers]
    mix = product(weights, V)
    to_mix = mapped(lambda y: 2 * y, mix)
    to_weights = product(to_mix, transposed(V))
    to_scaled = [[w * (g - dot(gs, ws)) for w, g in zip(ws, gs)] for ws, gs in zip(weights, to_weights)]
    to_scores = mapped(lambda z: z / math.sqrt(2), to_scaled)
    return {"q": Q, "k": K, "v": V, "S": scores, "Z": scaled, "M": scaled, "W": weights, "y": mix,
            "y~": to_mix, "W~": to_weights, "M~": to_scaled, "Z~": to_scaled, "S~": to_scores,
            "q~": product(to_scores, K), "k~": product(transposed(to_scores), Q), "v~": product(transposed(weights), to_mix)}


CELLS = """Object.fromEntries([...document.querySelectorAll("#stages [data-stage]")].map(figure =>
  [figure.dataset.stage, [...figure.querySelectorAll("tr")].map(row => [...row.querySelectorAll("td")].map(cell => cell.textContent.trim()))
    .filter(row => row.length)]))"""
MARKS = {0: "", 1: "∅", 2: "▸", 3: "∅▸"}
WHY = [[0, 2, 3], [0, 0, 3], [0, 0, 1]]


def near(text, value):
    return abs(float(text) - value) <= 0.006 * max(1e-3, abs(value)) or abs(value) < 1e-12 and float(text) == 0


def step_at(browser, event, operation):
    return browser.js(f'go(steps.findIndex(s => s.event === "{event}" && node(s.node).operation === "{operation}"))')


def check_numbers(browser):
    browser.open(page_of("composed", composed))
    browser.js("go(steps.length - 1)")
    browser.js("choose(5)")
    shown = browser.js(CELLS)
    for letter, matrix in expected_stages().items():
        check(f"stage {letter} is there", letter in shown and len(shown[letter]) == len(matrix), shown.get(letter))
        for i, row in enumerate(matrix):
            for j, value in enumerate(row):
                text = shown[letter][i][j]
                if letter == "M" and WHY[i][j]:
                    check(f"M[{i}, {j}] says why it is hidden", text == MARKS[WHY[i][j]], text)
                else:
                    check(f"{letter}[{i}, {j}]", near(text, value), f"{text} for {value}")
    classes = browser.js('[...document.querySelectorAll("[data-stage=M] td")].map(c => [...c.classList].find(n => n.startsWith("hidden-")) ?? "")')
    check("three reasons look different", set(classes) == {"", "hidden-causal", "hidden-both", "hidden-padding"}, classes)
    looks = browser.js("""["causal", "both", "padding"].map(kind => {
      const style = getComputedStyle(document.querySelector(`[data-stage=M] .hidden-${kind}`));
      return [style.color, style.backgroundImage]; })""")
    check("by colour and by pattern", len({c for c, _ in looks}) == 3 and len({p for _, p in looks}) == 3, looks)
    legend = browser.js('document.querySelector(".hidden-legend").textContent')
    check("the legend names them", all(word in legend for word in ("padding", "causality", "both")), legend)
    check("cross-attention", "Cross-attention: queries come from %1 'q', keys from %2 'k'." in browser.js('byId("stages").textContent'))


def lit(browser, stage):
    return browser.js(f'[...document.querySelectorAll("[data-stage=\\"{stage}\\"] td")].flatMap((c, i) => c.classList.contains("lit") ? [i] : [])')


def pick(browser, stage, i):
    browser.js(f'document.querySelectorAll("[data-stage=\\"{stage}\\"] td")[{i}].click()')
    return browser.js('document.querySelector(".said").textContent')


def check_elements(browser):
    browser.js("go(steps.length - 1)")
    browser.js("choose(7)")
    for stage, i, sentence, rows in (
            ("S", 3, "S[1, 0] = 0.5 · 1 + (-1) · 1 = -0.5", {"q": [2, 3], "k": [0, 1]}),
            ("Z", 4, "Z[1, 1] = -2/√2 = -1.414", {"q": [2, 3], "k": [2, 3]}),
            ("M", 1, "M[0, 1] = −∞; hidden by causality: the key comes after the query", {}),
            ("W", 3, "W[1, 0] = e^-0.3536 / (e^-0.3536 + e^-1.414) = 0.7428", {"M": [3, 4, 5]}),
            ("y", 2, "y[1, 0] = 0.7428 · 1 + 0.2572 · 3 + 0 · 0 = 1.514", {"W": [3, 4, 5], "v": [0, 2, 4]}),
            ("W~", 3, "W̄[1, 0] = 3.029 · 1 + 5.029 · 2 = 13.09", {"y~": [2, 3], "v": [0, 1]}),
            ("Z~", 3, "Z̄[1, 0] = -3.079", {}),
            ("S~", 3, "S̄[1, 0] = -3.079/√2 = -2.177", {}),
            ("q~", 2, "q̄[1, 0] = (-2.177) · 1 + 2.177 · 0 + 0 · (-1) = -2.177", {"S~": [3, 4, 5], "k": [0, 2, 4]}),
            ("v~", 0, "v̄[0, 0] = 1 · 2 + 0.7428 · 3.029 + 0.6698 · 3.321 = 6.474", {"W": [0, 3, 6], "y~": [0, 2, 4]})):
        text = pick(browser, stage, i)
        check(f"{stage}, element {i} is spelled out", text == sentence, text)
        for other, cells in rows.items():
            check(f"{stage}, element {i} lights {other}", lit(browser, other) == cells, lit(browser, other))
    text = pick(browser, "M~", 3)
    check("the softmax's vjp is spelled out", text.startswith("M̄[1, 0] = 0.7428 · (13.09 − (13.09 · 0.7428 + 29.2 · 0.2572)) = -3.079"), text)


def check_phases(browser):
    browser.js("choose(0)")
    step_at(browser, "forward", "divide_by")
    shown = browser.js(CELLS)
    check("no cotangents in the forward phase", not any(stage.endswith("~") for stage in shown))
    check("later stages are empty", shown["W"] == [["", "", ""]] * 3 and shown["Z"][0][0] == "0.7071", shown["W"])
    step_at(browser, "vjp", "masked_softmax")
    shown = browser.js(CELLS)
    check("cotangents as far as the sweep is", shown["Z~"][1][0] == "-3.079" and shown["S~"] == [["", "", ""]] * 3, shown["S~"])
    browser.js("go(0)")
    check("no stages at other steps", browser.js('byId("stages").hidden'))


def check_fused(browser):
    browser.open(page_of("fused", fused))
    step_at(browser, "vjp", "attention")
    check("self-attention", "Self-attention: queries and keys come from %1 'x'." in browser.js('byId("stages").textContent'))
    first = browser.js(CELLS)
    check("no padding in the first example", [c for row in first["M"] for c in row].count("▸") == 6, first["M"])
    browser.click('[data-choice="example1"]')
    check("the button keeps the focus", browser.js("document.activeElement.dataset.choice") == "example1")
    second = browser.js(CELLS)
    check("all reasons in the second", {c for row in second["M"] for c in row} >= {"∅", "▸", "∅▸"}, second["M"])
    browser.click('[data-choice="head1"]')
    check("another head, other numbers", browser.js(CELLS)["S"] != second["S"])
    check("pressed", browser.js('document.querySelector("[data-choice=head1]").getAttribute("aria-pressed")') == "true")
    browser.js("go(0)")
    check("no stages at the leaf", browser.js('byId("stages").hidden'))
    browser.js("choose(2)")
    check("but for a chosen node", not browser.js('byId("stages").hidden'))
    browser.open(page_of("cross", cross))
    step_at(browser, "forward", "softmax")
    check("without a mask there is no masked stage", "M" not in browser.js(CELLS) and "W" in browser.js(CELLS))
    large = ["sum(attention(x, x, x, heads=2, causal=1))", "x=normal([20,8],seed=1)"]
    browser.open(page_of("large_attention", large))
    step_at(browser, "vjp", "attention")
    check("large matrices are heat maps", browser.js('document.querySelectorAll("#stages canvas").length') == 16)
    browser.click('[data-stage="W"] canvas')
    said = browser.js('document.querySelector(".said").textContent')
    check("their elements are spelled out", said.startswith("W[") and " / (" in said or "hidden" in said, said)


# ---- Print ---------------------------------------------------------------------------------------
def check_print(browser):
    for theme in ("light", "dark"):
        browser.open(page_of("composed", composed), theme=theme)
        for event, operation in (("vjp", "masked_softmax"), ("forward", "matmul")):
            step_at(browser, event, operation)
            before = browser.js("JSON.stringify([view, document.body.className, document.documentElement.dataset.theme])")
            pdf = base64.b64decode(browser.call("Page.printToPDF", preferCSSPageSize=True, printBackground=True)["data"])
            check(f"{operation} prints on one page", len(re.findall(rb"/Type ?/Page\b", pdf)) == 1)
            box = re.search(rb"/MediaBox ?\[0 0 ([\d.]+) ([\d.]+)\]", pdf)
            check("the page is landscape", box and float(box[1]) > float(box[2]), box and box[0])
            check("printing changes nothing", browser.js("JSON.stringify([view, document.body.className, document.documentElement.dataset.theme])") == before)
        browser.js("preparePrint()")
        hidden = browser.js("""["#search", "#theme", "#view", "footer"].every(s => document.querySelector(s).getClientRects().length === 0)""")
        check("no controls on paper", hidden)
        check("white paper", browser.js("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)")
        check("all of the panel", browser.js("byId('panel').scrollHeight <= byId('panel').clientHeight + 1"))
        browser.js("endPrint()")


# ---- Keyboard and screen reader ------------------------------------------------------------------
def check_keyboard(browser):
    browser.open(page_of("composed", composed))
    step_at(browser, "vjp", "masked_softmax")
    stops, seen = [], set()
    for _ in range(80):
        browser.press("Tab")
        stop = browser.js("""(() => { const e = document.activeElement; if (e === document.body) return null;
          const style = getComputedStyle(e), outlined = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
          return [e.id || e.dataset.node || e.closest("[data-stage]")?.dataset.stage || e.tagName, outlined]; })()""")
        if stop is None or (stop[0] in seen and stop[0] == "search"):
            break
        seen.add(stop[0])
        stops.append(stop)
    names = [name for name, _ in stops]
    order = ["search", "theme", "7", "fold", "unfold", "fit", "smaller", "larger", "follow"]
    check("the Tab key goes through head and graph in order", sorted(names[:9]) == sorted(order) and names[:2] == order[:2], names[:9])
    check("then the panel, then the steps", names[-6:] == ["first", "back", "play", "next", "last", "slider"], names[-6:])
    check("each matrix is one stop", all(names.count(stage) == 1 for stage in ("q", "S", "M~", "W")), names)
    check("each stop is outlined", all(outlined for _, outlined in stops), [n for n, o in stops if not o])
    browser.js('document.querySelector("[data-stage=S] td").focus()')
    step = browser.js("current")
    for key in ("ArrowDown", "ArrowRight"):
        browser.press(key)
    check("arrows move within a matrix", browser.js("document.activeElement.textContent") == "-2" and browser.js("current") == step)
    check("and it is spelled out", browser.js('document.querySelector(".said").textContent').startswith("S[1, 1] = "))
    browser.js('document.querySelector("[data-node=\\"7\\"]").focus()')
    browser.press("ArrowDown")
    other = browser.js("document.activeElement.dataset.node")
    check("arrows move among the boxes", other not in (None, "7"), other)
    browser.press("Enter", "\r")
    check("Enter chooses", browser.js("chosen") == int(other))


def check_reader(browser):
    browser.open(page_of("composed", composed))
    step_at(browser, "vjp", "matmul")
    nodes = browser.call("Accessibility.getFullAXTree")["nodes"]
    value = lambda node, field: node.get(field, {}).get("value", "")
    names = {}
    for node in nodes:
        if node.get("ignored"):
            continue
        role, name = value(node, "role"), value(node, "name")
        names.setdefault(role, []).append(name)
        focusable = any(p["name"] == "focusable" and p["value"]["value"] for p in node.get("properties", []))
        check(f"a {role} has a name", not focusable or name or role == "RootWebArea", json.dumps(node)[:200])
    for role, wanted in (("slider", "Step"), ("button", "One step forward"), ("button", "Play"), ("searchbox", "Search operations, leaves and modules"),
                         ("region", "Graph of the computation"), ("region", "This step"), ("checkbox", "follow"), ("grid", "S = q kᵀ")):
        check(f"{role} '{wanted}'", any(wanted in name for name in names.get(role, [])), names.get(role))
    check("the heading names the step", any("vjp" in name for name in names.get("heading", [])), names.get("heading"))
    live = browser.js('[...document.querySelectorAll("[aria-live=polite]")].filter(e => e.textContent.includes("receives")).map(e => e.id)')
    check("one live region holds the sentence", live == ["sentence"], live)
    told = browser.js('byId("sentence").innerText').split()
    check("all of it", told == browser.js("texts[current]").split(), told[:20])
    check("the slider does not say it again", "receives" not in browser.js('byId("slider").getAttribute("aria-valuetext")'))
    browser.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-reduced-motion", "value": "reduce"}])
    moving = browser.js("""[...document.querySelectorAll("*")].filter(e => {
      const s = getComputedStyle(e); return s.animationName !== "none" || s.transitionDuration !== "0s"; }).length""")
    check("no motion where people want less", moving == 0, moving)


CONTRAST = """(() => {
  const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
  const rgba = colour => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
                           const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data; return [r, g, b, a / 255]; };
  const over = (top, under) => [0, 1, 2].map(i => top[i] * top[3] + under[i] * (1 - top[3]));
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
                                        .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const paper = element => {
    const layers = [];
    for (let e = element; e; e = e.parentElement) {
      const box = e.matches?.("#world .node, #world .group") ? e.querySelector("rect") : null;
      if (box) { const s = getComputedStyle(box), c = rgba(s.fill); layers.push([...c.slice(0, 3), c[3] * s.fillOpacity]); }
      layers.push(rgba(getComputedStyle(e).backgroundColor));
    }
    return layers.reverse().reduce((under, top) => over(top, under), [255, 255, 255]);
  };
  const worst = {};
  for (const element of document.querySelectorAll("body *")) {
    if (element.matches("script, noscript, style, option") || ![...element.childNodes].some(n => n.nodeType === 3 && n.data.trim())) continue;
    if (!element.getClientRects().length || element.closest("[hidden], .spoken")) continue;
    const style = getComputedStyle(element), svg = element.closest("svg");
    const under = paper(element), ink = over(rgba(svg ? style.fill : style.color), under);
    const [high, low] = [light(ink), light(under)].sort((a, b) => b - a), ratio = (high + 0.05) / (low + 0.05);
    const kind = `${element.tagName} ${element.getAttribute("class") ?? ""} ${element.id}`;
    if (!(ratio >= (worst[kind] ?? Infinity))) worst[kind] = ratio;
  }
  return worst; })()"""


def check_contrast(browser):
    lowest = math.inf
    for theme in ("light", "dark"):
        browser.open(page_of("composed", composed), theme=theme)
        for event, operation in (("forward", "divide_by"), ("vjp", "masked_softmax"), ("accumulate", "matmul")):
            step_at(browser, event, operation)
            browser.js("choose(7)")
            browser.js('search("m")')
            browser.js('document.querySelectorAll("[data-stage=W] td")[3]?.click()')
            for kind, ratio in browser.js(CONTRAST).items():
                lowest = min(lowest, ratio)
                check(f"contrast of {kind} at {operation}, {theme}", ratio >= 4.5, f"{ratio:.2f}")
    print(f"the lowest contrast of a text is {lowest:.2f}")


# ---- Looks ---------------------------------------------------------------------------------------
def check_widths(browser):
    """Nothing is wider than the window, on any screen; and a picture for README.md."""
    for width, height in ((1400, 860), (1100, 700), (420, 800)):
        for name, words in (("composed", composed), ("fused", fused)):
            browser.open(page_of(name, words), width=width, height=height)
            browser.js("go(steps.length - 4)")
            browser.js("choose(attentions[0].nodes[0])")
            check(f"{name} fits {width} pixels", browser.js("document.documentElement.scrollWidth <= innerWidth"))
            check(f"the panel of {name} fits {width} pixels", browser.js("byId('panel').scrollWidth <= byId('panel').clientWidth"))
            clipped = browser.js('[...document.querySelectorAll("#panel .numbers")].filter(e => e.scrollWidth > e.clientWidth + 1).length')
            check(f"no matrix of {name} is cut at {width} pixels", clipped == 0 or width < 800, clipped)


def picture(browser):
    """build/browser/explorer.webp, which is copied to examples/explain/page.webp for README.md."""
    browser.open(page_of("composed", composed), width=1280, height=800)
    step_at(browser, "vjp", "masked_softmax")
    browser.js('document.querySelector("#stages .stages:not(.operands)").scrollIntoView()')
    browser.js('document.querySelectorAll("[data-stage=W] td")[3].click()')
    shot = base64.b64decode(browser.call("Page.captureScreenshot", format="webp", quality=80)["data"])
    folder = build / "browser"
    folder.mkdir(exist_ok=True)
    (folder / "explorer.webp").write_bytes(shot)
    check("a picture of less than 200 kB", 10_000 < len(shot) < 200_000, len(shot))


def main():
    browser = Browser()
    check_numbers(browser)
    check_elements(browser)
    check_phases(browser)
    check_fused(browser)
    check_print(browser)
    check_keyboard(browser)
    check_reader(browser)
    check_contrast(browser)
    check_widths(browser)
    picture(browser)
    browser.close()
    ended("stages")


main()
