"""Pages of seq2seq report in a headless Chromium: every number, the sliders, keys, two runs, hostile texts.

    python3 report.py BUILD_FOLDER SCRATCH_FOLDER
"""
import base64
import json
import math
import pathlib
import re
import subprocess
import time

from chromium import Browser, build, check, ended, scratch

data = pathlib.Path(__file__).resolve().parents[3] / "data" / "english-french.tsv"
small = ["--width", "32", "--hidden", "32", "--heads", "2", "--learning-rate", "0.01"]
copying = ["--task", "copy", "--symbols", "8", "--min-length", "4", "--max-length", "7", "--train-count", "600",
           "--held-out-count", "80", "--batch", "32", "--dropout", "0", "--validation-bleu"]


# ---- Runs and what is known of them --------------------------------------------------------------
def seq2seq(*words):
    return subprocess.run([build / "seq2seq", *map(str, words)], cwd=scratch, check=True, capture_output=True, text=True).stdout


def train(name, *options):
    return seq2seq("train", *small, "--output", name, *options)


def records(name, kind):
    lines = (scratch / name / "records.jsonl").read_text(encoding="utf-8").split("\n")[:-1]
    return [line for line in map(json.loads, lines) if line["kind"] in (kind, f"last {kind}")]


def report(*names):
    seq2seq("report", *names, "--output", "page.html")
    return f"file://{scratch}/page.html"


def evaluated(name):
    """BLEU and the percentage of exact translations, as evaluate prints them."""
    text = seq2seq("evaluate", name)
    return [float(re.search(pattern, text)[1]) for pattern in (r"(?m)^BLEU +([0-9.]+)", r"(?m)^right sentences +([0-9.]+)")]


def same(text, value, digits=5):
    """Whether the text is the number, rounded to so many digits."""
    if value is None or not math.isfinite(value):
        return text in ("NaN", "–")
    size = 10.0 ** (math.floor(math.log10(abs(value))) + 1 - digits) if value else 0
    return abs(float(text.replace(",", "").replace("−", "-")) - value) <= 0.5001 * size


def same_percent(text, value):
    return abs(float(text.strip("%+").replace("−", "-")) - value) < 0.0501


def visible(text):
    return re.sub("[\u202a-\u202e\u2066-\u2069]", lambda c: f"\\u{ord(c[0]):04x}", text)


# ---- The sections --------------------------------------------------------------------------------
def readings(browser):
    """What is read at a step, for each run: {name: text}."""
    return browser.js("""[...document.querySelectorAll("#reading > div")].map(run => Object.fromEntries(
      [["step", run.querySelector("b").textContent], ...[...run.querySelectorAll("[data-name]")].map(
        row => [row.dataset.name, row.lastChild.textContent])]))""")


def check_reading(browser, names, step):
    for name, shown in zip(names, readings(browser)):
        where = f"{name}, step {step}"
        check(f"{where}: the step", shown["step"] == f"step {step:,}", shown)
        steps = records(name, "step")
        own = [s for s in steps if s["step"] == step]
        if step > steps[-1]["step"]:
            check(f"{where}: nothing after the end", len(shown) == 1, shown)
            continue
        for label, key in (("loss of the batch", "loss"), ("gradient norm", "gradient_norm"), ("learning rate", "learning_rate")):
            check(f"{where}: {label}", same(shown[label], own[0][key]), f"{shown[label]} for {own[0][key]}")
        epoch = next(e for e in records(name, "epoch") if e["step"] >= step)
        for label, key in (("training loss, epoch", "training_loss"), ("validation loss", "validation_loss"), ("BLEU", "bleu")):
            if key in epoch:
                check(f"{where}: {label}", same(shown[label], epoch[key]), f"{shown[label]} for {epoch[key]}")
        measured = [s for s in steps if "update_ratios" in s and s["step"] <= step][-1]["update_ratios"]
        groups = records(name, "begin")[0]["groups"] if len(names) == 1 else []
        for label, value in zip(groups + ["update / weight, all"], measured if groups else measured[-1:]):
            check(f"{where}: {label}", same(shown[label], value), f"{shown[label]} for {value}")


