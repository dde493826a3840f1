// Where everything stands.

const open = new Set([0]);
const padding = {side: 14, top: 34, bottom: 14};

// A map of one axis that gives the parts from `from` to `to` at least `length`, and keeps the order.
function stretch(parts) {
  const cuts = [...new Set(parts.flatMap(part => [part.from, part.to]))].sort((a, b) => a - b);
  const rates = cuts.slice(0, -1).map((cut, i) => Math.max(
    1, ...parts.filter(part => part.from <= cut && cuts[i + 1] <= part.to)
              .map(part => part.length / (part.to - part.from))));
  return x => {
    let moved = Math.min(x, cuts[0] ?? x);
    for (let i = 0; i + 1 < cuts.length && x > cuts[i]; ++i)
      moved += rates[i] * (Math.min(x, cuts[i + 1]) - cuts[i]);
    return cuts.length && x > cuts.at(-1) ? moved + x - cuts.at(-1) : moved;
  };
}

function measure(number) {
  const group = groups[number];
  const inner = new Map();
  const across = [], down = [];
  for (const [name, box] of group.places) {
    const child = Number(name.slice(1));
    if (name[0] !== "g" || !open.has(child)) continue;
    const size = measure(child);
    inner.set(child, size);
    const width = size.width + 2 * padding.side, height = size.height + padding.top + padding.bottom;
    across.push({from: box.x - box.width / 2, to: box.x + box.width / 2, length: width + 16});
    down.push({from: box.y - box.height / 2, to: box.y + box.height / 2, length: height + 16});
  }
  const x = stretch(across), y = stretch(down);
  return {x, y, inner, width: x(group.width), height: y(group.height)};
}

// Everything that is visible, with its place: nodes, folded groups, frames of open ones, edges.
function arrange() {
  const scene = {items: [], frames: [], edges: []};
  const place = (number, measured, left, top) => {
    const group = groups[number];
    const placed = new Map();
    for (const [name, box] of group.places) {
      const child = Number(name.slice(1));
      const middle = [measured.x(box.x - box.width / 2), measured.x(box.x + box.width / 2)];
      const centre = [measured.y(box.y - box.height / 2), measured.y(box.y + box.height / 2)];
      const at = {name, x: left + (middle[0] + middle[1]) / 2, y: top + (centre[0] + centre[1]) / 2,
                  width: box.width, height: box.height};
      const size = measured.inner.get(child);
      if (name[0] === "g" && size) {
        at.width = size.width + 2 * padding.side;
        at.height = size.height + padding.top + padding.bottom;
        scene.frames.push({...at, group: child});
        at.ports = place(child, size, at.x - at.width / 2 + padding.side,
                         at.y - at.height / 2 + padding.top);
      } else if (name[0] === "n" || name[0] === "g") {
        scene.items.push({...at, number: child});
      }
      placed.set(name, at);
    }
    for (const edge of group.edges)
      scene.edges.push(...edgesFor(edge, group, placed, measured, left, top));
    return placed;
  };
  const whole = measure(0);
  place(0, whole, 0, 0);
  scene.width = whole.width;
  scene.height = whole.height;
  return scene;
}

// The edge along dot's curve, and inside open groups the way to their ports.
function edgesFor(edge, group, placed, measured, left, top) {
  const from = placed.get(edge.from), to = placed.get(edge.to);
  const points = [];
  for (let i = 0; i < edge.points.length; i += 2)
    points.push([left + measured.x(edge.points[i]), top + measured.y(edge.points[i + 1])]);
  if (points.length === 0) return [];
  const touch = (point, end, box, original) => {
    const half = box.width / 2 - 4;
    point[0] = Math.max(box.x - half, Math.min(box.x + half, point[0]));
    point[1] = box.y + (end > original.y ? 1 : -1) * box.height / 2;
  };
  touch(points[0], edge.points[1], from, group.places.get(edge.from));
  touch(points.at(-1), edge.points.at(-1), to, group.places.get(edge.to));
  const operands = [];
  for (let i = 0; i < edge.operands.length; i += 2)
    operands.push([edge.operands[i], edge.operands[i + 1]]);
  const corner = ([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`;
  let path = `M${corner(points[0])}`;
  for (let i = 1; i + 2 < points.length; i += 3)
    path += `C${corner(points[i])} ${corner(points[i + 1])} ${corner(points[i + 2])}`;
  const middle = Math.floor((points.length - 1) / 6) * 3;
  const [a, b, c, d] = points.slice(middle, middle + 4);
  const mid = d ? [0, 1].map(k => (a[k] + 3 * b[k] + 3 * c[k] + d[k]) / 8) : a;
  const folded = [edge.from, edge.to].some((name, i) => name[0] === "g" && !(i ? to : from).ports);
  const bounds = some => [Math.min(...some.map(p => p[0])), Math.min(...some.map(p => p[1])),
                          Math.max(...some.map(p => p[0])), Math.max(...some.map(p => p[1]))];
  const lines = [{path, mid, operands, folded, ends: [edge.from, edge.to], bounds: bounds(points), lean: points.at(-1)[0] - points[0][0]}];
  const join = (box, letter, point) => {
    if (!box.ports) return;
    const sources = new Map();
    for (const operand of operands) {
      const input = node(operand[0]).inputs[operand[1]];
      sources.set(input.node, [...(sources.get(input.node) ?? []), operand]);
    }
    for (const [source, some] of sources) {
      const port = box.ports.get(letter + source);
      if (!port) continue;
      const half = (point[1] + port.y) / 2;
      lines.push({operands: some, mid: null, ends: [], bounds: bounds([point, [port.x, port.y]]),
                  path: `M${corner(point)}C${corner([point[0], half])} ${corner([port.x, half])} ${corner([port.x, port.y])}`});
    }
  };
  join(from, "o", points[0]);
  join(to, "i", points.at(-1));
  return lines;
}
