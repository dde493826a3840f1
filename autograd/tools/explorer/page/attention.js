// Attention in stages: scores, scaling, mask, softmax, mix, each with its cotangent below. The data
// is what attention_json.cpp writes; every number stands in it.

// Why a pair is hidden: Hidden in attention.h.
const hiddenBy = [null,
  {kind: "padding", mark: "∅", words: "padding: the query or the key is not there"},
  {kind: "causal", mark: "▸", words: "causality: the key comes after the query"},
  {kind: "both", mark: "∅▸", words: "both padding and causality"},
  {kind: "masked", mark: "✕", words: "the mask"}];

const parts = a => [a.q, a.k, a.v, ...a.stages];
let attentions = [];
whenLoaded.push(() => {
  const former = attentions;
  attentions = data.attention ?? [];
  attentions.forEach((a, i) => {
    for (const {values, cotangent} of parts(a)) [values, cotangent].filter(Boolean).forEach(prepare);
    const {examples, heads} = a.shown;
    a.example = Math.min(former[i]?.example ?? 0, examples - 1);  // a reader keeps what they chose
    a.head = Math.min(former[i]?.head ?? 0, heads - 1);
  });
});
const attentionAt = number => attentions.find(a => a.nodes.includes(number));
const vjpStep = number => {
  const found = steps.findIndex(step => step.event === "vjp" && step.node === number);
  return found < 0 ? Infinity : found;
};

// One matrix of a tensor [examples, heads, rows, columns]. An axis of size 1 stands for all.
function matrixOf(tensor, example, head) {
  const [examples, heads, rows, columns] = tensor.shape;
  const begin = (Math.min(example, examples - 1) * heads + Math.min(head, heads - 1)) * rows * columns;
  return {tensor, rows, columns, begin, at: (r, c) => tensor.numbers[begin + r * columns + c],
          text: (r, c) => numberText(tensor, begin + r * columns + c).replace(/^-0$/, "0"),
          short: (r, c) => brief(tensor, begin + r * columns + c).replace(/^-0$/, "0")};
}

const isSmall = ({rows, columns}) => columns <= 6 && rows <= 8;  // shown as numbers

class StagesView {
  constructor(a, step, place) {
    Object.assign(this, {a, step, place, example: a.example, head: a.head});
    this.backward = step >= forwardSteps;
    this.draw();
  }
  draw() {
    const {a} = this;
    this.figures = new Map();
    this.matrices = new Map();
    this.pinned = null;
    this.said = make("p", {className: "said"});
    const operands = [a.q, a.k, a.v].filter(part => part.values);
    this.place.replaceChildren(...[
      make("h3", {textContent: "Attention in stages"}),
      make("p", {className: "hint", textContent: `${a.about}${this.cut()}${mistake < 0 ? "" : " All of this is the right computation."}`}),
      this.choices("Example", "example", a.shown.examples), this.choices("Head", "head", a.shown.heads),
      make("div", {className: "stages operands"}, ...operands.map(part => this.stage(part))),
      make("div", {className: "stages"}, ...a.stages.map(part => this.stage(part))),
      this.legend(), this.said].filter(Boolean));
    this.say(null);
  }
  cut() {
    const names = {examples: "examples", heads: "heads", queries: "queries", keys: "keys", width: "columns of q and k", values: "columns of v"};
    const less = Object.keys(names).filter(each => this.a.shown[each] < this.a.whole[each])
      .map(each => `${this.a.shown[each]} of ${withCommas(this.a.whole[each])} ${names[each]}`);
    return less.length ? ` The page holds ${less.join(", ")}.` : "";
  }
  choices(label, key, number) {
    if (number < 2) return null;
    const group = make("div", {className: "choices"}, make("span", {textContent: label}));
    group.setAttribute("role", "group");
    group.setAttribute("aria-label", label);
    for (let i = 0; i < number; ++i) {
      const button = make("button", {type: "button", textContent: i + 1, onclick: () => {
        this[key] = this.a[key] = i;
        this.draw();
        this.place.querySelector(`[data-choice="${key}${i}"]`).focus();
      }});
      button.dataset.choice = `${key}${i}`;
      button.setAttribute("aria-pressed", this[key] === i);
      button.setAttribute("aria-label", `${label} ${i + 1}`);
      group.append(button);
    }
    return group;
  }