def point_at(browser, step):
    place = browser.js(f"""(() => {{ const box = document.querySelector(".curves");
      box.scrollIntoView(); const b = box.querySelector("svg").getBoundingClientRect();
      return [b.x + b.width / wide.width * (wide.left + (wide.width - wide.left - wide.right) * {step} / lastStep), b.y + 50]; }})()""")
    browser.call("Input.dispatchMouseEvent", type="mouseMoved", x=place[0], y=place[1])


def check_curves(browser, names):
    steps = sorted({s["step"] for name in names for s in records(name, "step")})
    for step in steps[::5]:
        point_at(browser, step)
        check_reading(browser, names, step)
    browser.js('document.querySelector(".curves").focus()')
    for key, modifiers, at in (("Home", 0, 0), ("ArrowLeft", 0, 0), ("ArrowRight", 0, 1), ("ArrowRight", 8, 11), ("ArrowLeft", 0, 10),
                               ("ArrowLeft", 8, 0), ("End", 0, len(steps) - 1), ("ArrowRight", 0, len(steps) - 1)):
        browser.call("Input.dispatchKeyEvent", type="keyDown", key=key, code=key, modifiers=modifiers)
        check_reading(browser, names, steps[at])
    drawn = browser.js('[...document.querySelectorAll(".curves svg:first-of-type path.faint")].map(p => p.getAttribute("d").match(/[ML]/g).length)')
    check("every batch is drawn", drawn == [len(records(name, "step")) for name in names], drawn)
    rows = browser.js('[...document.querySelectorAll("#curves tbody tr")].map(r => [...r.querySelectorAll("td.number")].map(c => c.textContent))')
    epochs = [e for name in names for e in records(name, "epoch")]
    check("the table has every epoch", len(rows) == len(epochs))
    for row, epoch in zip(rows, epochs):
        for text, key in zip(row, ("epoch", "step", "training_loss", "validation_loss", "bleu")):
            check(f"the table of epochs, {epoch['epoch']}: {key}", same(text, epoch.get(key)), text)


def slide(browser, index, section="samples"):
    browser.js(f"""(() => {{ const s = document.querySelector("#{section} input[type=range]");
      s.value = {index}; s.dispatchEvent(new Event("input")); }})()""")


def looks_of(names):
    return sorted({look["epoch"] for name in names for look in records(name, "look")})


def look_at(name, epoch):
    return [look for look in records(name, "look") if look["epoch"] <= epoch][-1]


def check_samples(browser, names):
    for index, epoch in enumerate(looks_of(names)):
        slide(browser, index)
        shown = browser.js('document.querySelector("#samples output").textContent')
        check("the slider names the epoch", shown == (f"after epoch {epoch}" if epoch else "untrained"), shown)
        blocks = browser.js("""[...document.querySelectorAll("#samples .sample")].map(block => ({
          texts: [...block.querySelectorAll(":scope > dd > .user")].slice(0, 2).map(e => e.textContent),
          outputs: [...block.querySelectorAll(".output")].map(e => ({right: e.textContent.endsWith("✓"),
            pieces: [...e.querySelector("bdi").childNodes].map(p => [p.nodeName, p.textContent])}))}))""")
        for i, sentence in enumerate(records(names[0], "begin")[0]["sentences"]):
            block = blocks[i]
            check(f"sample {i}: source and reference", block["texts"] == [visible(sentence["source"]), visible(sentence["reference"])], block)
            check(f"sample {i}: an output of each run", len(block["outputs"]) == len(names))
            for name, output in zip(names, block["outputs"]):
                translation = look_at(name, epoch)["translations"][i]
                text = lambda without: "".join(p[1] for p in output["pieces"] if p[0] != without)
                check(f"sample {i}, epoch {epoch}: the translation", text("DEL") == visible(translation), text("DEL"))
                check(f"sample {i}, epoch {epoch}: less the marks it is the reference", text("INS") == visible(sentence["reference"]), text("INS"))
                check(f"sample {i}, epoch {epoch}: a tick if it is right", output["right"] == (translation == sentence["reference"]))
    browser.click(".strip button")
    check("a click on the strip goes there", browser.js("lookedAt[place]") == 0)
    check("both sliders are one", browser.js('document.querySelector("#attention input, #samples input").value') == "0")
    browser.click("#samples .controls button")
    time.sleep(0.35 * len(looks_of(names)) + 0.5)
    check("play plays to the end", browser.js("place === lookedAt.length - 1 && playing === null"))
    browser.js('document.querySelector("#samples input").focus()')
    browser.press("Home")
    check("the slider has keys", browser.js("place") == 0)


