// Reading the learning curves at a step: by pointing, touching, or with the keys.

// The last value that was recorded at or before the step, or else the first one after it.
function valueAt(points, step) {
  let found = points[0];
  for (const point of points) if (point[0] <= step) found = point;
  return found && found[1];
}

// What one run shows at a step: [name, value, classes of its swatch, colour]…
function readings(run, c, step) {
  const k = run.steps.step.indexOf(step), epoch = run.epochs.find(e => e.step >= step);
  const rows = [];
  if (k >= 0)
    rows.push(["loss of the batch", number(run.steps.loss[k]), c], ["gradient norm", number(run.steps.gradient_norm[k]), c],
      ["learning rate", number(run.steps.learning_rate[k]), c]);
  if (epoch) rows.push(["training loss, epoch", number(epoch.training_loss), c]);
  if (epoch && finite(epoch.validation_loss)) rows.push(["validation loss", number(epoch.validation_loss), `dotted ${c}`]);
  if (epoch && finite(epoch.bleu)) rows.push(["BLEU", number(epoch.bleu), c]);
  const ratio = (name, group, kind, colour) => {
    const value = valueAt(ratiosOf(run, group), step);
    if (finite(value)) rows.push([name, number(value), kind, colour]);
  };
  if (k >= 0) ratio("update / weight, all", run.groups.length, c);
  if (!two) run.groups.forEach((group, g) => ratio(group, g, "thin", colours[g % colours.length]));
  return rows;
}

function readingOf(run, i, step) {
  const final = run.steps.step[run.steps.step.length - 1];
  const epoch = run.epochs.find(e => e.step >= step);
  const where = step > final ? `ended after step ${number(final)}` : epoch ? `in epoch ${epoch.epoch}` : "";
  const row = ([name, value, kind, colour]) => el("div", {"data-name": name},
    el("span", {class: "quiet"}, swatch(kind, colour), name), el("span", {}, value));
  return el("div", {class: `readout ${classOf[i]}`}, el("div", {class: "wide"}, named(i), el("b", {}, `step ${number(step)}`),
    el("span", {class: "quiet"}, where)), step > final ? null : readings(run, classOf[i], step).map(row));
}

// The charts in a box that reads them, below what it has read.
function readable(all) {
  const steps = [...new Set(runs.flatMap(run => run.steps.step))].sort((p, q) => p - q);
  const readout = el("div", {id: "reading", role: "status"});
  const box = el("div", {class: "curves", tabindex: 0, role: "group", "aria-label": "Learning curves; the arrow keys read a step"},
    all.map(chart => chart.node));
  let at = steps.length - 1;
  function read(index) {
    at = Math.min(Math.max(index, 0), steps.length - 1);
    all.forEach(chart => chart.point(steps[at]));
    readout.replaceChildren(...runs.map((run, i) => readingOf(run, i, steps[at])));
  }
  function readBy(index) {
    box.classList.add("reading");
    read(index);
  }
  function readAt(event) {
    const area = all[0].node.getBoundingClientRect(), scale = area.width / wide.width;
    const part = (event.clientX - area.left - wide.left * scale) / ((wide.width - wide.left - wide.right) * scale);
    const distance = steps.map(step => Math.abs(step - part * lastStep));
    readBy(distance.indexOf(distance.reduce((p, q) => Math.min(p, q))));
  }
  box.addEventListener("pointermove", readAt);
  box.addEventListener("pointerdown", readAt);
  box.addEventListener("keydown", event => {
    const stride = event.shiftKey ? 10 : 1;
    const to = {ArrowLeft: at - stride, ArrowRight: at + stride, Home: 0, End: steps.length - 1}[event.key];
    if (to === undefined) return;
    readBy(to);
    event.preventDefault();
  });
  read(at);
  return [readout, box];
}
