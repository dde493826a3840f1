// What was confused with what, and sentences that are not right.

function confusionTable(confusions) {
  const most = Math.max(...confusions.map(c => c.count));
  const word = text => (text === "" ? el("i", {class: "quiet"}, "(nothing)") : user(text));
  return table(["reference", "model", "times", "for example"], confusions.map(c => el("tr", {},
    el("td", {class: "word"}, word(c.reference)), el("td", {class: "word"}, word(c.output)),
    el("td", {class: "times"}, el("span", {class: "bar", style: {width: `${Math.max(3, 70 * c.count / most)}px`}}), ` ${number(c.count)}`),
    el("td", {}, user(c.example.source, "div"), el("div", {}, marked(c.example.pieces))))));
}

function mistakeList(mistakes) {
  const verb = mistakes.length === 1 ? "is" : "are";
  return el("details", {}, el("summary", {}, `${plural(mistakes.length, "sentence")} that ${verb} not exactly right`),
    mistakes.map(m => el("dl", {class: "sample"}, el("dt", {}, "source"), el("dd", {}, user(m.source)),
      el("dt", {}, "reference"), el("dd", {}, user(m.reference)), el("dt", {}, "output"), el("dd", {}, marked(m.pieces)))));
}

function showConfusions() {
  if (!runs.some(run => run.scores)) {
    content("confusions").append(el("p", {}, "There are no scores, see above."));
    return;
  }
  hint("confusions", "Words of the held-out references beside what the model wrote in their place, " +
    "where the two sentences are aligned with the fewest edits.");
  content("confusions").append(el("div", {class: "columns"}, runs.map((run, i) => run.scores && el("div", {class: classOf[i]},
    two ? el("h3", {}, named(i)) : null,
    run.scores.confusions.length ? confusionTable(run.scores.confusions) : el("p", {}, "Nothing: every held-out sentence is exactly right."),
    run.scores.mistakes.length ? mistakeList(run.scores.mistakes) : null))));
}
