// On the page with the engine behind it, a click on an element of a leaf offers to change it.

let picked = null;  // the element of a leaf that was clicked last: its node, its position, where it is shown

// `text` with another item i. A text that is no plain list is written as one, from its values.
function withItem(text, tensor, i, item) {
  const items = /^[\s[\],\d.eE+-]*$/.test(text) ? [...text.matchAll(/[^\s[\],]+/g)] : [];
  if (items.length === tensor.values.length)
    return text.slice(0, items[i].index) + item + text.slice(items[i].index + items[i][0].length);
  const number = value => ({NaN: "nan", Infinity: "inf", "-Infinity": "-inf"})[value] ?? String(value);
  let next = 0;
  const nested = axis => axis === tensor.shape.length ? (next++ === i ? item : number(tensor.values[next - 1]))
    : `[${Array.from({length: tensor.shape[axis]}, () => nested(axis + 1)).join(", ")}]`;
  return nested(0);
}

function changeElement(leaf, i, item) {
  const tensor = tensorAt(leaf.outputs[0].values);
  const input = ask.inputs.find(each => each.name === leaf.label);
  if (isBuilt(ask.example)) {
    ask.changes = ask.changes.filter(each => each.leaf !== leaf.label || each.element !== i);
    ask.changes.push({leaf: leaf.label, element: i, value: Number(item)});
  } else {
    if (input) input.text = withItem(input.text, tensor, i, item);
    else ask.expression = ask.expression.split(";").map(statement => {  // x = 2 stands in the expression
      const [whole, name] = /^\s*([\p{L}_][\p{L}\p{N}_]*)\s*=(?!=)/u.exec(statement) ?? [];
      return name === leaf.label ? whole + withItem(statement.slice(whole.length), tensor, i, item) : statement;
    }).join(";");
    edited();
  }
  drawFields();
  compute();
}

// Beside the element that was clicked: a field that changes it.
function offerChange(n, role, i) {
  if (!isLive() || !n.leaf || role[0] !== "y") return;
  picked = {number: n.number, i, where: role === "y" ? "rule" : "selected"};
  const tensor = tensorAt(n.outputs[0].values);
  const field = make("input", {type: "text", size: 10, value: numberText(tensor, i, 12), spellcheck: false, autocomplete: "off"});
  field.setAttribute("aria-label", `new value of ${valueName(n.number, 0)}${tensor.shape.length ? indexText(tensor.shape, i) : ""}`);
  field.addEventListener("change", () => changeElement(n, i, field.value.trim()));
  field.addEventListener("keydown", event => {
    const text = stepped(event, field.value);
    if (text !== null) changeElement(n, i, field.value = text);
  });
  byId("element").append(" → ", field);
  field.focus({preventScroll: true});
  field.select();
}

// After the new numbers have come, the same field again.
function pickAgain() {
  if (!picked || picked.number > tape.nodes.length) return;
  const {number, i, where} = picked;
  byId(where).querySelector(`figure[data-tensor="${node(number).outputs[0].values}"] td[data-i="${i}"]`)?.click();
}
