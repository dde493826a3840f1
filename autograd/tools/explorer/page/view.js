// Moving the picture.

// Hides what lies outside, and numbers that are too small to read: painting takes most of a step.
function cull() {
  const left = -view.x / view.scale, top = -view.y / view.scale;
  const right = left + picture.clientWidth / view.scale, bottom = top + picture.clientHeight / view.scale;
  world.classList.toggle("far", view.scale < 0.3);
  const show = (part, element, [x0, y0, x1, y1]) => {
    const hidden = x1 < left || x0 > right || y1 < top || y0 > bottom;
    if (hidden !== part.hidden) element.style.display = (part.hidden = hidden) ? "none" : "";
  };
  for (const item of scene.items)
    show(item, item.element, [item.x - item.width / 2, item.y - item.height / 2, item.x + item.width / 2, item.y + item.height / 2]);
  for (const edge of scene.edges) show(edge, edge.element, edge.bounds);
}
function applyView() {
  cull();
  world.setAttribute("transform", `translate(${view.x.toFixed(1)} ${view.y.toFixed(1)}) scale(${view.scale.toFixed(4)})`);
}
const margins = {top: 52, bottom: 40, side: 24};
function fit() {
  const {clientWidth: width, clientHeight: height} = picture;
  view.scale = Math.max(0.02, Math.min(1.6, (width - 2 * margins.side) / scene.width,
                                       (height - margins.top - margins.bottom) / scene.height));
  view.x = (width - scene.width * view.scale) / 2;
  view.y = margins.top + (height - margins.top - margins.bottom - scene.height * view.scale) / 2;
  applyView();
}
function zoom(factor, x = picture.clientWidth / 2, y = picture.clientHeight / 2) {
  const scale = Math.max(0.02, Math.min(4, view.scale * factor));
  view.x = x - (x - view.x) * scale / view.scale;
  view.y = y - (y - view.y) * scale / view.scale;
  view.scale = scale;
  applyView();
}
// The box of a node, or of the folded group that holds it.
function itemOf(number) {
  const shown = scene.byNode.get(number);
  if (shown) return shown;
  for (const group of chain(groupOf[number]))
    if (scene.byGroup.has(group)) return scene.byGroup.get(group);
  return null;
}
// Brings the node into view; leaves the picture as it is if the node is in view and can be read.
function reveal(number, always = false) {
  const item = itemOf(number);
  if (!item) return;
  const fits = scene.width * view.scale <= picture.clientWidth && scene.height * view.scale <= picture.clientHeight;
  const x = view.x + item.x * view.scale, y = view.y + item.y * view.scale;
  const inside = x > 60 && y > 80 && x < picture.clientWidth - 60 && y < picture.clientHeight - 80;
  if (inside && (fits || view.scale >= 0.6) && !always) return;
  if (view.scale < 0.6) view.scale = 0.9;
  view.x = picture.clientWidth / 2 - item.x * view.scale;
  view.y = picture.clientHeight / 2 - item.y * view.scale;
  applyView();
}

function toggle(group) {
  if (open.has(group)) open.delete(group); else open.add(group);
  drawGraph();
  const frame = [...scene.frames.filter(f => f.group === group), scene.byGroup.get(group)].find(Boolean);
  const whole = scene.width * view.scale <= picture.clientWidth && scene.height * view.scale <= picture.clientHeight;
  if (!whole && frame) {
    view.x = picture.clientWidth / 2 - frame.x * view.scale;
    view.y = Math.max(picture.clientHeight / 2 - frame.y * view.scale, margins.top - (frame.y - frame.height / 2) * view.scale);
    applyView();
  } else fit();
  world.querySelector(`[data-group="${group}"]`)?.focus();
}
function unfoldTo(number) {
  const closed = chain(groupOf[number]).filter(group => !open.has(group));
  if (closed.length === 0) return;
  closed.forEach(group => open.add(group));
  drawGraph();
}
