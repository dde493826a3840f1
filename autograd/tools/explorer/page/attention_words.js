// What made an element of a stage, spelled out, and which elements those are.

// "1 · 3 + 0.5 · 2"; `all` is how many terms there are where the page holds fewer.
function productsText(pairs, all) {
  const bracket = text => text.startsWith("-") ? `(${text})` : text;
  const terms = pairs.slice(0, 8).map(([a, b]) => `${bracket(a)} · ${bracket(b)}`);
  return terms.join(" + ") + (all > terms.length ? ` + … (${all} terms)` : "");
}
const range = (size, f) => Array.from({length: size}, (_, i) => f(i));

// Rows of a times rows of b, or columns: what the stages are made of.
function product(view, a, b, aIs, bIs, all) {
  const m = view.matrices.get(a), n = view.matrices.get(b);
  if (!m || !n) return null;
  const size = aIs.row === undefined ? m.rows : m.columns;
  const place = (is, k) => is.row === undefined ? [k, is.column] : [is.row, k];
  const pairs = range(size, k => [m.text(...place(aIs, k)), n.text(...place(bIs, k))]);
  const line = is => (r, c) => is.row === undefined ? c === is.column : r === is.row;
  return {lit: {[a]: line(aIs), [b]: line(bIs)}, text: productsText(pairs, all)};
}

// The formula of a step with numbers in it: "S/√d" with S = 3 and d = 2 is "3/√2".
function stepText(view, formula, letter, row, column) {
  const m = view.matrices.get(letter.replace("\u0304", "~").normalize("NFC")) ?? view.matrices.get(letter);
  return m && formula.includes(letter)
    ? formula.replace(letter, m.text(row, column)).replace("√d", `√${view.a.whole.width}`) : "";
}

function softmaxText(view, before, row, column) {
  const m = view.matrices.get(before);
  if (!m) return "";
  const seen = range(m.columns, c => c).filter(c => !m.hidden(row, c));
  if (!seen.includes(column)) return "";
  const power = c => `e^${m.text(row, c)}`;
  const terms = seen.slice(0, 8).map(power).join(" + ") + (seen.length > 8 ? " + …" : "");
  return `${power(column)} / (${terms})`;
}
function softmaxBackText(view, row, column) {
  const w = view.matrices.get("W"), g = view.matrices.get("W~");
  if (!w || !g) return "";
  const pairs = range(w.columns, c => c).filter(c => !w.hidden(row, c)).map(c => [g.text(row, c), w.text(row, c)]);
  return `${w.text(row, column)} · (${g.text(row, column)} − (${productsText(pairs, pairs.length)}))`;
}

// For a picked element: for each matrix a test which elements are lit, and a sentence.
function spelled(view, {key, row, column}) {
  const {a} = view, m = view.matrices.get(key), letter = key.replace("~", ""), back = key.endsWith("~");
  const isPair = !["q", "k", "v", "y"].includes(letter);
  const stages = a.stages, i = stages.findIndex(stage => stage.letter === letter);
  const last = stages.at(-2).letter;  // what multiplies v
  const lit = {}, why = isPair ? m.hidden(row, column) : null;
  const name = `${back ? barred(letter) : letter}[${row}, ${column}]`;
  let text = "", from = "";
  const take = made => {
    if (!made) return;
    Object.assign(lit, made.lit);
    text = made.text;
  };
  if (isPair) {  // the query, the key, and the pair in each stage
    for (const stage of stages.slice(0, -1))
      for (const each of [stage.letter, `${stage.letter}~`]) lit[each] = (r, c) => r === row && c === column;
    lit.q = r => r === row;
    lit.k = r => r === column;
  }
  if (letter === "S" && !back) take(product(view, "q", "k", {row}, {row: column}, a.whole.width));
  else if (letter === "y" && !back) take(product(view, last, "v", {row}, {column}, a.whole.keys));
  else if (key === `${last}~`) take(product(view, "y~", "v", {row}, {row: column}, a.whole.values));
  else if (key === "q~") take(product(view, "S~", "k", {row}, {column}, a.whole.keys));
  else if (key === "k~") take(product(view, "S~", "q", {column: row}, {column}, a.whole.queries));
  else if (key === "v~") take(product(view, last, "y~", {column: row}, {column}, a.whole.queries));
  else if (letter === "W" && !back) {
    text = softmaxText(view, stages[i - 1].letter, row, column);
    lit[stages[i - 1].letter] = r => r === row;
  } else if (back && i >= 0 && stages[i].gradient.startsWith("W (")) {
    text = why ? "" : softmaxBackText(view, row, column);
    lit.W = lit["W~"] = r => r === row;
  } else if (letter === "M" && !back) text = why ? "" : stages[i - 1].letter;
  else if (back && i >= 0) {
    const next = barred(stages[i + 1]?.letter ?? "");
    if (!why) text = stepText(view, stages[i].gradient.split(",")[0], next, row, column);
  } else if (i > 0) text = stepText(view, stages[i].formula, stages[i - 1].letter, row, column);
  const value = why && letter === "M" && !back ? "−∞" : m.text(row, column);
  from = text && text !== value ? ` = ${text}` : "";
  return {lit, text: `${name}${from} = ${value}${why ? `; hidden by ${why.words}` : ""}`};
}

// The stages of the attention that the step, or the chosen node, belongs to.
function updateStages(state) {
  const shown = attentionAt(state.step.event === "accumulate" ? state.step.from : state.step.node);
  const ofChosen = chosen ? attentionAt(chosen) : undefined;
  const a = shown ?? ofChosen, place = byId("stages");
  place.hidden = !a;
  place.replaceChildren();
  if (!a) return;
  if (a.fused) byId("rule").before(place); else byId("rule").after(place);
  new StagesView(a, current, place);
}