  // A stage: its matrix, and in the backward phase its cotangent below.
  stage(part) {
    const isNow = number => !this.a.fused && steps[this.step].node === number;
    const box = make("div", {className: "stage"});
    const equation = part.formula ? `${part.letter} = ${part.formula}` : part.letter;
    box.append(this.matrix(part, part.letter, part.values, "value", part.name, equation,
                           this.step >= part.node - 1, !this.backward && isNow(part.node)));
    const bar = barred(part.letter);
    if (this.backward)
      box.append(this.matrix(part, `${part.letter}~`, part.cotangent, "cotangent", "", part.gradient ? `${bar} = ${part.gradient}` : bar,
                             this.step >= vjpStep(part.reader), isNow(part.reader) && steps[this.step].event === "vjp"));
    return box;
  }
  matrix(part, key, tensor, kind, name, equation, known, isNow) {
    const caption = make("figcaption", {}, make("b", {textContent: name ? `${name} ` : ""}), make("span", {className: "equation", textContent: equation}));
    const figure = make("figure", {className: `${kind}${isNow ? " now" : ""}`}, caption);
    figure.dataset.stage = key;
    if (!tensor) {
      figure.append(make("p", {className: "hint", textContent: kind === "cotangent" ? (known ? "0" : "not yet") : "not on the tape"}));
      return figure;
    }
    const m = matrixOf(tensor, this.example, this.head);
    const pairs = !["q", "k", "v", "y"].includes(part.letter);
    Object.assign(m, {known, hidden: this.hidden(pairs), marks: key === "M", label: equation});
    if (known) this.matrices.set(key, m);
    const small = isSmall(m);
    const drawn = small ? numberGrid(m, pairs) : heatGrid(m);
    const events = {pointerover: false, click: true, focusin: true};
    for (const [name, pin] of Object.entries(events))
      drawn.element.addEventListener(name, event => known && this.pick(key, drawn.find(event), pin));
    drawn.element.addEventListener("pointermove", event => known && !small && this.pick(key, drawn.find(event), false));
    drawn.element.addEventListener("pointerleave", () => this.say(this.pinned));
    this.figures.set(key, drawn);
    figure.append(drawn.element);
    return figure;
  }
  hidden(pairs) {
    if (!pairs || !this.a.hidden) return () => null;
    const why = matrixOf({...this.a.hidden, numbers: this.a.hidden.values}, this.example, this.head);
    return (r, c) => hiddenBy[why.at(r, c)];
  }
  legend() {
    const heat = [...this.matrices.values()].some(m => !isSmall(m));
    if (!this.a.hidden && !heat) return null;
    const seen = new Set(this.a.hidden?.values);
    return make("ul", {className: "hidden-legend"},
      heat ? make("li", {textContent: "Blue is below 0, red above; each matrix has a scale of its own."}) : null,
      this.a.hidden ? make("li", {textContent: "Hidden by"}) : null,
      ...hiddenBy.flatMap((why, code) => why && seen.has(code)
        ? [make("li", {}, make("span", {className: `swatch hidden-${why.kind}`, textContent: why.mark}), ` ${why.words}`)] : []));
  }

  pick(key, place, pin) {
    if (!place) return;
    const picked = {key, row: place[0], column: place[1]};
    if (pin) this.pinned = picked;
    this.said.setAttribute("aria-live", pin ? "polite" : "off");
    this.say(picked);
  }
  say(picked) {
    const {lit, text} = picked ? spelled(this, picked) : {lit: {}, text: "Point at an element to see what made it."};
    for (const [key, drawn] of this.figures) drawn.light(lit[key] ?? (() => false), picked?.key === key ? picked : null);
    this.said.textContent = text;
  }
}

