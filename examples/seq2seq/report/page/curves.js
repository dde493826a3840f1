// The learning curves.

const columnOf = (run, key) => run.steps.step.map((step, k) => [step, run.steps[key][k]]);
const byEpoch = (run, key) => run.epochs.filter(e => finite(e[key])).map(e => [e.step, e[key]]);
// ‖Δw‖ / ‖w‖ of a group of parameters; after the last group, of all.
const ratiosOf = (run, group) => run.steps.update_ratios.map(r => [r.step, r.ratios[group]]);
const lastStep = Math.max(1, ...runs.flatMap(run => [...run.steps.step.slice(-1), ...run.epochs.map(e => e.step)]));
const ofEachRun = make => runs.flatMap((run, i) => make(run, classOf[i]));

function lossChart() {
  const title = "Loss, nats per token" + (wide.width < 700 ? "" :
    ": each batch (faint), epochs (line), validation (dots; the large one is the best)");
  return stepChart({title, height: 260, last: lastStep, series: ofEachRun((run, c) => [
    {points: columnOf(run, "loss"), class: `faint ${c}`},
    {points: byEpoch(run, "training_loss"), class: c},
    {points: byEpoch(run, "validation_loss"), class: `dotted ${c}`, dots: true,
      marked: (run.epochs.filter(e => e.best).pop() || {}).step}])});
}

function gradientChart() {
  const limit = two && runs[0].clip !== runs[1].clip ? 0 : runs[0].clip;
  return stepChart({title: limit ? `Gradient norm, before it is clipped to ${number(limit)} (dashed)` : "Gradient norm",
    height: 150, last: lastStep, log: true, limit,
    series: ofEachRun((run, c) => [{points: columnOf(run, "gradient_norm"), class: `thin ${c}`}])});
}

// Of each part of the model; of two runs only over all parameters.
function updateChart() {
  const all = (run, c) => ({points: ratiosOf(run, run.groups.length), class: c});
  const parts = runs[0].groups.map((_, g) =>
    ({points: ratiosOf(runs[0], g), class: "thin", colour: colours[g % colours.length]}));
  return stepChart({title: "Update / weight: ‖Δw‖ / ‖w‖ of a step", height: 230, last: lastStep, log: true, showSteps: true,
    series: two ? ofEachRun((run, c) => [all(run, c)]) : [...parts, all(runs[0], "a")]});
}

function charts() {
  const all = [lossChart()];
  if (runs.some(run => run.epochs.some(e => finite(e.bleu))))
    all.push(stepChart({title: "BLEU on the validation pairs", height: 130, last: lastStep,
      series: ofEachRun((run, c) => [{points: byEpoch(run, "bleu"), class: c, dots: true}])}));
  all.push(gradientChart(), stepChart({title: "Learning rate", height: 100, last: lastStep,
    series: ofEachRun((run, c) => [{points: columnOf(run, "learning_rate"), class: c}])}), updateChart());
  return all;
}

function epochTable() {
  const cell = value => el("td", {class: "number"}, value);
  const known = x => (finite(x) ? number(x) : "–");
  const rows = runs.flatMap((run, i) => run.epochs.map(e => el("tr", {class: classOf[i]},
    two ? el("td", {}, named(i)) : null, cell(number(e.epoch)), cell(number(e.step)), cell(number(e.training_loss)),
    cell(known(e.validation_loss)), cell(known(e.bleu)), el("td", {}, e.best ? "best so far" : ""))));
  return el("details", {}, el("summary", {}, "The epochs as a table"),
    table([...(two ? ["run"] : []), "epoch", "step", "training loss", "validation loss", "BLEU", ""], rows));
}

function showCurves() {
  if (!runs.some(run => run.steps.step.length)) {
    content("curves").append(el("p", {}, "No step was recorded."));
    return;
  }
  content("curves").append(...readable(charts()), epochTable());
}
