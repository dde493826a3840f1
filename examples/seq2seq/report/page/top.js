// The title, the main figures, and what stands out.

const lastOf = (run, key) => run.epochs.map(e => e[key]).filter(finite).pop();
const intervalOf = i => `95% interval ${percent(i.low)} to ${percent(i.high)}`;

const tile = (name, value, note) =>
  el("div", {class: "tile"}, el("span", {}, name), el("b", {}, value), el("span", {}, note));

function tilesOf(run) {
  const tiles = [];
  if (run.scores) {
    const {bleu, exact} = run.scores;
    tiles.push(tile("BLEU", percent(bleu.value), finite(bleu.value) ? intervalOf(bleu) : "the sentences are too short"),
      tile("exactly right", `${percent(exact.value)}%`, intervalOf(exact)));
  }
  tiles.push(tile("training loss", number(lastOf(run, "training_loss")), "nats per token, last epoch"));
  if (finite(lastOf(run, "validation_loss"))) {
    const best = run.epochs.filter(e => e.best).pop();
    tiles.push(tile("validation loss", number(lastOf(run, "validation_loss")), best ? `best after epoch ${best.epoch}` : ""));
  }
  return tiles;
}

function showDifference() {
  const place = document.getElementById("tiles");
  if (!data.difference) {
    place.append(el("p", {class: "quiet"},
      "The two runs were not scored on the same sentences, so their scores cannot be compared pair by pair."));
    return;
  }
  const {bleu, exact} = data.difference;
  const note = d => `95% interval ${signed(d.low)} to ${signed(d.high)}` + (d.low > 0 || d.high < 0 ? "" : "; 0 is in it");
  place.append(el("div", {class: "run"},
    el("p", {class: "quiet"}, "The second less the first, on the same held-out sentences (paired bootstrap):"),
    el("div", {class: "tiles"}, tile("BLEU", signed(bleu.value), note(bleu)),
      tile("exactly right", `${signed(exact.value)} points`, note(exact)))));
}

function showTop() {
  document.title = `${runs.map(run => run.name).join(" and ")} – training report`;
  const title = document.getElementById("title");
  title.append(user(runs[0].name));
  if (two) title.append(" and ", user(runs[1].name));
  runs.forEach((run, i) => {
    const epochs = run.epochs.length ? run.epochs[run.epochs.length - 1].epoch : 0;
    const about = `${run.model}, ${plural(run.parameters, "parameter")}, seed ${run.seed}; ` +
      `${plural(run.train_pairs, "training pair")}, ${plural(epochs, "epoch")}`;
    document.getElementById("tiles").append(el("div", {class: `run ${classOf[i]}`},
      el("p", {class: "quiet"}, named(i), two ? ": " : null, about), el("div", {class: "tiles"}, tilesOf(run))));
  });
  if (two) showDifference();
}

function showWarnings() {
  runs.forEach((run, i) => content("warnings").append(...run.warnings.map(warning =>
    el("p", {class: `warning ${classOf[i]}`}, el("b", {}, `⚠ ${warning.title}`), named(i), two ? ": " : null, warning.text))));
  if (!runs.some(run => run.warnings.length))
    content("warnings").append(el("p", {}, "Nothing: no loss was NaN, the losses fell to the end and did not part, " +
      "the outputs have the length of the references, and no head attends to all keys alike."));
}
