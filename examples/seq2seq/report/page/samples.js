// Translations by epoch, with their differences from the reference. A piece is [kind, text], where
// kind is 0: the same, 1: added, 2: missing.

const marked = pieces => el("bdi", {class: "user", dir: "auto"},
  pieces.map(([kind, text]) => (kind === 0 ? text : el(kind === 1 ? "ins" : "del", {}, text))));

// The share of the characters that are right, in percent.
function percentRight(pieces) {
  const length = kinds => pieces.filter(p => kinds.includes(p[0])).reduce((sum, p) => sum + [...p[1]].length, 0);
  const wrong = Math.min(1, Math.max(length([1]), length([2])) / Math.max(1, length([0, 2])));
  return Math.round(100 * (1 - wrong));
}

// A button for each look, coloured by how much is right.
function strip(outputs) {
  const buttons = outputs.map(entry => {
    const right = percentRight(entry.pieces), name = `${nameOf(entry.epoch)}: ${right}% right`;
    return el("button", {type: "button", tabindex: -1, title: name, "aria-label": name, style: {"--part": right},
      onclick: () => go(lookedAt.indexOf(entry.epoch))});
  });
  const width = `${640 * outputs.length / lookedAt.length}px`;
  return el("div", {class: "strip", role: "group", "aria-label": "epochs", style: {"max-width": width}}, buttons);
}

function translation(i, sample) {
  const output = el("dd", {class: "output"}), history = strip(sample.outputs);
  listeners.push(epoch => {
    const entry = entryAt(sample.outputs, epoch);
    if (!entry) return;
    const nothing = entry.pieces.some(p => p[0] !== 2) ? [] : [el("i", {class: "quiet"}, "(nothing) ")];
    const right = entry.exact ? [el("span", {class: "mark"}, " ✓")] : [];
    output.replaceChildren(...nothing, marked(entry.pieces), ...right);
    sample.outputs.forEach((other, k) => history.children[k].setAttribute("aria-current", other === entry));
  });
  return [el("dt", {class: classOf[i]}, named(i) || "output"), output,
    el("dt"), el("dd", {class: `history ${classOf[i]}`}, history)];
}

// `own`: the sample of each run that has this sentence.
const sampleBlock = own => {
  const any = own.find(Boolean);
  return el("dl", {class: "sample"}, el("dt", {}, "source"), el("dd", {}, user(any.source)),
    el("dt", {}, "reference"), el("dd", {}, user(any.reference)), own.map((sample, i) => sample && translation(i, sample)));
};

function showSamples() {
  if (!runs.some(run => run.samples.some(sample => sample.outputs.length))) {
    content("samples").append(el("p", {}, "No translations were recorded."));
    return;
  }
  const split = runs[0].split === "training" ? "training pairs, since none are held out" : `${runs[0].split} pairs`;
  hint("samples", `Translations of some ${split}. Marked are characters that differ from the reference: `,
    el("ins", {}, "too much or wrong"), ", ", el("del", {}, "missing"),
    ". The strip below a sentence shows how much of it was right after each epoch; click to go there.");
  content("samples").append(slider());
  const same = (p, q) => p.source === q.source && p.reference === q.reference;
  for (const sample of runs[0].samples)
    content("samples").append(sampleBlock([sample, two && runs[1].samples.find(s => same(s, sample))]));
  if (two)
    for (const sample of runs[1].samples.filter(s => !runs[0].samples.some(other => same(s, other))))
      content("samples").append(sampleBlock([null, sample]));
}
