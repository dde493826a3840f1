// The graph.

const world = byId("world"), picture = byId("picture");
let scene = null;
const view = {scale: 1, x: 0, y: 0};
let chosen = 0;  // a node

function drawGraph() {
  scene = arrange();
  world.textContent = "";
  const layer = () => world.appendChild(draw("g"));
  const frames = layer(), edges = layer(), items = layer(), terms = layer();
  for (const frame of scene.frames) frames.append(drawFrame(frame));
  for (const edge of scene.edges) {
    edge.element = edges.appendChild(draw("path", {class: "edge", d: edge.path}));
    if (edge.mid && !edge.ends.some(name => name[0] === "i" || name[0] === "o")) {
      const [reader, input] = edge.operands[0];
      // Edges that meet carry their labels on the outside.
      const leftward = Math.abs(edge.lean) > 8 ? edge.lean > 0 : edge.operands.length === 1 && input === 0 && node(reader).inputs.length > 1;
      edge.label = terms.appendChild(draw("text", {class: "term", x: edge.mid[0] + (leftward ? -4 : 5), y: edge.mid[1] + 4,
                                                   "text-anchor": leftward ? "end" : "start"}));
    }
  }
  scene.byNode = new Map();
  for (const item of scene.items) {
    item.element = items.appendChild(item.name[0] === "n" ? drawNode(item) : drawFolded(item));
    if (item.name[0] === "n") scene.byNode.set(item.number, item);
  }
  scene.byGroup = new Map(scene.items.filter(item => item.name[0] === "g").map(item => [item.number, item]));
  applyView();
  updateGraph(stateAt(current));
}

const corner = item => ({x: (item.x - item.width / 2).toFixed(1), y: (item.y - item.height / 2).toFixed(1),
                         width: item.width.toFixed(1), height: item.height.toFixed(1)});

function drawFrame(frame) {
  const element = draw("g", {class: "group", "data-group": frame.group, role: "button", tabindex: -1, "aria-expanded": "true",
                             "aria-label": `module ${groups[frame.group].name}, unfolded`});
  element.append(draw("rect", {class: "frame", rx: 8, ...corner(frame)}),
                 draw("text", {class: "name", x: frame.x - frame.width / 2 + 12, y: frame.y - frame.height / 2 + 17},
                      `− ${cut(groups[frame.group].name, 40)}`));
  return element;
}

function drawFolded(item) {
  const group = groups[item.number];
  const element = draw("g", {class: "group", "data-group": item.number, role: "button", tabindex: -1, "aria-expanded": "false",
                             "aria-label": `module ${group.name}, folded`});
  const leaves = group.leaves ? `, ${counted(group.leaves, "leaf").replace("leafs", "leaves")}` : "";
  element.append(draw("rect", {class: "box", rx: 8, ...corner(item)}),
                 draw("text", {class: "title", x: item.x, y: item.y - 6}, `+ ${cut(group.name, 22)}`),
                 draw("text", {class: "small", x: item.x, y: item.y + 14}, `${withCommas(group.operations)} op${group.operations === 1 ? "" : "s"}${leaves}`));
  return element;
}

function drawNode(item) {
  const n = node(item.number);
  const element = draw("g", {class: n.leaf ? "node leaf" : "node", "data-node": n.number, role: "button", tabindex: -1,
                             "aria-label": wordsOf(n.number).call});
  const top = item.y - item.height / 2;
  const heading = n.leaf && n.label ? wordsOf(n.number).names[0].replace(/^%\d+ '(.*)'$/s, "$1") : n.operation;
  const letters = [...heading];  // of a long name the end says more
  const label = draw("text", {class: "title", x: item.x, y: top + 17}, letters.length <= 18 ? heading : `…${letters.slice(-17).join("")}`);
  label.prepend(draw("tspan", {style: "font-weight: 400; fill: var(--soft)"}, `%${n.number} `));
  element.append(draw("rect", {class: "box", rx: 6, ...corner(item)}), label);
  item.slots = [];
  let y = top + 28;
  for (const output of n.outputs) {
    const slot = {output, y, value: draw("g"), cotangent: draw("g"), ...slotSize(output.shape)};
    slot.blocks = blocks(output, slot, item.x);
    element.append(slot.value, slot.cotangent);
    item.slots.push(slot);
    y += slot.rows === 0 ? 58 : slot.rows === 1 ? 40 : 16 * slot.rows + 8;
    if (output.consumers > 1) y += 16;
  }
  item.right = element.appendChild(draw("text", {class: "right", x: item.x, y: item.y + item.height / 2 + 13}));
  item.badge = element.appendChild(draw("text", {class: "badge", x: item.x, y: item.y + item.height / 2 - 7}));
  item.key = "";
  return element;
}

