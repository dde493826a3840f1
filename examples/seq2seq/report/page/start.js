// A section that fails must not take the others with it.
for (const show of [showTop, showWarnings, showCurves, showSamples, showAttention, showScores, showConfusions, showSettings]) {
  try {
    show();
  } catch (error) {
    console.error(error);
    document.querySelector("main").append(el("p", {class: "warning"}, `${show.name}: ${error.message}`));
  }
}
if (lookedAt.length) go(place);
window.addEventListener("beforeprint", () => document.querySelectorAll("details").forEach(d => { d.open = true; }));