def check_attention(browser, names):
    browser.js('document.querySelector("#attention").scrollIntoView()')
    layers = [layer["layer"] for layer in look_at(names[0], 0)["attention"][0]]
    buttons = browser.js('[...document.querySelectorAll("#attention .controls button:not(:first-child), #attention select ~ button")].map(b => b.textContent)')
    check("a button for each layer", sorted(buttons) == sorted(layers), buttons)
    for index, epoch in enumerate(looks_of(names)):
        slide(browser, index, "attention")
        for sentence in range(len(look_at(names[0], 0)["attention"])):
            browser.js(f"""(() => {{ const s = document.querySelector("#attention select");
              s.value = {sentence}; s.dispatchEvent(new Event("change")); }})()""")
            for layer in layers:
                browser.js(f'[...document.querySelectorAll("#attention button")].find(b => b.textContent === "{layer}").click()')
                check_heads(browser, names, epoch, sentence, layer)
    words = browser.js("""(() => { const cell = document.querySelector("#attention .cell"), b = cell.getBoundingClientRect();
      return [b.x + b.width / 2, b.y + b.height / 2, cell.textContent]; })()""")
    browser.call("Input.dispatchMouseEvent", type="mouseMoved", x=words[0], y=words[1])
    check("pointing reads a weight", browser.js('document.querySelector(".reading-line").textContent') == words[2], words)


def check_heads(browser, names, epoch, sentence, layer):
    shown = browser.js("""[...document.querySelectorAll(".heads")].map(run => [...run.children].map(head =>
      [head.querySelector("h4 span").textContent, [...head.querySelectorAll(".cell")].map(c => [c.getAttribute("fill-opacity"), c.textContent])]))""")
    for name, heads in zip(names, shown):
        own = next(l for l in look_at(name, epoch)["attention"][sentence] if l["layer"] == layer)
        weights = base64.b64decode(own["weights"])
        where = f"{name}, epoch {epoch}, {layer}, sentence {sentence}"
        check(f"{where}: the number of heads", len(heads) == own["sizes"][0])
        for h, (focus, cells) in enumerate(heads):
            ours = weights[h * len(cells):(h + 1) * len(cells)]
            check(f"{where}: the weights", all(f"{w / 255:.3f}" == c[0] and c[1].endswith(f": {w / 255:.2f}") for w, c in zip(ours, cells)))
            for row in range(own["sizes"][1]):
                keys = own["sizes"][2]
                check(f"{where}: a row adds up to 1", abs(sum(ours[row * keys:(row + 1) * keys]) - 255) <= keys)
            check(f"{where}: the focus", abs(float(focus[6:-1]) - 100 * (1 - own["entropies"][h])) < 0.51, focus)


