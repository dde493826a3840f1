// Elements of the page. Every text of a model or of a user goes into it as a text node or an
// attribute, never as HTML.

// Control characters and marks that change the direction of a text are shown as what they are.
const visible = text => text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g,
  c => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
const data = JSON.parse(document.getElementById("data").textContent,
  (_, value) => (typeof value === "string" ? visible(value) : value));
const runs = data.runs;
const two = runs.length === 2;
const classOf = ["a", "b"];  // of the first and the second run

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "style") Object.entries(value).forEach(([key, own]) => node.style.setProperty(key, own));
    else if (value !== undefined && value !== null) node.setAttribute(name, value);
  }
  for (const child of children.flat(Infinity)) if (child || child === 0 || child === "") node.append(child);
  return node;
}
const el = (name, attributes = {}, ...children) => fill(document.createElement(name), attributes, children);
const svg = (name, attributes = {}, ...children) =>
  fill(document.createElementNS("http://www.w3.org/2000/svg", name), attributes, children);

// A text of a model or a user, kept apart from the direction of the text around it.
const user = (text, name = "bdi") => el(name, {class: "user", dir: "auto"}, text);
const swatch = (kind, colour) => el("span", {class: `swatch ${kind}`, style: colour ? {"--color": colour} : {}});
// Which run something is about, where there are two.
const named = i => (two ? [swatch(classOf[i]), user(runs[i].name)] : null);

const content = id => document.querySelector(`#${id} .content`);
const hint = (id, ...parts) => document.querySelector(`#${id} .hint`).append(...parts);
const table = (names, rows) => el("div", {class: "scroll"}, el("table", {},
  el("thead", {}, el("tr", {}, names.map(name => el("th", {scope: "col"}, name)))), el("tbody", {}, rows)));
const shorter = (text, most) => ([...text].length > most ? [...text].slice(0, most - 1).join("") + "…" : text);
