// Elements of the page.

const byId = id => document.getElementById(id);
function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children.filter(child => child !== null));
  return element;
}
function draw(tag, attributes = {}, text = null) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text !== null) element.textContent = text;
  return element;
}

// Blue below zero, red above, the paper's colour at zero; −1 ≤ share ≤ 1.
function colour(share) {
  const dark = document.documentElement.dataset.theme === "dark";
  const zero = dark ? [34, 40, 49] : [247, 247, 247];
  const end = share < 0 ? (dark ? [92, 170, 255] : [33, 102, 172]) : (dark ? [255, 120, 90] : [178, 24, 43]);
  const part = Math.pow(Math.min(1, Math.abs(share)), 0.8);
  return `rgb(${zero.map((from, i) => Math.round(from + (end[i] - from) * part)).join(" ")})`;
}
const shareOf = (tensor, i) => {
  const value = tensor.numbers[i];
  return Number.isNaN(value) ? 0 : tensor.scale === 0 ? 0
       : Math.max(-1, Math.min(1, value / tensor.scale));
};

// Rows and columns of a tensor on the page: all leading axes are rows; a sample is nearly a square.
function grid(tensor) {
  const shown = tensor.values.length;
  if (tensor.sampled) {
    const columns = Math.max(1, Math.ceil(Math.sqrt(shown)));
    return {rows: Math.ceil(shown / columns), columns};
  }
  const columns = tensor.shape.length ? tensor.shape.at(-1) : 1;
  return {rows: columns ? shown / columns : 0, columns};
}