// block_of in layout.cpp.
function blockOf(tensorIndex, columns) {
  const tensor = tensorAt(tensorIndex);
  let longest = 1;
  for (let i = 0; tensor && i < Math.min(16, tensor.values.length); ++i) longest = Math.max(longest, brief(tensor, i).length);
  const column = 2 * Math.ceil(longest / 2) * 7.4 + 10;  // a new digit seldom makes it wider
  return {column, width: columns * column + 16};
}
// Where the columns of a slot end: rows stand one below the other, matrices side by side.
function blocks(output, {rows, columns}, x) {
  const v = blockOf(output.values, columns), c = blockOf(output.cotangent, columns);
  if (rows === 1) {
    const column = Math.max(v.column, c.column), right = x + Math.max(v.width, c.width) / 2;
    return {v: {column, right}, c: {column, right}};
  }
  const left = x - (v.width + c.width + 8) / 2;
  return {v: {column: v.column, right: left + v.width}, c: {column: c.column, right: left + v.width + 8 + c.width}};
}

// cells_of in layout.cpp.
function slotSize(shape) {
  const columns = shape.length ? shape.at(-1) : 1;
  const rows = columns ? count(shape) / columns : 0;
  return shape.length <= 2 && columns > 0 && columns <= 4 && rows <= 4 ? {rows, columns} : {rows: 0, columns: 0};
}

function drawNumbers(place, tensorIndex, item, slot, y, kind) {
  const tensor = tensorAt(tensorIndex);
  place.textContent = "";
  if (!tensor) return;
  const sign = kind === "c" ? "ȳ" : "=";
  const {column, right} = slot.blocks[kind];
  place.setAttribute("data-tensor", tensorIndex);
  if (tensor.right && !sameShape(tensor, tensor.right)) {
    place.append(draw("text", {class: "wrong", x: item.x, y: y + 12, "text-anchor": "middle"}, `${sign} ${shapeText(tensor.shape)}`));
    return;
  }
  const kindOf = i => isWrong(tensor, i) ? `${kind} wrong` : kind;
  if (slot.rows === 1 && slot.columns === 1) {  // in the middle: "ȳ = 2"
    place.append(draw("text", {class: kind, x: item.x - 12, y: y + 12}, kind === "c" ? "ȳ =" : "="),
                 draw("text", {class: kindOf(0), "data-i": 0, x: item.x - 4, y: y + 12, style: "text-anchor: start"}, brief(tensor, 0)));
    return;
  }
  place.append(draw("text", {class: kind, x: right - slot.columns * column - 2, y: y + 12}, sign));
  for (let i = 0; i < tensor.values.length; ++i)
    place.append(draw("text", {class: kindOf(i), "data-i": i, x: right - (slot.columns - 1 - i % slot.columns) * column,
                               y: y + 12 + 16 * Math.floor(i / slot.columns)}, brief(tensor, i)));
}

// A heat map in few shapes: the cells of a colour are one path.
function drawThumb(place, tensorIndex, x, y, caption, kind) {
  const tensor = tensorAt(tensorIndex);
  place.textContent = "";
  const [width, height] = [54, 34], levels = 5;
  place.append(draw("text", {class: "small", x: kind === "c" ? x + width : x, y: y + height + 13, style: kind === "c" ? "text-anchor: end; fill: var(--cotangent)" : "text-anchor: start"}, caption));
  place.append(draw("rect", {class: tensorAt(tensorIndex)?.right ? "thumb-frame wrong" : "thumb-frame", x, y, width, height}));
  if (!tensor) return;
  place.setAttribute("data-tensor", tensorIndex);
  const all = grid(tensor);
  const rows = Math.min(all.rows, 10), columns = Math.min(all.columns, 16);
  const paths = new Map();
  for (let row = 0; row < rows; ++row)
    for (let column = 0; column < columns; ++column) {
      const i = Math.floor(row * all.rows / rows) * all.columns + Math.floor(column * all.columns / columns);
      if (i >= tensor.values.length) continue;
      const level = Math.round(shareOf(tensor, i) * levels);
      if (level === 0) continue;
      const w = width / columns, h = height / rows;
      paths.set(level, (paths.get(level) ?? "") + `M${(x + column * w).toFixed(1)} ${(y + row * h).toFixed(1)}h${w.toFixed(2)}v${h.toFixed(2)}h${(-w).toFixed(2)}z`);
    }
  for (const [level, d] of paths) place.append(draw("path", {d, fill: colour(level / levels)}));
}

