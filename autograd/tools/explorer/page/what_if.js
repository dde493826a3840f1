// What if: the same tape, swept with a mistake. Where a number differs from the right one, its
// tensor holds the right one as `right`.

let mistake = -1;  // number of the what-if that is shown; −1: the right sweep
let runs = null;   // what is shown without and with each mistake, made when it is first asked for

// ---- Wrong numbers beside right ones -------------------------------------------------------------

const sameShape = (a, b) => String(a.shape) === String(b.shape);
function differsAt(a, b, i) {
  const [x, y] = [a.numbers[i], b.numbers[i]];
  if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) !== Number.isNaN(y);
  const rounding = a.dtype === "f32" ? 1e-6 : 1e-9;
  return x !== y && !(Math.abs(x - y) <= rounding * Math.max(Math.abs(x), Math.abs(y)));
}
const differs = (a, b) => !sameShape(a, b) || a.numbers.some((_, i) => differsAt(a, b, i));
const isWrong = (tensor, i) => Boolean(tensor.right) && (!sameShape(tensor, tensor.right) || differsAt(tensor, tensor.right, i));
const notText = (tensor, i, text = numberText) => sameShape(tensor, tensor.right) ? ` not ${text(tensor.right, i)}` : "";
function wrongText(tensor) {
  const {right} = tensor;
  if (!sameShape(tensor, right)) return `shape ${shapeText(tensor.shape)}, not ${shapeText(right.shape)}`;
  const wrong = tensor.numbers.filter((_, i) => isWrong(tensor, i)).length;
  if (tensor.values.length === 1) return `not ${brief(right, 0)}`;
  if (tensor.values.length <= 4 && tensor.shape.length === 1) return `right: ${right.values.map((_, i) => brief(right, i)).join(" ")}`;
  return `${withCommas(wrong)} of ${withCommas(tensor.values.length)} wrong`;
}
function markWrong(cell, tensor, i) {
  cell.classList.add("wrong");
  cell.append(make("span", {className: "not", textContent: notText(tensor, i)}));
  cell.title += sameShape(tensor, tensor.right) ? `; right is ${tensor.right.values[i]}` : "; the shape is wrong";
}
const wrongBeside = tensor => isWrong(tensor, 0) ? make("span", {className: "wrong", textContent: notText(tensor, 0)}) : null;

// ---- The wrong sweep in place of the right one ---------------------------------------------------

// Events, nodes and texts of a what-if, its tensors added to those of the page.
function wrongRun({tape: wrong, steps: told, replaces}, right) {
  const first = tape.tensors.length;
  tape.tensors.push(...wrong.tensors.map(prepare));
  const pairs = new Map();
  const pair = (index, rightIndex) => {
    if (index === null || index === undefined) return null;
    const a = tensorAt(first + index), b = tensorAt(rightIndex);
    if (!b || !differs(a, b)) return first + index;
    const key = `${index} ${rightIndex}`;
    if (!pairs.has(key)) pairs.set(key, tape.tensors.push({...a, right: b}) - 1);
    return pairs.get(key);
  };
  const nodes = right.nodes.map((n, i) => wrong.nodes.length === 0 ? n : {...n,
    inputs: n.inputs.map((input, k) => ({...input, values: pair(wrong.nodes[i].inputs[k].values, input.values)})),
    outputs: n.outputs.map((output, k) => ({...output, values: pair(wrong.nodes[i].outputs[k].values, output.values)}))});
  const vjps = new Map(), sums = new Map(), leaves = new Map();
  for (const event of right.events) {
    if (event.event === "vjp") vjps.set(event.node, event);
    if (event.event === "leaf") leaves.set(event.node, event);
    if (event.event === "accumulate") sums.set(`${event.node}.${event.output}.${event.arrived}`, event.after);
  }
  const soFar = new Map();  // what has arrived at each value
  const ran = new Set();    // nodes whose vjp has run: what arrives there now is too late
  const events = wrong.events.map(event => {
    if (event.event === "seed") {
      soFar.clear();
      ran.clear();
      return {...event, cotangent: first + event.cotangent};
    }
    if (event.event === "leaf") return {...event, gradient: pair(event.gradient, leaves.get(event.node)?.gradient)};
    if (event.event === "vjp") {
      ran.add(event.node);
      return {...event,
              cotangents: event.cotangents.map((c, i) => pair(c, nodes[event.node - 1].outputs[i].cotangent)),
              gradients: event.gradients.map((g, i) => pair(g, vjps.get(event.node)?.gradients[i]))};
    }
    const value = `${event.node}.${event.output}`;
    const before = soFar.get(value) ?? null;
    const after = pair(event.after, sums.get(`${value}.${event.arrived}`));
    soFar.set(value, after);
    return {...event, before, after, term: pair(event.term, vjps.get(event.from)?.gradients[event.input]),
            replaces: replaces && before !== null, late: ran.has(event.node)};
  });
  return {nodes, events, texts: wrong.nodes.length ? told : [...right.texts.slice(0, nodes.length), ...told]};
}

function use(run) {
  tape.nodes = run.nodes;
  tape.events = run.events;
  steps.splice(0, steps.length, ...run.nodes.map(n => ({event: "forward", node: n.number})), ...run.events);
  texts.splice(0, texts.length, ...run.texts);
  byId("slider").max = steps.length;
  byId("backward-phase").style.flexGrow = steps.length - forwardSteps;
}

