// The rule of a step.

const functionsInFormulas = new Set(["sin", "cos", "tan", "exp", "log", "tanh", "max", "min", "sqrt", "scale", "shift"]);

// "ā = ȳ b" with ȳ = 1 and b = 3: "1 · 3". Empty if the formula holds more than that.
function putIn(formula, values) {
  const right = formula.split(" = ").slice(1).join(" = ").replace("ᵖ⁻¹", "^(p − 1)").replace("ᵖ", "^p");
  if (!right || /[,.Σ∂∈]/u.test(right)) return "";
  let text = "", before = false;  // whether a factor ends here
  for (const [token] of right.matchAll(/\p{L}[\p{L}\p{M}]*|\d+|\s+|./gu)) {
    const known = values[token.normalize("NFC")];
    const isFunction = functionsInFormulas.has(token) && known === undefined;
    if (/^\s+$/.test(token)) {
      text += token;
      continue;
    }
    if (/^\p{L}/u.test(token) && known === undefined && !isFunction) return "";
    const isFactor = known !== undefined || isFunction || /^[\d(√]/.test(token);
    if (isFactor && before && text.endsWith(" ")) text += "· ";
    text += known === undefined ? token : known.startsWith("-") ? `(${known})` : known;
    before = known !== undefined || /^[\d)²³]/u.test(token);
  }
  return text === right || /^\(?-?[\d.e+-]+\)?$/.test(text) ? "" : text;
}

// A line: the formula, for numbers what stands for its letters, and the result.
function formulaLine(formula, values, result) {
  const line = make("p", {className: "formula"}, make("span", {textContent: formula}));
  const text = putIn(formula, values);
  if (text) line.append(make("span", {className: "put-in", textContent: ` = ${text}`}));
  if (result && result.values.length === 1 && !result.shape.length)
    line.append(" = ", make("span", {className: "result", textContent: numberText(result, 0)}), wrongBeside(result) ?? "");
  return line;
}

// The panel's tensors; a click on an element of one lights up what it came from.
class Workings {
  constructor(n) {
    this.n = n;
    this.figures = new Map();
    this.tensors = {};
  }
  show(role, name, tensorIndex, kind) {
    const made = figure(name, tensorIndex, kind, i => this.pick(role, i));
    this.figures.set(role, {...made, name});
    this.tensors[role] = tensorAt(tensorIndex);
    return made.element;
  }
  pick(role, i) {
    const element = byId("element");
    const tensor = this.tensors[role];
    const found = this.origin(role, i);
    const own = `${this.figures.get(role).name}${tensor.shape.length ? indexText(tensor.shape, i) : ""}`;
    for (const [each, {light}] of this.figures)
      if (this.tensors[each]) light(found?.[each] ?? [], each === role ? i : -1);
    const whole = found && Object.keys(found).every(each => !this.tensors[each] || !this.tensors[each].sampled);
    const terms = whole ? (this.spell ? this.spell(found) : termsText(this.n, role, found, this.tensors)) : "";
    element.textContent = `${own} = ${terms ? `${terms} = ` : ""}${numberText(tensor, i, 6)}`
      + (found && !terms ? ", from the elements that are lit" : "");
    element.hidden = false;
    offerChange(this.n, role, i);
    if (role === "gradient") pickElement?.(i);
  }
  origin(role, i) {
    if (role[0] !== "y" && !/^g\d/.test(role)) return null;
    const found = sources(this.n, role, i);
    if (!found || (role[0] === "g" && role !== "gy" && count(this.n.inputs[Number(role.slice(1))].shape) !== count(this.tensors[role].shape))) return null;
    for (const each of Object.keys(found)) if (!this.figures.has(each) || this.tensors[each]?.sampled) delete found[each];
    return found;
  }
}

const outputName = (n, letter, i) => n.outputs.length > 1 ? `${letter}${i}` : letter;

// The operands of a node with their letters and names.
function operands(n, workings) {
  const row = make("div", {className: "tensors"});
  n.inputs.forEach((input, i) => {
    const letter = wordsOf(n.number).letters[i] || "input";
    const name = input.node ? valueName(input.node, input.output) : "constant";
    if (i < 8) row.append(workings.show(`a${i}`, `${letter} = ${name}`, input.values, "value"));
  });
  if (n.inputs.length > 8) row.append(make("p", {className: "hint", textContent: `… ${n.inputs.length - 8} more inputs`}));
  return row;
}

