// Steps.

let current = 0, playing = 0;

function go(step, fromLink = false) {
  current = Math.max(0, Math.min(steps.length - 1, step));
  const state = stateAt(current);
  updateGraph(state);
  updatePanel(state.step);
  updateSelected(state);
  updateStages(state);
  byId("slider").value = current + 1;
  byId("slider").setAttribute("aria-valuetext", `${current + 1} of ${steps.length}`);
  byId("count").textContent = `${current + 1} / ${steps.length}`;
  if (byId("follow").checked) reveal(state.step.node);
  if (!fromLink) history.replaceState(null, "", `#${[asked(), `step=${current + 1}`].filter(Boolean).join("&")}`);
  if (current === steps.length - 1) play(false);
}
function play(on = !playing) {
  clearInterval(playing);
  playing = on ? setInterval(() => go(current + 1), 900) : 0;
  byId("play").textContent = playing ? "❚❚" : "▶";
  byId("play").setAttribute("aria-label", playing ? "Pause" : "Play");
}
function choose(number) {
  chosen = number;
  if (number) unfoldTo(number);
  const state = stateAt(current);
  updateGraph(state);
  updateSelected(state);
  updateStages(state);
}
const linked = () => Number(/[#&]step=(\d+)$/.exec(location.hash)?.[1] ?? 1) - 1;
