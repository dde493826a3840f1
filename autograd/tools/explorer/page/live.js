// The page with the engine behind it (examples/explore): what is typed is computed anew. A page
// without a server shows none of this.

let examples = [];  // {name, title, look_for, expression, inputs}; no expression: built in C++
// What is asked for: an example as it stands, or one that is built in C++ with changes to its
// leaves; else an expression with its inputs.
const ask = {example: null, expression: "", inputs: [], changes: []};
const isLive = () => examples.length > 0;
const isBuilt = example => example !== null && !example.expression;

// The inputs that the expression uses: others are an error to the engine.
function usedInputs() {
  const namesIn = text => new Set(text.match(/[\p{L}_][\p{L}\p{N}_]*/gu) ?? []);
  const used = namesIn(ask.expression);
  for (const {name, text} of [...ask.inputs].reverse())  // an input may use earlier ones
    if (used.has(name)) namesIn(text).forEach(each => used.add(each));
  return ask.inputs.filter(({name}) => used.has(name));
}
const written = ({name, text}) => `${name}=${text}`;
const question = () => ask.example ? {example: ask.example.name, changes: ask.changes}
  : {expression: ask.expression, inputs: usedInputs().filter(({text}) => text.trim()).map(written)};

// ---- The address, so that the page can be loaded again ----

// The part of the fragment that comes before the step.
function asked() {
  if (!isLive()) return "";
  const parts = ask.example
    ? [["example", ask.example.name], ...ask.changes.map(({leaf, element, value}) => ["change", `${leaf} ${element} ${value}`])]
    : [["expression", ask.expression], ...usedInputs().map(each => ["input", written(each)])];
  return new URLSearchParams(parts).toString();
}
const asInput = text => ({name: text.split("=")[0].trim(), text: text.slice(text.indexOf("=") + 1)});

function askExample(example) {
  Object.assign(ask, {example, expression: example.expression, inputs: example.inputs.map(asInput), changes: []});
}
// Takes what the fragment asks for; without one, the first example.
function askAddress() {
  const wanted = new URLSearchParams(location.hash.slice(1));
  const expression = wanted.get("expression");
  askExample(examples.find(example => example.name === wanted.get("example")) ?? examples[0]);
  if (expression !== null) Object.assign(ask, {example: null, expression, inputs: wanted.getAll("input").map(asInput)});
  ask.changes = wanted.getAll("change").map(text => text.split(" "))
    .map(([leaf, element, value]) => ({leaf, element: Number(element), value: Number(value)}));
}

// ---- Asking the engine ----

async function post(path, text) {
  try {
    const answer = await fetch(path, {method: "POST", headers: {"Content-Type": "application/json"}, body: text});
    if (!answer.ok) return {problem: {message: (await answer.text()).trim()}};
    return answer.headers.get("Content-Type").startsWith("application/json") ? await answer.json() : {file: await answer.blob()};
  } catch {
    return {problem: {message: "The engine does not answer. Start it with make explore, then load this page again."}};
  }
}

let isAsking = false, isStale = false, pause = 0;
let latest = "";  // question

// Asks, and asks again if something was typed meanwhile; shows the last answer.
async function compute() {
  clearTimeout(pause);
  isStale = true;
  if (isAsking) return;
  isAsking = true;
  byId("live").setAttribute("aria-busy", "true");
  let answer = null;
  while (isStale) {
    isStale = false;
    latest = JSON.stringify(question());
    answer = await post("tape", latest);
  }
  await showAnswer(answer);
  isAsking = false;
  if (isStale) return compute();
  byId("live").removeAttribute("aria-busy");
}
// While somebody types, a short pause first.
function computeSoon() {
  clearTimeout(pause);
  pause = setTimeout(compute, 150);
}

async function showAnswer(answer) {
  showProblem(answer.problem ?? null);
  if (answer.problem) {
    if (scene) return;  // the last page that was right stays
    answer = await post("tape", JSON.stringify({example: examples[0].name}));
    if (answer.problem) return;
  }
  const isChanging = byId("element").contains(document.activeElement);
  if (scene) reload(answer); else begin(answer);
  byId("title").textContent = ask.example?.title ?? "Explorer";
  if (isChanging) pickAgain();
}

// ---- What is wrong, and where ----

function fieldOf(problem) {
  if (problem.input === undefined) return byId("expression");
  return byId("inputs").querySelectorAll("input:not(.unused)")[problem.input] ?? byId("expression");
}

