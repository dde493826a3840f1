// Tensors in the panel.

// A figure: a caption, and the numbers or a heat map. `onPick(i)` is called for a clicked element.
function figure(name, tensorIndex, kind, onPick) {
  const tensor = tensorAt(tensorIndex);
  const caption = make("figcaption", {}, make("b", {textContent: name}));
  const element = make("figure", {className: kind}, caption);
  if (!tensor) {
    caption.append(" = 0");
    return {element, light() {}};
  }
  if (tensor.shape.length) caption.append(` ${tensor.dtype} ${shapeText(tensor.shape)}`);
  else element.classList.add("scalar");
  if (tensor.right && (tensor.values.length > 4 || !sameShape(tensor, tensor.right))) caption.append(make("span", {className: "wrong", textContent: ` ${wrongText(tensor)}`}));
  element.dataset.tensor = tensorIndex;
  if (tensor.sampled) element.append(make("p", {className: "hint", textContent:
    `${tensor.values.length} of ${withCommas(count(tensor.shape))} elements; norm ${general(tensor.norm, 4)}, from ${general(Number(tensor.least), 4)} to ${general(Number(tensor.largest), 4)}`}));
  const {rows, columns} = grid(tensor);
  if (count(tensor.shape) === 0) element.append(make("p", {className: "hint", textContent: "no elements"}));
  else if (!tensor.sampled && columns <= 8 && rows * columns <= 64) return {element, ...numbers(element, tensor, onPick)};
  else return {element, ...heatMap(element, tensor, onPick)};
  return {element, light() {}};
}

const place = (tensor, i) => tensor.sampled ? tensor.positions[i] : i;

// The cells of a table are one stop of the Tab key; the arrows move among them.
function rove(table, cells, columns, label) {
  table.setAttribute("role", "grid");
  if (label) table.setAttribute("aria-label", label);
  for (const cell of cells) {
    cell.tabIndex = -1;
    cell.setAttribute("role", "gridcell");
  }
  if (cells.length) cells[0].tabIndex = 0;
  table.addEventListener("keydown", event => {
    const at = cells.indexOf(event.target);
    const step = {ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns}[event.key];
    if (at < 0 || step === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    const next = cells[at + step];
    if (!next) return;
    cells[at].tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  });
}

function numbers(element, tensor, onPick) {
  const {rows, columns} = grid(tensor);
  const dense = columns > 4;
  const table = make("table", {className: dense ? "dense" : ""}), cells = [];
  for (let row = 0, i = 0; row < rows; ++row) {
    const line = table.insertRow();
    if (tensor.shape.length > 2 && row > 0 && row % tensor.shape.at(-2) === 0) line.className = "block";
    for (let column = 0; column < columns && i < tensor.values.length; ++column, ++i) {
      const cell = line.insertCell();
      cell.textContent = dense ? brief(tensor, i) : numberText(tensor, i);
      if (isWrong(tensor, i)) markWrong(cell, tensor, i);
      cell.title = `${indexText(tensor.shape, place(tensor, i))} = ${tensor.values[i]}`;
      cell.dataset.i = i;
      cells.push(cell);
    }
  }
  const pick = event => {
    const cell = event.target.closest("td");
    if (!cell || (event.key && event.key !== "Enter")) return;
    onPick(Number(cell.dataset.i));
  };
  rove(table, cells, columns, element.querySelector("figcaption")?.textContent);
  table.addEventListener("click", pick);
  table.addEventListener("keydown", pick);
  element.append(make("div", {className: "numbers"}, table));
  return {light(lit, picked) {
    const set = new Set(lit);
    cells.forEach((cell, i) => {
      cell.classList.toggle("lit", set.has(i));
      cell.classList.toggle("picked", i === picked);
    });
  }};
}

function heatMap(element, tensor, onPick) {
  const {rows, columns} = grid(tensor);
  const side = Math.max(3, Math.min(18, Math.floor(320 / columns), Math.floor(320 / rows)));
  const canvas = make("canvas", {width: columns * side, height: rows * side, tabIndex: 0});
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", `heat map, from ${general(-tensor.scale, 4)} (blue) to ${general(tensor.scale, 4)} (red)`);
  const where = make("div", {className: "where", textContent: `blue −${general(tensor.scale, 4)} … 0 … ${general(tensor.scale, 4)} red`});
  const paint = (lit = [], picked = -1) => {
    const context = canvas.getContext("2d");
    context.clearRect(0, 0, canvas.width, canvas.height);
    for (let i = 0; i < tensor.values.length; ++i) {
      context.fillStyle = colour(shareOf(tensor, i));
      context.fillRect((i % columns) * side, Math.floor(i / columns) * side, side, side);
      if (Number.isNaN(tensor.numbers[i])) {
        context.fillStyle = "#888";
        context.fillRect((i % columns) * side, Math.floor(i / columns) * side, side / 2, side / 2);
      }
    }
    const style = getComputedStyle(document.documentElement);
    context.lineWidth = Math.min(2, side / 3);
    const wrong = tensor.right ? tensor.numbers.map((_, i) => i).filter(i => isWrong(tensor, i)) : [];
    for (const [some, name] of [[wrong, "--wrong"], [lit, "--lit"], [picked < 0 ? [] : [picked], "--now-line"]]) {
      context.strokeStyle = style.getPropertyValue(name);
      for (const i of some)
        context.strokeRect((i % columns) * side + 1, Math.floor(i / columns) * side + 1, side - 2, side - 2);
    }
  };
  const at = event => {
    const box = canvas.getBoundingClientRect();
    const column = Math.floor((event.clientX - box.left) / box.width * columns);
    const row = Math.floor((event.clientY - box.top) / box.height * rows);
    const i = row * columns + column;
    return column >= 0 && column < columns && i >= 0 && i < tensor.values.length ? i : -1;
  };
  const say = i => {
    if (i >= 0) where.textContent = `${indexText(tensor.shape, place(tensor, i))} = ${numberText(tensor, i)}${isWrong(tensor, i) ? notText(tensor, i) : ""}`;
  };
  canvas.addEventListener("pointermove", event => say(at(event)));
  canvas.addEventListener("click", event => {
    if (at(event) >= 0 && !tensor.sampled) onPick(at(event));
  });
  const more = make("details", {}, make("summary", {textContent: "numbers"}));
  let table = null;
  more.addEventListener("toggle", () => {
    if (more.open && !table) table = numbers(more, tensor, onPick);
  });
  element.append(canvas, where, more);
  paint();
  return {light(lit, picked) {
    paint(lit, picked);
    if (picked >= 0) say(picked);
    table?.light(lit, picked);
  }};
}
