// One slider over the epochs at which the model was looked at, for the samples and the attention.

const lookedAt = [...new Set(runs.flatMap(run =>
  [...run.samples.flatMap(s => s.outputs), ...run.attention.flatMap(s => s.epochs)].map(e => e.epoch)))].sort((p, q) => p - q);
const listeners = [];  // each is called with the epoch
let place = lookedAt.length - 1;
let playing = null;

function go(index) {
  place = Math.min(Math.max(index, 0), lookedAt.length - 1);
  for (const listener of listeners) listener(lookedAt[place]);
}
function pause() {
  clearInterval(playing);
  playing = null;
}
function play() {
  if (playing) {
    pause();
    go(place);
    return;
  }
  if (place === lookedAt.length - 1) place = -1;
  playing = setInterval(() => {
    if (place + 1 >= lookedAt.length - 1) pause();
    go(place + 1);
  }, 350);
  go(place + 1);
}

// The entry of this epoch, or the last one before it.
const entryAt = (entries, epoch) => entries.filter(e => e.epoch <= epoch).pop() || entries[0];
const nameOf = epoch => (epoch === 0 ? "untrained" : `after epoch ${epoch}`);

function slider() {
  const range = el("input", {type: "range", min: 0, max: lookedAt.length - 1, step: 1, "aria-label": "Epoch",
    oninput: event => { pause(); go(Number(event.target.value)); }});
  const shown = el("output");
  const button = el("button", {type: "button", onclick: play}, "▶ Play");
  listeners.push(epoch => {
    range.value = place;
    shown.textContent = nameOf(epoch);
    range.setAttribute("aria-valuetext", nameOf(epoch));
    button.textContent = playing ? "❚❚ Pause" : "▶ Play";
  });
  return el("div", {class: "controls"}, button, range, shown);
}