// What the letters of a formula stand for, where they are single numbers.
function letters(n, event = null) {
  const values = {};
  const put = (letter, index) => {
    const tensor = tensorAt(index);
    if (letter && tensor && tensor.shape.length === 0) values[letter] = numberText(tensor, 0);
  };
  n.inputs.forEach((input, i) => put(wordsOf(n.number).letters[i], input.values));
  if (n.outputs.length === 1) {
    put("y", n.outputs[0].values);
    if (event) put(barred("y"), event.cotangents[0]);
  }
  for (const [name, value] of Object.entries(n.attributes))
    if (typeof value === "number") values[name] = general(value, 6);
  if (n.operation === "affine") Object.assign(values, {scale: values.scale ?? "1", shift: values.shift ?? "0"});
  return values;
}

const panels = {
  forward({node: number}) {
    const n = node(number), workings = new Workings(n), rule = byId("rule");
    if (n.leaf) {
      rule.append(workings.show("y", valueName(number, 0), n.outputs[0].values, "value"),
                  make("p", {className: "hint", textContent: "A leaf: it is given, and the sweep ends here with its gradient." + (isLive() ? " Click a number to change it." : "")}));
      return;
    }
    const only = n.outputs.length === 1 ? tensorAt(n.outputs[0].values) : null;
    rule.append(formulaLine(wordsOf(number).formula || `y = ${n.operation}(…)`, letters(n), only), operands(n, workings));
    n.outputs.forEach((output, i) => rule.append(output.values === null
      ? make("p", {className: "hint", textContent: `${valueName(number, i)} ${shapeText(output.shape)}: ${output.edited ? "edited since it was recorded" : "values not kept"}`})
      : workings.show(i === 0 ? "y" : `z${i}`, `${outputName(n, "y", i)} = ${valueName(number, i)}`, output.values, "value")));
  },
  seed(event) {
    const n = node(event.node);
    byId("rule").append(new Workings(n).show("gy", `ȳ of ${valueName(event.node, event.output)}`, event.cotangent, "cotangent"));
  },
  vjp(event) {
    const n = node(event.node), workings = new Workings(n), rule = byId("rule"), own = wordsOf(event.node);
    const received = make("div", {className: "tensors"});
    event.cotangents.forEach((cotangent, i) =>
      received.append(workings.show(i === 0 ? "gy" : `h${i}`, outputName(n, "ȳ", i), cotangent, "cotangent")));
    rule.append(make("h3", {textContent: "receives"}), received);
    const values = letters(n, event);
    event.gradients.forEach((gradient, i) => {
      const input = n.inputs[i];
      if (!input.node || i >= 8) return;
      const formula = own.gradients[i], letter = own.letters[i];
      rule.append(make("h3", {textContent: `sends to ${valueName(input.node, input.output)}`}));
      const summed = gradient === null || String(tensorAt(gradient).shape) === String(input.shape);
      const axes = input.repeated.length && (binary.has(n.operation) || !summed)
        ? `, ${summed ? "" : "not "}summed over ${input.repeated.length === 1 ? "axis" : "axes"} ${input.repeated.join(", ")}` : "";
      if (formula) rule.append(formulaLine(formula + axes, values, tensorAt(gradient)));
      if (!formula || input.shape.length || gradient === null || !summed) rule.append(workings.show(`g${i}`, letter ? barred(letter) : "term", gradient, "cotangent"));
    });
    rule.append(make("h3", {textContent: "with"}), operands(n, workings));
    if (n.outputs.length === 1 && n.outputs[0].values !== null)
      rule.append(workings.show("y", `y = ${valueName(event.node, 0)}`, n.outputs[0].values, "value"));
  },
  accumulate(event) {
    const n = node(event.node), workings = new Workings(n), rule = byId("rule");
    workings.origin = (role, i) => role !== "after" ? null : event.before === null || event.replaces ? {term: [i]} : {before: [i], term: [i]};
    workings.spell = found => Object.entries(found).map(([each, [i]]) => numberText(workings.tensors[each], i))
      .map(text => text.startsWith("-") ? `(${text})` : text).join(" + ");
    const signed = (text, element) => make("div", {className: "signed"}, make("span", {className: "sign", textContent: text}), element);
    rule.append(make("p", {className: "arrivals"}, make("span", {className: "dots", textContent: "●".repeat(Math.min(20, event.arrived)) + "○".repeat(Math.min(20, event.consumers - event.arrived))}),
                     ` ${event.arrived} of ${counted(event.consumers, "consumer")} ${event.arrived === 1 ? "has" : "have"} arrived${event.late ? ", this one too late" : ""}`));
    rule.append(make("div", {className: "tensors"},
      workings.show("before", "before", event.before, "cotangent"),
      signed(event.replaces ? "is replaced by" : "+", workings.show("term", `from ${valueName(event.from, 0)} (${node(event.from).operation})`, event.term, "cotangent")),
      signed(event.replaces ? "→" : "=", workings.show("after", event.arrived === event.consumers ? `ȳ of ${valueName(event.node, event.output)}, complete` : "so far", event.after, "cotangent"))));
  },
  leaf(event) {
    const workings = new Workings(node(event.node)), rule = byId("rule");
    const terms = tape.events.slice(0, tape.events.indexOf(event)).filter(e => e.event === "accumulate" && e.node === event.node);
    const replaced = terms.some(term => term.replaces);
    rule.append(workings.show("gradient", `gradient of ${valueName(event.node, 0)}`, event.gradient, "cotangent"));
    if (terms.length < 2) return;
    rule.append(make("h3", {textContent: replaced ? `the last of ${terms.length} terms: each replaced the one before`
      : `the sum of ${terms.length} terms${terms.length === node(event.node).outputs[0].consumers ? ", one for each use" : ""}`}));
    const row = make("div", {className: "tensors"});
    terms.slice(0, 6).forEach((term, i) => row.append(...(i ? [make("span", {className: "sign", textContent: replaced ? "→" : "+"})] : []),
      workings.show(`t${i}`, `from ${valueName(term.from, 0)} (${node(term.from).operation})`, term.term, "cotangent")));
    rule.append(row);
    workings.origin = (role, i) => role === "gradient" && !replaced ? Object.fromEntries(terms.slice(0, 6).map((_, t) => [`t${t}`, [i]])) : null;
    workings.spell = found => Object.entries(found).map(([each, [i]]) => numberText(workings.tensors[each], i))
      .map(text => text.startsWith("-") ? `(${text})` : text).join(" + ");
  },
};