def check_scores(browser, names):
    """Against evaluate, and against the translations of the held-out pairs."""
    tiles = dict(browser.js('[...document.querySelectorAll(".run.a .tile")].map(t => [t.children[0].textContent, t.children[1].textContent])'))
    bleu, exact = evaluated(names[0])
    check("BLEU is that of evaluate", same_percent(tiles["BLEU"], bleu), f"{tiles} {bleu}")
    check("the exact ones are those of evaluate", same_percent(tiles["exactly right"], exact), f"{tiles} {exact}")
    check("the training loss", same(tiles["training loss"], records(names[0], "epoch")[-1]["training_loss"]), tiles)
    check("the validation loss", same(tiles["validation loss"], records(names[0], "epoch")[-1]["validation_loss"]), tiles)
    pairs = [line.split("\t") for line in (scratch / names[0] / "held-out.tsv").read_text(encoding="utf-8").splitlines()]
    outputs = seq2seq("translate", names[0], *(source for source, _ in pairs)).splitlines()
    right = [output == reference for output, (_, reference) in zip(outputs, pairs)]
    run = browser.js("runs[0].scores")
    check("as many sentences", run["sentences"] == len(pairs))
    check("as many are right", abs(run["exact"]["value"] - 100 * sum(right) / len(right)) < 1e-9)
    drawn = browser.js('[...document.querySelectorAll("#scores svg")].map(s => [...s.querySelectorAll(".a > g > title")].map(t => t.textContent))')
    for titles, key, unit in zip(drawn, ("bleu_by_length", "exact_by_length", "f1_by_frequency"), ("", "%", "%")):
        bins = [b for b in run[key] if b["score"]["value"] is not None]
        check(f"{key}: every point is there", len(titles) == len(bins))
        for title, b in zip(titles, bins):
            numbers = re.fullmatch(r"(.*): ([\d.]+)" + unit + r", 95% interval ([\d.]+) to ([\d.]+), n = ([\d,]+)", title)
            check(f"{key}: {title}", numbers and numbers[1] == b["label"] and int(numbers[5].replace(",", "")) == b["count"] and all(
                same_percent(numbers[k], b["score"][part]) for k, part in ((2, "value"), (3, "low"), (4, "high"))))
    check("the groups have every sentence", sum(b["count"] for b in run["exact_by_length"]) == len(pairs))
    check("the groups agree with the whole", abs(sum(b["count"] * b["score"]["value"] for b in run["exact_by_length"]) / len(pairs)
                                                 - run["exact"]["value"]) < 1e-9)
    rows = browser.js('[...document.querySelectorAll("#confusions .a tbody tr")].map(r => [...r.children].map(c => c.textContent.trim()))')
    check("the confusions", [row[:3] for row in rows] == [
        [c["reference"] or "(nothing)", c["output"] or "(nothing)", f"{c['count']:,}"] for c in run["confusions"]], rows[:3])
    check("the marks are of the example", all(row[3].startswith(c["example"]["source"]) for row, c in zip(rows, run["confusions"])))


def check_settings(browser, names):
    rows = dict(browser.js('[...document.querySelectorAll("#settings tr")].filter(r => r.querySelector("td .user")).map(r => [r.querySelector("th").textContent, r.querySelector("td").textContent])'))
    toml = re.findall(r"(?m)^([a-z0-9-]+) *= *(.*)$", (scratch / names[0] / "settings.toml").read_text())
    for name, value in toml:
        check(f"the setting {name}", rows.get(f"--{name}") == value.strip('"'), f"{rows.get(f'--{name}')} for {value}")
    begin = records(names[0], "begin")[0]
    pairs = ", ".join(f"{begin[key]:,}" for key in ("train_pairs", "validation_pairs", "held_out_pairs"))
    check("the pairs", rows["pairs: training, validation, held out"] == pairs, rows)
    check("the machine", rows["machine"] == records(names[0], "machine")[0]["machine"])
    check("the seed", rows["seed"] == rows["--seed"])
    said = re.search(r"([\d,]+) parameters", browser.js('document.querySelector("#tiles").innerText'))[1]
    check("the parameters are those that train printed", said.replace(",", "") == printed[names[0]], said)


def check_page(browser, name):
    check(f"{name}: no complaint in the console", browser.complaints() == [], browser.complaints())
    check(f"{name}: one request, for the file", len(browser.requests()) == 1 and browser.requests()[0].startswith("file://"), browser.requests())
    for width in (1300, 900, 420):
        browser.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
        over = browser.js("""[document.documentElement.scrollWidth - document.documentElement.clientWidth,
          ...[...document.querySelectorAll("body *")].filter(e => !e.closest(".scroll, .sample dt, select")
            && e.getBoundingClientRect().right > innerWidth).slice(0, 3).map(e => e.outerHTML.slice(0, 90))]""")
        check(f"{name}: nothing overflows at {width}", over == [0], over)


def check_print(browser, name):
    browser.call("Emulation.setEmulatedMedia", media="print")
    check(f"{name}: prints", len(browser.call("Page.printToPDF")["data"]) > 20000)
    check(f"{name}: in print all is unfolded", browser.js('[...document.querySelectorAll("details")].every(d => d.open)'))


# ---- The pages -----------------------------------------------------------------------------------
printed = {}


