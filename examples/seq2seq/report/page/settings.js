// The settings, the seed and the machine.

const facts = [
  ["seed", run => run.seed],
  ["parameters", run => number(run.parameters)],
  ["words, source and target", run => `${number(run.source_words)} and ${number(run.target_words)}`],
  ["pairs: training, validation, held out", run => [run.train_pairs, run.validation_pairs, run.held_out_pairs].map(n => number(n)).join(", ")],
  ["machine", run => run.machines.join("; then ")],
];

function settingsTable(rows) {
  const head = two ? el("thead", {}, el("tr", {}, el("td"), runs.map((_, i) => el("th", {scope: "col", class: classOf[i]}, named(i))))) : null;
  return el("table", {}, head, el("tbody", {}, rows));
}

function settingsRow(name, cells, different = false) {
  return el("tr", different ? {class: "different"} : {}, el("th", {scope: "row"}, name), cells.map(cell => el("td", {}, user(cell))));
}

function showSettings() {
  const values = runs.map(run => new Map(run.settings));
  const names = [...new Set(values.flatMap(own => [...own.keys()]))];
  const differs = name => two && values[0].get(name) !== values[1].get(name);
  names.sort((p, q) => differs(q) - differs(p));
  const rows = names.map(name => settingsRow(`--${name}`, values.map(own => own.get(name) ?? "–"), differs(name)));
  const third = Math.ceil(rows.length / 3);
  content("settings").append(
    el("div", {class: "scroll"}, settingsTable(facts.map(([name, of]) => settingsRow(name, runs.map(of))))),
    el("h3", {class: "options"}, two ? "Options, those that differ first" : "Options"),
    two ? el("div", {class: "scroll"}, settingsTable(rows)) :
      el("div", {class: "columns narrow"}, [0, 1, 2].map(k => settingsTable(rows.slice(k * third, (k + 1) * third)))),
    el("p", {class: "quiet"}, `Written by adjoint ${data.version}.`));
}
