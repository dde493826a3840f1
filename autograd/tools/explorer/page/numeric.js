// The numeric derivative beside a leaf's gradient, and how its error depends on the step.

const picture2 = {width: 460, height: 250, left: 56, right: 12, top: 12, bottom: 40};

let pickElement = null;  // shows the curve of an element of the leaf that is told about

// A part of the panel about a leaf whose gradient is this tensor; null if nothing is known.
function numericPart(number, gradientIndex) {
  if (numeric?.leaves.length === 0) return make("p", {className: "hint", textContent: `No finite differences: ${numeric.note}`});
  const leaf = numeric?.leaves.find(each => each.label === node(number).label);
  if (!leaf || leaf.elements.length === 0) return null;
  const gradient = tensorAt(gradientIndex), shape = node(number).outputs[0].shape;
  const comparable = !gradient || String(gradient.shape) === String(shape);
  const known = (value, digits) => Number.isFinite(value) ? general(value, digits) : "–";
  const rows = leaf.elements.map(element => judged(element, mistake < 0 ? null : gradient));
  const part = make("section", {className: "numeric"}, make("h3", {textContent: "the same by finite differences"}));
  part.setAttribute("aria-label", "Numeric derivative");
  if (!comparable) {
    part.append(make("p", {className: "wrong", textContent: `A gradient of shape ${shapeText(gradient.shape)} cannot be compared: the leaf has the shape ${shapeText(shape)}.`}));
    return part;
  }
  const place = make("figure", {className: "curve"});
  const table = make("table", {className: "comparison"});
  table.createTHead().append(make("tr", {}, ...["element", "gradient", "numeric", "difference", "allowed", "gradcheck"].map(text => make("th", {textContent: text, scope: "col"}))));
  const body = table.createTBody();
  const pick = row => {
    [...body.rows].forEach((line, i) => {
      line.classList.toggle("picked", rows[i] === row);
      line.querySelector("button").setAttribute("aria-pressed", rows[i] === row);
    });
    place.replaceChildren(...curve(row, `${leaf.label}${shape.length ? indexText(shape, row.i) : ""}`));
  };
  pickElement = i => {
    const row = rows.find(each => each.i === i);
    if (row) pick(row);
  };
  for (const row of rows) {
    const line = body.insertRow();
    line.insertCell().append(make("button", {type: "button", textContent: shape.length ? indexText(shape, row.i) : leaf.label, title: "shows its curve"}));
    const texts = [general(row.gradient, 7), known(row.numeric, 7), known(row.difference, 2), known(row.bound, 2), row.verdict];
    texts.forEach((text, i) => line.insertCell().append(make("span", {textContent: text, className: i === 4 && row.refused ? "wrong" : ""})));
    if (row.wrong) line.cells[1].classList.add("wrong");
    line.addEventListener("click", () => pick(row));
  }
  part.append(make("div", {className: "numbers"}, table));
  part.append(make("p", {className: "hint", textContent: "gradcheck allows ten times the error that the numeric derivative is estimated to have."}));
  if (numeric.note) part.append(make("p", {className: "hint", textContent: numeric.note}));
  part.append(place);
  pick(rows.reduce((worst, row) => row.badness > worst.badness ? row : worst));
  return part;
}

// With a mistake, its gradient in place of the right one.
function judged(element, gradient) {
  const row = {...element, wrong: false, quotients: element.quotients.map(Number)};
  for (const field of ["gradient", "numeric", "bound"]) row[field] = Number(row[field]);
  if (gradient && isWrong(gradient, element.i)) Object.assign(row, {gradient: gradient.numbers[element.i], wrong: true});
  row.difference = Math.abs(row.gradient - row.numeric);
  row.refused = row.wrong ? row.difference > row.bound : !element.accepted;
  row.verdict = row.refused ? row.wrong ? "refuses" : `refuses: ${element.note}`
    : element.note ? element.note : row.difference <= row.bound ? "accepts" : "accepts: within rounding";
  row.badness = row.refused ? Infinity : row.difference / Math.max(Math.abs(row.gradient), Math.abs(row.numeric), 1e-300) || 0;
  return row;
}