const kinds = {forward: "forward", seed: "start", vjp: "vjp", accumulate: "accumulate", leaf: "gradient"};
function headingOf(event) {
  if (event.event === "forward") return `%${event.node} = ${wordsOf(event.node).call}`;
  if (event.event === "vjp") return `of %${event.node} = ${wordsOf(event.node).call}`;
  if (event.event === "accumulate") return `at ${valueName(event.node, event.output)}`;
  return `of ${valueName(event.node, event.output ?? 0)}`;
}

// Lines of the sentence that the heading and the tensors show, too: they are for listeners.
const isShownBelow = line => /^(receives|sends to|at %|= |%\d+(\.\d+)? = |The gradient of .* is [^=]*$)/s.test(line);

function updatePanel(event) {
  byId("heading").replaceChildren(make("span", {className: "kind", textContent: kinds[event.event]}), headingOf(event));
  byId("sentence").replaceChildren(...texts[current].split("\n").map(line =>
    make("p", {textContent: line, className: isShownBelow(line) ? "spoken" : ""})));
  byId("rule").replaceChildren();
  byId("element").hidden = true;
  panels[event.event](event);
  if (event.event === "leaf") byId("rule").append(numericPart(event.node, event.gradient) ?? "");
}

function updateSelected(state) {
  const section = byId("selected");
  section.hidden = !chosen;
  section.replaceChildren();
  if (!chosen) return;
  const n = node(chosen), workings = new Workings(n);
  workings.origin = () => null;
  const jump = (text, step) => step < 0 ? null : make("button", {type: "button", textContent: text, onclick: () => go(step)});
  section.append(make("h2", {textContent: `Chosen: %${chosen} = ${wordsOf(chosen).call}`}),
    make("p", {className: "hint", textContent: n.scope ? `in ${cut(groups[groupOf[chosen]].name, 80)}` : ""}),
    make("div", {className: "tensors"}, ...n.outputs.map((output, i) => workings.show(`y${i}`, valueName(chosen, i), output.values, "value")),
         ...n.outputs.map((_, i) => {
           const arrived = state.arrived.get(`${chosen}.${i}`);
           return arrived ? workings.show(`c${i}`, `${outputName(n, "ȳ", i)}${arrived.consumers > 1 ? `, ${arrived.arrived} of ${arrived.consumers} arrived` : ""}`, arrived.tensor, "cotangent") : null;
         }).filter(Boolean)),
    make("p", {}, jump("its forward step", chosen - 1), " ",
         jump(n.leaf ? "its gradient" : "its vjp", steps.findIndex(e => (e.event === "vjp" || e.event === "leaf") && e.node === chosen)) ?? "", " ",
         make("button", {type: "button", textContent: "close", onclick: () => choose(0)})));
}