const indicesOf = event => event.event === "forward" ? node(event.node).outputs.map(output => output.values)
  : [event.cotangent, event.gradient, event.before, event.term, event.after, ...(event.cotangents ?? []), ...(event.gradients ?? [])];
const hasWrong = event => indicesOf(event).some(index => tensorAt(index)?.right);

// Shows a mistake, from its first wrong number on; −1: none.
function assume(number) {
  play(false);
  mistake = number;
  if (number >= 0) runs.wrong[number] ??= wrongRun(whatIfs[number], runs.right);
  use(number < 0 ? runs.right : runs.wrong[number]);
  current = Math.min(current, steps.length - 1);
  document.documentElement.toggleAttribute("data-mistake", number >= 0);
  drawGraph();
  showMistake();
  go(number < 0 ? current : steps.findIndex(hasWrong));
}

// ---- The part of the panel -----------------------------------------------------------------------

function showMistake() {
  byId("mistakes").querySelectorAll("button").forEach((button, i) => button.setAttribute("aria-pressed", i === mistake));
  const part = byId("mistake");
  part.hidden = mistake < 0;
  part.replaceChildren();
  byId("why-not").hidden = true;
  byId("what-if-status").textContent = mistake < 0 ? "" : `Shown: what if ${whatIfs[mistake].name}. Wrong numbers are followed by "not" and the right ones.`;
  if (mistake < 0) return;
  const whatIf = whatIfs[mistake];
  part.append(make("p", {}, make("b", {textContent: `What if: ${whatIf.name}. `}), whatIf.meaning));
  if (whatIf.heads.length) part.append(headsTable(whatIf));
  const outcome = make("details", {open: true, className: "outcome"}, make("summary", {textContent: "What comes out, and the check that names it"}));
  const results = resultsOf(runs.wrong[mistake]), findings = whatIf.findings.map(text => make("p", {className: "finding", textContent: text}));
  if (results.querySelectorAll("[data-i]").length > 12 || results.querySelector("canvas")) outcome.append(...findings, results);
  else outcome.append(results, ...findings);
  if (whatIf.report) outcome.append(make("details", {}, make("summary", {textContent: "all that the check prints"}), make("pre", {textContent: whatIf.report})));
  part.append(outcome);
}

// The gradients that are wrong.
function resultsOf(run) {
  const last = new Map(run.events.filter(event => event.event === "leaf").map(event => [event.node, event]));
  const wrong = [...last.values()].filter(event => tensorAt(event.gradient)?.right).reverse();
  const figures = wrong.slice(0, 4).map(event => {
    const made = figure(`gradient of ${valueName(event.node, 0)}`, event.gradient, "cotangent", () => {
      go(steps.findLastIndex(step => step.event === "leaf" && step.node === event.node));
    });
    return made.element;
  });
  const rest = wrong.length - figures.length;
  return make("div", {className: "tensors"}, ...figures, rest > 0 ? make("p", {className: "hint", textContent: `and of ${counted(rest, "more leaf").replace("leafs", "leaves")}`}) : null);
}

// Which head gets whose length: ■ for a key that it sees.
function headsTable({heads, keys}) {
  const cell = (text, className = "") => make("td", {textContent: text, className});
  const bar = length => "■".repeat(Math.min(length, 24)) + "□".repeat(Math.max(0, Math.min(keys, 24) - length));
  const table = make("table", {className: "heads"});
  table.append(make("caption", {textContent: "Which head gets whose length; ■ a key that it sees, □ a hidden one"}));
  table.createTHead().append(make("tr", {}, ...["row", "example", "head", "right: repeat", "wrong: tile"].map(text => make("th", {textContent: text, scope: "col"}))));
  const body = table.createTBody();
  heads.slice(0, 16).forEach(({example, head, right, tiled, owner}, row) => {
    const wrong = owner !== example && right !== tiled;
    body.append(make("tr", {}, cell(row), cell(example), cell(head), cell(`${right} ${bar(right)}`),
      cell(`${tiled} ${bar(tiled)}${wrong ? ` not ${right}: that of example ${owner}` : ""}`, wrong ? "wrong" : "")));
  });
  if (heads.length > 16) table.append(make("tr", {}, make("td", {colSpan: 5, textContent: `… ${heads.length - 16} more rows`})));
  return make("div", {className: "numbers"}, table);
}

function setUpWhatIfs() {
  runs = {right: {nodes: tape.nodes, events: tape.events, texts: [...texts]}, wrong: []};
  mistake = -1;
  const bar = byId("mistakes");
  bar.replaceChildren(make("span", {id: "what-if-label", textContent: "What if:"}));
  whatIfs.forEach((whatIf, i) => {
    const button = make("button", {type: "button", textContent: whatIf.name, title: whatIf.why_not || whatIf.meaning, onclick() {
      if (!whatIf.why_not) return assume(mistake === i ? -1 : i);
      byId("why-not").textContent = `${whatIf.name}: it changes nothing here. ${whatIf.why_not}`;
      byId("why-not").hidden = false;
    }});
    button.setAttribute("aria-pressed", "false");
    if (whatIf.why_not) button.setAttribute("aria-disabled", "true");
    bar.append(button);
  });
  if (whatIfs.length === 0) bar.append(make("span", {className: "hint", textContent: "this tape is too long to be swept again with mistakes"}));
  showMistake();
}