// |quotient − gradient| against h, both logarithmic.
function curve(row, name) {
  const {width, height, left, right, top, bottom} = picture2;
  const points = numeric.steps.map((h, k) => ({h: Number(h), error: Math.abs(row.quotients[k] - row.gradient)})).filter(p => Number.isFinite(p.error));
  const measured = points.filter(p => p.error > 0);
  const caption = make("figcaption", {}, make("b", {textContent: `Error of the difference quotient of ${name} against the step h`}));
  if (measured.length < 2) {
    caption.append(points.length ? ": none; it is exact at nearly all steps." : ": the expression has no value beside the point.");
    return [caption];
  }
  const [low, high] = [Math.min(...measured.map(p => p.error)), Math.max(...measured.map(p => p.error))].map(Math.log10);
  const floor = Math.floor(low) - 1, ceiling = Math.ceil(high) + 0.3;
  const x = h => left + (Math.log10(h) + 12.3) / 11.6 * (width - left - right);
  const y = error => height - bottom - (Math.log10(error) - floor) / (ceiling - floor) * (height - top - bottom);
  const svg = draw("svg", {viewBox: `0 0 ${width} ${height}`, width, height, role: "img"});
  const text = (content, attributes) => svg.append(draw("text", attributes, content));
  for (let power = -12; power <= -1; power += 1) {
    const at = x(10 ** power);
    svg.append(draw("line", {class: "rule", x1: at, x2: at, y1: top, y2: height - bottom}));
    if (power % 2 === 0) text(`1e${power}`, {x: at, y: height - bottom + 15, "text-anchor": "middle"});
  }
  const every = Math.max(1, Math.ceil((ceiling - floor) / 7));
  for (let power = Math.ceil(floor); power <= ceiling; power += every) {
    svg.append(draw("line", {class: "rule", x1: left, x2: width - right, y1: y(10 ** power), y2: y(10 ** power)}));
    text(`1e${power}`, {x: left - 6, y: y(10 ** power) + 4, "text-anchor": "end"});
  }
  text("step h", {x: (left + width - right) / 2, y: height - 6, "text-anchor": "middle"});
  svg.append(draw("path", {class: "errors", d: measured.map((p, i) => `${i ? "L" : "M"}${x(p.h).toFixed(1)} ${y(p.error).toFixed(1)}`).join("")}));
  const best = measured.reduce((a, b) => b.error < a.error ? b : a), zeros = points.filter(p => p.error === 0);
  for (const p of points) {
    const exact = p.error === 0, dot = draw("circle", {class: exact ? "exact" : p === best && !row.wrong ? "best" : "dot", cx: x(p.h), cy: exact ? height - bottom : y(p.error), r: p === best && !row.wrong ? 4.5 : 2.5});
    dot.append(draw("title", {}, `h = ${general(p.h, 2)}: error ${general(p.error, 2)}`));
    svg.append(dot);
  }
  const largest = points[0], smallest = points.at(-1);
  const falls = largest.error > 10 * best.error && best.h < largest.h, rises = smallest.error > 10 * best.error;
  if (falls && !row.wrong) text("truncation", {class: "cause", x: x(10 ** ((Math.log10(largest.h) + Math.log10(best.h)) / 2)), y: top + 14, "text-anchor": "middle"});
  if (rises && !row.wrong) text("rounding", {class: "cause", x: x(10 ** ((Math.log10(smallest.h) + Math.log10(best.h)) / 2)), y: top + 14, "text-anchor": "middle"});
  const summary = row.wrong
    ? `No step brings the error below ${general(best.error, 2)}: the gradient is wrong, not the step.`
    : `The error is least, ${general(best.error, 2)}, at h = ${general(best.h, 2)}.`
      + (falls ? ` With a larger h, the curve of the function counts (truncation: at h = ${general(largest.h, 1)} the error is ${general(largest.error, 2)}).` : "")
      + (rises ? ` With a smaller one, digits are lost (rounding: at h = ${general(smallest.h, 1)} it is ${general(smallest.error, 2)}).` : "")
      + (zeros.length ? ` At ${counted(zeros.length, "step")} it is 0 (rings on the axis).` : "");
  svg.setAttribute("aria-label", summary);
  caption.append(make("span", {textContent: ` ${summary} gradcheck tries many steps and extrapolates them.`}));
  return [svg, caption];
}
