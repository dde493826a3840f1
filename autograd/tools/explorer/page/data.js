// Shows a tape: its graph, and one step at a time. The data is what explorer.cpp writes:
//   title, tape (the schema of tape_json.h), groups (layout.h), words (names and formulas for each
//   node), steps (a text for each node, then for each event), attention (attention_json.cpp),
//   what_ifs and numeric.
// Texts reach the page as text, never as HTML.

// What packed.h made of the text.
function unpacked(text) {
  const bytes = Uint8Array.from(atob(text), c => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).text();
}

async function read() {
  const element = document.getElementById("data");
  return JSON.parse(element.type === "application/json" ? element.textContent
                                                        : await unpacked(element.textContent));
}

// ---- The data, and what follows from it at once ----
// load() sets all of these. `data` has the fields that are not named here.
let data, title, tape, groups, words, texts, steps, forwardSteps, groupOf, whatIfs, numeric;
const whenLoaded = [];  // functions that other scripts want called after each load()

const node = number => tape.nodes[number - 1];
const wordsOf = number => words[number - 1];
const valueName = (number, output) => wordsOf(number).names[output];
const tensorAt = index => index === null || index === undefined ? null : tape.tensors[index];
const count = shape => shape.reduce((product, size) => product * size, 1);
const chain = group => {
  const result = [];
  for (; group >= 0; group = groups[group].parent) result.push(group);
  return result;
};

function prepare(tensor) {
  tensor.numbers = tensor.values.map(Number);
  const finite = tensor.numbers.filter(Number.isFinite);
  tensor.scale = finite.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
  if (!tensor.sampled) tensor.norm = Math.sqrt(finite.reduce((sum, v) => sum + v * v, 0));
  return tensor;
}

function load(fresh) {
  data = fresh;
  ({title, tape, groups, words, steps: texts, what_ifs: whatIfs = [], numeric = null} = fresh);
  steps = [...tape.nodes.map(n => ({event: "forward", node: n.number})), ...tape.events];
  forwardSteps = tape.nodes.length;
  tape.tensors.forEach(prepare);
  groupOf = [];  // of each node
  groups.forEach((group, number) => {
    group.leaves = group.operations = 0;
    group.places = new Map(group.items.map(([name, x, y, width, height]) => [name, {x, y, width, height}]));
    for (const [name] of group.items)
      if (name[0] === "n") groupOf[Number(name.slice(1))] = number;
  });
  for (const n of tape.nodes)
    for (const group of chain(groupOf[n.number])) ++groups[group][n.leaf ? "leaves" : "operations"];
  for (const each of whenLoaded) each();
}

// ---- New data on a page that is open ----
// The path of a group's names, which says more than its number once the tape is another one.
const pathOf = number => chain(number).map(each => groups[each].name).reverse().join("\u0000");
const shapeOfTape = () => JSON.stringify([tape.nodes.map(n => [n.operation, n.inputs.map(input => input.node)]), groups.map(g => g.items.map(([name]) => name))]);

// Draws the page anew. Step, folding, view and the chosen node stay as they are if only numbers are
// new. Of another tape, modules of the same name stay folded or unfolded.
function reload(fresh) {
  const [step, wasLast, former] = [current, current === steps.length - 1, shapeOfTape()];
  const assumed = mistake;
  const unfolded = new Set([...open].map(pathOf));
  load(fresh);
  const same = former === shapeOfTape();
  if (!same) {
    open.clear();
    groups.forEach((_, number) => {
      if (unfolded.has(pathOf(number)) || tape.nodes.length <= mostUnfolded) open.add(number);
    });
    chosen = 0;
  }
  present();
  current = same ? step : wasLast ? steps.length - 1 : 0;
  drawGraph();
  if (!same) firstView();
  if (same && assumed >= 0 && !whatIfs[assumed]?.why_not) assume(assumed);
  go(current);
}