function showProblem(problem) {
  byId("problem").replaceChildren();
  for (const field of byId("live").querySelectorAll("[aria-invalid]")) field.removeAttribute("aria-invalid");
  if (!problem) return;
  byId("problem").append(make("p", {textContent: problem.message}));
  const missing = (problem.missing ?? []).filter(name => !ask.inputs.some(input => input.name === name));
  if (missing.length > 0) {
    ask.inputs.push(...missing.map(name => ({name, text: ""})));
    drawInputs();
  }
  if (problem.column === undefined) return;
  const field = fieldOf(problem), name = field.dataset.name;
  field.setAttribute("aria-invalid", "true");
  const letters = [...(name === undefined ? field.value : written({name, text: field.value}))];
  const at = Math.min(problem.column - 1, letters.length), from = Math.max(0, at - 40);
  const part = (begin, end) => letters.slice(begin, end).join("");
  byId("problem").append(make("code", {}, (from > 0 ? "…" : "") + part(from, at), make("mark", {textContent: letters[at] ?? " "}),
                              part(at + 1, at + 60) + (at + 60 < letters.length ? "…" : "")));
}

// ---- The fields ----

const edited = () => {
  ask.example = null;
  ask.changes = [];
  drawMenu();
};
const roomFor = text => Math.max(4, Math.min(60, [...text].length + 1));

// ↑ and ↓ change a number by 0.1, with shift by 1.
function stepped(event, text) {
  const by = {ArrowUp: 1, ArrowDown: -1}[event.key];
  if (!by || text.trim() === "" || !Number.isFinite(Number(text))) return null;
  event.preventDefault();
  return String(Number((Number(text) + by * (event.shiftKey ? 1 : 0.1)).toPrecision(12)));
}

function drawInputs() {
  const used = new Set(usedInputs());
  byId("inputs").replaceChildren(...ask.inputs.map(input => {
    const field = make("input", {type: "text", value: input.text, spellcheck: false, autocomplete: "off", size: roomFor(input.text)});
    field.dataset.name = input.name;
    field.setAttribute("aria-describedby", "problem");
    field.classList.toggle("unused", !used.has(input));
    const take = text => {
      input.text = field.value = text;
      field.size = roomFor(text);
      edited();
    };
    field.addEventListener("input", () => {
      take(field.value);
      computeSoon();
    });
    field.addEventListener("keydown", event => {
      const text = stepped(event, field.value);
      if (text === null) return;
      take(text);
      compute();
    });
    return make("label", {className: "input", title: used.has(input) ? "" : `the expression does not use ${input.name}`},
                make("span", {textContent: `${cut(input.name, 40)} =`}), field);
  }));
}

function drawMenu() {
  byId("example").value = ask.example?.name ?? "";
  byId("look-for").textContent = ask.example?.look_for ?? "";
}

function drawFields() {
  byId("expression").value = isBuilt(ask.example) ? "" : ask.expression;
  byId("expression-box").hidden = isBuilt(ask.example);
  drawInputs();
  drawMenu();
}

async function save() {
  const {file, problem} = await post("page", JSON.stringify(question()));
  if (problem) return showProblem(problem);
  const link = make("a", {href: URL.createObjectURL(file), download: `${ask.example?.name ?? "explorer"}.html`});
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

// ---- The beginning ----

function beginLive(list) {
  examples = list;
  byId("live").hidden = false;
  byId("live").addEventListener("submit", event => event.preventDefault());
  byId("example").append(...examples.map(({name, title}) => make("option", {value: name, textContent: title})),
                         make("option", {value: "", textContent: "your own"}));
  byId("example").addEventListener("change", event => {
    const example = examples.find(({name}) => name === event.target.value);
    if (example) askExample(example); else edited();
    drawFields();
    compute();
  });
  byId("expression").addEventListener("input", event => {
    ask.expression = event.target.value;
    edited();
    drawInputs();
    computeSoon();
  });
  byId("live").addEventListener("change", event => {
    if (event.target.id !== "example" && JSON.stringify(question()) !== latest) compute();
  });
  byId("save").addEventListener("click", save);
  window.addEventListener("hashchange", () => {
    const former = asked();
    askAddress();
    if (asked() === former) return;
    drawFields();
    compute();
  });
  askAddress();
  drawFields();
  compute();
}
