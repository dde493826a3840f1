// The scores by length and by frequency, as points with their 95% intervals.

const area = {width: 340, height: 230, left: 34, right: 334, top: 28, bottom: 182};

// A bin's point and interval, at the position x.
function whisker(bin, unit, x, y) {
  const {value, low, high} = bin.score;
  if (!finite(value)) return svg("text", {x, y: y(0) - 6, "text-anchor": "middle"}, "–");
  const line = (x1, x2, from, to) => svg("line", {class: "whisker", x1, x2, y1: y(from), y2: y(to)});
  const reading = `${bin.label}: ${percent(value)}${unit}, ${intervalOf(bin.score)}, n = ${number(bin.count)}`;
  return svg("g", {}, svg("title", {}, reading), line(x, x, low, high), line(x - 4, x + 4, low, low),
    line(x - 4, x + 4, high, high), svg("circle", {class: "dot", cx: x, cy: y(value), r: 4.5}));
}

// `bins`: those of each run.
function intervalChart(title, unit, bins, note) {
  const rank = label => (label === "unknown" ? -1 : parseInt(label, 10));
  const labels = [...new Set(bins.flatMap(own => own.map(bin => bin.label)))].sort((p, q) => rank(p) - rank(q));
  const x = k => area.left + (area.right - area.left) * (k + 0.5) / labels.length;
  const y = v => area.bottom + (area.top - area.bottom) * v / 100;
  const node = svg("svg", {viewBox: `0 0 ${area.width} ${area.height}`, role: "img", "aria-label": title},
    svg("text", {class: "title", x: 0, y: 14}, title));
  for (const tick of [0, 25, 50, 75, 100])
    node.append(svg("line", {class: "grid", x1: area.left, x2: area.right, y1: y(tick), y2: y(tick)}),
      svg("text", {x: area.left - 6, y: y(tick) + 4, "text-anchor": "end"}, tick));
  labels.forEach((label, k) => {
    const counts = bins.map(own => own.find(bin => bin.label === label)).map(bin => (bin ? number(bin.count) : "–"));
    const text = (below, size, ...content) =>
      svg("text", {x: x(k), y: area.bottom + below, "text-anchor": "middle", style: {"font-size": size}}, ...content);
    node.append(text(18, "12px", label), text(32, "10px", `n=${[...new Set(counts)].join("/")}`));
  });
  bins.forEach((own, i) => node.append(svg("g", {class: classOf[i]}, own.map(bin =>
    whisker(bin, unit, x(labels.indexOf(bin.label)) + (two ? [-7, 7][i] : 0), y)))));
  return el("div", {}, node, el("p", {class: "hint"}, note));
}

function showScores() {
  const scored = runs.filter(run => run.scores);
  if (scored.length < runs.length)
    content("scores").append(el("p", {}, scored.length ? "One of the runs has no scores." :
      "There are no scores: no pairs were held out (see --held-out of `seq2seq train`), or they could not be translated."));
  if (!scored.length) return;
  const bins = key => runs.map(run => (run.scores ? run.scores[key] : []));
  hint("scores", `On ${scored.map(run => number(run.scores.sentences)).join(" and ")} held-out sentences. ` +
    "The bars are 95% intervals: the percentile bootstrap over sentences, 1,000 draws. n is the number of sentences or words.");
  content("scores").append(el("div", {class: "charts"},
    intervalChart("BLEU by length of the source", "", bins("bleu_by_length"),
      "Tokens in the source. A dash: too short for BLEU, which needs four words."),
    intervalChart("Exactly right by length, %", "%", bins("exact_by_length"), "Tokens in the source."),
    intervalChart("Right words by frequency, F1 in %", "%", bins("f1_by_frequency"),
      "How often the word occurs in the training targets, at least; unknown: not in the vocabulary.")));
}
