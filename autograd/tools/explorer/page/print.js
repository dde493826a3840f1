// Printing: the graph at the current step and its panel on one landscape page, black on white. While
// the page is printed, its parts have the sizes of the paper (page.css), so they can be measured.

let beforePrinting = null;  // what to return to

function preparePrint() {
  if (beforePrinting) return;
  beforePrinting = {theme: document.documentElement.dataset.theme, view: {...view}};
  document.querySelector("header").dataset.step = `step ${current + 1} of ${steps.length}`;
  document.documentElement.dataset.theme = "light";
  document.body.classList.add("printing");
  drawGraph();
  go(current, true);
  fit();
  if (scene.items.length > 80) reveal(steps[current].node, true);
  fitPanel(byId("panel"));
}
// Smaller, in two columns if one would be very small.
function fitPanel(panel) {
  const overflows = () => panel.scrollHeight > panel.clientHeight + 1 || panel.scrollWidth > panel.clientWidth + 1;
  for (const [columns, least] of [[1, 0.75], [2, 0.3]]) {
    panel.style.columns = columns;
    for (let zoom = 1; zoom >= least; zoom -= 0.05) {
      panel.style.zoom = zoom;
      if (!overflows()) return;
    }
  }
}
function endPrint() {
  if (!beforePrinting) return;
  document.body.classList.remove("printing");
  byId("panel").style.zoom = byId("panel").style.columns = "";
  document.documentElement.dataset.theme = beforePrinting.theme;
  drawGraph();
  go(current, true);
  Object.assign(view, beforePrinting.view);
  applyView();
  beforePrinting = null;
}
window.addEventListener("beforeprint", preparePrint);
window.addEventListener("afterprint", endPrint);
