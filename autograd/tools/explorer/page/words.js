// Words.

// Like printf's %.{digits}g, as explain prints numbers.
function general(value, digits) {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";
  if (value === 0) return Object.is(value, -0) ? "-0" : "0";
  const [mantissa, exponent] = value.toExponential(digits - 1).split("e");
  const trim = text => text.includes(".") ? text.replace(/\.?0+$/, "") : text;
  const power = Number(exponent);
  if (power >= -4 && power < digits) return trim(value.toFixed(digits - 1 - power));
  return `${trim(mantissa)}e${power < 0 ? "-" : "+"}${String(Math.abs(power)).padStart(2, "0")}`;
}
const numberText = (tensor, i, digits = 4) =>
  typeof tensor.values[i] === "boolean" ? String(tensor.values[i])
  : tensor.dtype === "i64" ? String(tensor.values[i])
  : general(tensor.numbers[i], tensor.values.length === 1 ? Math.max(digits, 6) : digits);
// In a box of the graph, where there is room for seven characters.
function brief(tensor, i) {
  if (typeof tensor.values[i] === "boolean") return String(tensor.values[i]);
  for (let digits = 4; digits > 1; --digits) {
    const text = general(tensor.numbers[i], digits);
    if (text.length <= 6) return text;
  }
  return general(tensor.numbers[i], 1);
}
const cut = (text, most) => [...text].length <= most ? text : [...text].slice(0, most - 1).join("") + "…";
const withCommas = n => String(n).replace(/\B(?=(\d{3})+$)/g, ",");
const counted = (n, noun) => `${withCommas(n)} ${noun}${n === 1 ? "" : "s"}`;
const barred = letter => (letter + "\u0304").normalize("NFC");
const shapeText = shape => `[${shape.join(", ")}]`;

// [1, 0, 2], from a position in row-major order.
function indexText(shape, position) {
  const index = [];
  for (let axis = shape.length - 1; axis >= 0; --axis) {
    index.unshift(position % shape[axis]);
    position = Math.floor(position / shape[axis]);
  }
  return shapeText(index);
}