function updateNode(item, state) {
  const n = node(item.number);
  const computed = n.number <= state.computed;
  const now = state.step.node === n.number;
  const arrivals = n.outputs.map((_, i) => state.arrived.get(`${n.number}.${i}`));
  const key = `${computed} ${now} ${chosen === n.number} ${arrivals.map(a => a ? `${a.tensor} ${a.arrived}` : "")}`;
  if (key === item.key) return;
  item.key = key;
  const classes = item.element.classList;
  classes.toggle("future", !computed);
  classes.toggle("now", now);
  classes.toggle("chosen", chosen === n.number);
  item.slots.forEach((slot, i) => {
    const cotangent = arrivals[i]?.tensor;
    const values = computed ? slot.output.values : null;
    if (slot.rows) {
      if (slot.shownValue !== values) drawNumbers(slot.value, values, item, slot, slot.y, "v");
      if (slot.shownCotangent !== cotangent) drawNumbers(slot.cotangent, cotangent, item, slot, slot.rows === 1 ? slot.y + 16 : slot.y, "c");
    } else {
      if (slot.shownValue !== values) drawThumb(slot.value, values, item.x - item.width / 2 + 8, slot.y, shapeText(slot.output.shape), "v");
      if (slot.shownCotangent !== cotangent) drawThumb(slot.cotangent, cotangent, item.x + item.width / 2 - 62, slot.y, "ȳ", "c");
    }
    slot.shownValue = values;
    slot.shownCotangent = cotangent;
  });
  const wrong = n.outputs.flatMap((output, i) => [computed ? output.values : null, arrivals[i]?.tensor]).map(tensorAt).find(tensor => tensor?.right);
  item.right.textContent = wrong ? wrongText(wrong) : "";
  item.badge.textContent = arrivals.filter(a => a && a.consumers > 1).map(a => `${a.arrived} of ${a.consumers}${a.late ? ", too late" : " arrived"}`).join(", ");
}

// The boxes are one stop of the Tab key: that of the step. The arrows up and down move among them.
let tabStop = null;
function makeTabStop(element) {
  if (!element || element === tabStop) return;
  tabStop?.setAttribute("tabindex", -1);
  tabStop = element;
  element.setAttribute("tabindex", 0);
}
function moveFocus(by) {
  const boxes = [...world.querySelectorAll("[role=button]")];
  const next = boxes[boxes.indexOf(document.activeElement) + by];
  if (!next) return;
  makeTabStop(next);
  next.focus();
}

function updateGraph(state) {
  const nowGroups = new Set(chain(groupOf[state.step.node]));
  for (const item of scene.items) {
    if (item.name[0] === "n") updateNode(item, state);
    else item.element.classList.toggle("now", nowGroups.has(item.number));
  }
  makeTabStop(itemOf(state.step.node)?.element);
  const event = state.step;
  const isNow = ([reader, input]) =>
    event.event === "accumulate" ? reader === event.from && input === event.input
    : event.event === "forward" ? reader === event.node : event.event === "vjp" && reader === event.node;
  for (const edge of scene.edges) {
    let squares = 0, terms = 0, term = null, now = false;
    for (const operand of edge.operands) {
      const sent = state.backward ? state.sent.get(`${operand[0]}.${operand[1]}`) : undefined;
      if (sent !== undefined) {
        ++terms;
        term = sent;
        squares += tensorAt(sent).norm ** 2;
      }
      now ||= isNow(operand);
    }
    const key = `${now} ${terms} ${term}`;
    if (key === edge.key) continue;
    edge.key = key;
    edge.element.setAttribute("class", `edge${terms ? " sent" : ""}${now ? " now" : ""}`);
    if (!edge.label) continue;
    const scalar = terms === 1 && !edge.folded && tensorAt(term).values.length === 1 && !tensorAt(term).sampled;
    edge.label.textContent = !terms ? "" : scalar ? brief(tensorAt(term), 0) + (isWrong(tensorAt(term), 0) ? notText(tensorAt(term), 0, brief) : "")
      : edge.folded ? `‖${general(Math.sqrt(squares), 3)}‖` : "";
    edge.label.classList.toggle("wrong", scalar && isWrong(tensorAt(term), 0));
    if (scalar) edge.label.setAttribute("data-tensor", term);
  }
}
