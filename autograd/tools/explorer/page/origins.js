// Where an element comes from.

const binary = new Set(["add", "sub", "mul", "div", "maximum", "minimum"]);
const elementwise = new Set(["affine", "div_scalar", "power", "neg", "exp", "log", "sqrt", "sin", "cos", "tan",
  "tanh", "sigmoid", "relu", "gelu", "erf", "abs", "square", "softplus", "reciprocal", "log1p", "expm1", "cast",
  "clamp", "silu"]);
const byRows = new Set(["softmax", "log_softmax"]);

// Positions of the result that a position of a smaller, broadcast operand stands for.
function projected(position, from, to) {
  let result = 0, scale = 1;
  for (let axis = from.length - 1, k = to.length - 1; axis >= 0; --axis, --k) {
    const index = position % from[axis];
    position = Math.floor(position / from[axis]);
    if (k < 0) continue;
    result += (to[k] === 1 ? 0 : index) * scale;
    scale *= to[k];
  }
  return result;
}
const positions = shape => Array.from({length: count(shape)}, (_, i) => i);
const dropped = (position, shape, axes) => {
  let result = 0, scale = 1;
  for (let axis = shape.length - 1; axis >= 0; --axis) {
    const index = position % shape[axis];
    position = Math.floor(position / shape[axis]);
    if (axes.includes(axis)) continue;
    result += index * scale;
    scale *= shape[axis];
  }
  return result;
};

// For element i of the tensor `role` of a node ("y", or "g0" for the gradient of input 0): for each
// tensor that it was computed from, which elements ("a0" is input 0, "gy" the result's cotangent).
// null where the rule is not that simple.
function sources(n, role, i) {
  const shapeY = n.outputs[0].shape, inputs = n.inputs.map(input => input.shape);
  const input = Number(role.slice(1));
  if (binary.has(n.operation)) {
    if (role === "y") return {a0: [projected(i, shapeY, inputs[0])], a1: [projected(i, shapeY, inputs[1])]};
    const gy = positions(shapeY).filter(p => projected(p, shapeY, inputs[input]) === i);
    const result = {gy};
    if (n.operation === "mul")
      result[`a${1 - input}`] = [...new Set(gy.map(p => projected(p, shapeY, inputs[1 - input])))];
    return result;
  }
  if (n.operation === "sum" || n.operation === "mean") {
    const axes = n.attributes.axes;
    if (role === "y") return {a0: positions(inputs[0]).filter(p => dropped(p, inputs[0], axes) === i)};
    return {gy: [dropped(i, inputs[0], axes)]};
  }
  if (elementwise.has(n.operation) && inputs.length === 1) return role === "y" ? {a0: [i]} : {gy: [i], a0: [i], y: [i]};
  if (byRows.has(n.operation)) {
    const width = shapeY.at(-1), begin = i - i % width;
    const row = Array.from({length: width}, (_, k) => begin + k);
    return role === "y" ? {a0: row} : {gy: row, y: row};
  }
  if (n.operation === "matmul" && inputs.every(shape => shape.length >= 2)) {
    const batch = count(shapeY.slice(0, -2));
    if (!inputs.every(shape => count(shape.slice(0, -2)) === batch)) return null;
    const [rows, columns] = shapeY.slice(-2);
    const [ta, tb] = [n.attributes.transpose_a, n.attributes.transpose_b];
    const inner = inputs[0].at(ta ? -2 : -1);
    const a = (b, r, k) => b * rows * inner + (ta ? k * rows + r : r * inner + k);
    const second = (b, k, c) => b * inner * columns + (tb ? c * inner + k : k * columns + c);
    const y = (b, r, c) => b * rows * columns + r * columns + c;
    const range = (size, f) => Array.from({length: size}, (_, k) => f(k));
    const whole = {y: [rows, columns], g0: ta ? [inner, rows] : [rows, inner], g1: tb ? [columns, inner] : [inner, columns]}[role];
    const b = Math.floor(i / (whole[0] * whole[1])), row = Math.floor(i / whole[1]) % whole[0], column = i % whole[1];
    if (role === "y") return {a0: range(inner, k => a(b, row, k)), a1: range(inner, k => second(b, k, column))};
    if (role === "g0") {
      const [r, k] = ta ? [column, row] : [row, column];
      return {gy: range(columns, c => y(b, r, c)), a1: range(columns, c => second(b, k, c))};
    }
    const [k, c] = tb ? [column, row] : [row, column];
    return {a0: range(rows, r => a(b, r, k)), gy: range(rows, r => y(b, r, c))};
  }
  return null;
}

// "1 · 3 + 2 · 4" for a product or a sum that is cheap to write down.
function termsText(n, role, found, tensors) {
  const products = n.operation === "matmul" || n.operation === "mul";
  const plainSum = (n.operation === "sum" && role === "y") || (n.operation === "add");
  const lists = Object.entries(found).filter(([key]) => tensors[key])
    .map(([key, list]) => list.map(i => numberText(tensors[key], i)));
  if (lists.length === 0) return "";
  const bracket = text => text.startsWith("-") ? `(${text})` : text;
  let parts = null;
  if (products && lists.length === 2) {
    const [p, q] = lists, length = Math.max(p.length, q.length);
    parts = Array.from({length}, (_, i) => `${bracket(p[p.length === 1 ? 0 : i])} · ${bracket(q[q.length === 1 ? 0 : i])}`);
  } else if (plainSum) parts = lists.flat().map(bracket);
  if (!parts) return "";
  return parts.length > 8 ? `${parts.slice(0, 7).join(" + ")} + … (${parts.length} terms)` : parts.join(" + ");
}