// Its own cells are one stop of the Tab key; the arrows move among them.
function numberGrid(m, pairs) {
  const table = make("table", {className: "grid"}), cells = [];
  if (pairs) {
    const head = table.insertRow();
    head.append(make("th", {textContent: "q\\k"}));
    for (let c = 0; c < m.columns; ++c) head.append(make("th", {textContent: c}));
  }
  for (let r = 0; r < m.rows; ++r) {
    const line = table.insertRow();
    line.append(make("th", {textContent: r}));
    for (let c = 0; c < m.columns; ++c) {
      const cell = line.insertCell(), why = m.hidden(r, c);
      cell.textContent = !m.known ? "\u00a0" : why && m.marks ? why.mark : m.short(r, c);
      if (why) cell.className = `hidden-${why.kind}`;
      if (m.known) cell.title = why ? `[${r}, ${c}] hidden by ${why.words}` : `[${r}, ${c}] = ${m.tensor.values[m.begin + r * m.columns + c]}`;
      cells.push(cell);
    }
  }
  rove(table, cells, m.columns, m.label);
  const find = event => {
    const i = cells.indexOf(event.target.closest("td"));
    return i < 0 ? null : [Math.floor(i / m.columns), i % m.columns];
  };
  return {element: table, find, light(isLit, picked) {
    cells.forEach((cell, i) => {
      const [r, c] = [Math.floor(i / m.columns), i % m.columns];
      cell.classList.toggle("lit", isLit(r, c));
      cell.classList.toggle("picked", picked?.row === r && picked.column === c);
    });
  }};
}

function heatGrid(m) {
  const side = Math.max(3, Math.min(20, Math.floor(172 / m.columns), Math.floor(172 / m.rows)));
  const canvas = make("canvas", {width: m.columns * side, height: m.rows * side, tabIndex: 0});
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", `${m.label}: heat map of ${m.rows} rows and ${m.columns} columns, from ${general(-m.tensor.scale, 3)} (blue) to ${general(m.tensor.scale, 3)} (red)`);
  const style = getComputedStyle(document.documentElement);
  const context = canvas.getContext("2d");
  const hatch = (x, y, kind) => {
    context.strokeStyle = context.fillStyle = style.getPropertyValue(`--${kind}`);
    context.lineWidth = 1;
    context.beginPath();
    if (kind === "padding" || kind === "both") context.moveTo(x, y + side), context.lineTo(x + side, y);
    if (kind === "masked") context.moveTo(x, y + side / 2), context.lineTo(x + side, y + side / 2);
    context.stroke();
    if (kind === "causal" || kind === "both") context.fillRect(x + side / 2 - 1, y + side / 2 - 1, 2, 2);
  };
  const paint = (isLit, picked) => {
    context.clearRect(0, 0, canvas.width, canvas.height);
    for (let r = 0; r < m.rows; ++r)
      for (let c = 0; c < m.columns; ++c) {
        const why = m.hidden(r, c), value = m.at(r, c);
        context.fillStyle = why && m.marks || !m.known || Number.isNaN(value) ? colour(0) : colour(m.tensor.scale ? Math.max(-1, Math.min(1, value / m.tensor.scale)) : 0);
        context.fillRect(c * side, r * side, side, side);
        if (why) hatch(c * side, r * side, why.kind);
      }
    for (let r = 0; r < m.rows; ++r)
      for (let c = 0; c < m.columns; ++c) {
        const own = picked?.row === r && picked.column === c;
        if (!own && !isLit(r, c)) continue;
        context.strokeStyle = style.getPropertyValue(own ? "--now-line" : "--lit");
        context.lineWidth = Math.min(2, side / 3);
        context.strokeRect(c * side + 1, r * side + 1, side - 2, side - 2);
      }
  };
  const find = event => {
    if (event.type === "focusin") return null;
    const box = canvas.getBoundingClientRect();
    const r = Math.floor((event.clientY - box.top) / box.height * m.rows), c = Math.floor((event.clientX - box.left) / box.width * m.columns);
    return r >= 0 && r < m.rows && c >= 0 && c < m.columns ? [r, c] : null;
  };
  paint(() => false, null);
  return {element: canvas, find, light: paint};
}