def check_one_run(browser):
    printed["first"] = re.search(r"(\d+) parameters", train("first", *copying, "--epochs", "7"))[1]
    browser.open(report("first"))
    check("looks at the untrained, some between, and the last", looks_of(["first"]) == [0, 3, 6, 7], looks_of(["first"]))
    for section in (check_curves, check_samples, check_attention, check_scores, check_settings):
        section(browser, ["first"])
    check_page(browser, "one run")


def check_two_runs(browser):
    train("second", *copying, "--epochs", "5", "--clip", "0.5")
    names = ["first", "second"]
    browser.open(report(*names))
    for section in (check_curves, check_samples, check_attention):
        section(browser, names)
    tiles = browser.js('[...document.querySelectorAll(".run:not(.a):not(.b) .tile b")].map(t => t.textContent)')
    (bleu, exact), (other_bleu, other_exact) = evaluated("first"), evaluated("second")
    check("the difference of BLEU", abs(float(tiles[0].replace("−", "-")) - (other_bleu - bleu)) < 0.07, tiles)
    check("the difference of the exact ones", abs(float(tiles[1].split()[0].replace("−", "-")) - (other_exact - exact)) < 0.11, tiles)
    differing = browser.js('[...document.querySelectorAll("#settings tr")].map(r => [r.className, (r.querySelector("th") || r).textContent])')
    marked = [name for kind, name in differing if kind == "different"]
    check("the settings that differ are marked", sorted(marked) == ["--clip", "--epochs"], marked)
    options = [name for _, name in differing if name.startswith("--")]
    check("and come first", options[:2] == marked, options[:3])
    check_page(browser, "two runs")
    check_print(browser, "two runs")


def check_hostile(browser):
    word, script = "w" * 10000, "</script><script>window.broken=1</script>"
    lines = [f"{script} a\t\u202ex \"quoted\" <b>'", f"{word}\t{word}", "<!-- --> &amp;\t</SCRIPT> <img src=x onerror=window.broken=1>"]
    (scratch / "odd.tsv").write_text("\n".join(lines + [f"one {i}\tun {i}" for i in range(30)]) + "\n", encoding="utf-8")
    name = "<script>window.broken=1<\u202e\"'&amp;" + "w" * 150
    name = name.replace("/", "")
    train(name, "odd.tsv", "--min-frequency", "1", "--epochs", "2", "--validation", "0.5", "--held-out", "0.4")
    for names in ([name], [name, "first"]):
        browser.open(report(*names))
        check("hostile texts run nothing", browser.js("window.broken") is None and browser.js("document.scripts.length") == 2)
        check("they make no element", browser.js('document.querySelectorAll("img, h1 script, main script, main b > b").length') == 0)
        check("the name is shown as text", browser.js('document.querySelector("h1 .user").textContent') == visible(name))
        text = browser.js("document.body.textContent")
        sentences = records(name, "begin")[0]["sentences"]
        check("the texts are shown as text", all(visible(s[side]) in text for s in sentences for side in ("source", "reference")))
        check("marks of direction are escaped", "\u202e" not in text.split('{"version"')[0])
        check_page(browser, f"hostile texts, {len(names)} runs")


def check_others(browser):
    """Runs that lack something."""
    (scratch / "pairs.tsv").write_text("".join(data.read_text(encoding="utf-8").splitlines(keepends=True)[:300]), encoding="utf-8")
    for name, options, missing in (("bare", ["--held-out", "0", "--validation", "0"], "no pairs were held out"),
                                   ("gru", ["--model", "gru"], "has no attention"),
                                   ("dark", ["--tokenizer", "characters"], "Written by")):
        size = ["--width", "16"] if name == "gru" else small
        seq2seq("train", "pairs.tsv", *size, "--epochs", "1", "--output", name, *options)
        browser.open(report(name), theme="dark" if name == "dark" else "light")
        check(f"{name}: says what is missing", missing in browser.js("document.body.innerText"))
        check_page(browser, name)


def main():
    browser = Browser()
    check_one_run(browser)
    check_two_runs(browser)
    check_hostile(browser)
    check_others(browser)
    browser.close()
    ended("report")


main()
