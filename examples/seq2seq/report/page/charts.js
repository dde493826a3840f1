// Charts over the steps of a run, as SVG.

// As wide as the page, so that the texts keep their size.
const wide = {width: Math.max(340, Math.min(1056, document.querySelector("main").clientWidth)), left: 58, right: 8};
const colours = ["#4e79a7", "#f28e2b", "#59a14f", "#e15759", "#b07aa1", "#9c755f", "#76b7b2", "#edc948", "#ff9da7", "#bab0ac"];

// A line through the points; it is open where a value is NaN.
function path(points, x, y) {
  let text = "", drawing = false;
  for (const [at, value] of points) {
    const usable = finite(value) && finite(y(value));
    if (usable) text += `${drawing ? "L" : "M"}${x(at).toFixed(1)} ${y(value).toFixed(1)}`;
    drawing = usable;
  }
  return text;
}

// A vertical axis for these values: from 0, or logarithmic.
function axis(values, log, top, bottom) {
  const usable = values.filter(v => finite(v) && (!log || v > 0));
  let least = log ? 0.1 : 0, most = 1;
  for (const v of usable) {
    if (v === usable[0]) least = log ? v : Math.min(0, v), most = v;
    least = Math.min(least, v);
    most = Math.max(most, v);
  }
  if (least === most) most = log ? most * 2 : most + (Math.abs(most) || 1);
  const part = log ? v => Math.log(v / least) / Math.log(most / least) : v => (v - least) / (most - least);
  return {least, most, y: v => bottom + (top - bottom) * part(v)};
}

// A series: {points: [[step, value]…], class, colour, dots, marked: the step of a larger dot}.
function drawSeries(node, series, x, y) {
  for (const s of series) {
    const style = s.colour ? {"--color": s.colour} : {};
    node.append(svg("path", {class: `curve ${s.class}`, style, d: path(s.points, x, y)}));
    if (s.dots || s.points.length === 1)
      for (const [at, value] of s.points)
        if (finite(value) && finite(y(value)))
          node.append(svg("circle", {class: `dot ${s.class}`, style, cx: x(at), cy: y(value), r: at === s.marked ? 5 : 2.5}));
  }
}

// Its node, and a function that marks a step. `last` is the last step of the axis; `limit` a value
// that is marked by a dashed line.
function stepChart({title, height, log, series, last, limit, showSteps}) {
  const top = 24, bottom = height - (showSteps ? 34 : 8), right = wide.width - wide.right;
  const {least, most, y} = axis(series.flatMap(s => s.points.map(p => p[1])), log, top, bottom);
  const x = step => wide.left + (right - wide.left) * step / Math.max(1, last);
  const node = svg("svg", {viewBox: `0 0 ${wide.width} ${height}`, role: "img", "aria-label": title});
  const line = (style, value) => svg("line", {class: style, x1: wide.left, x2: right, y1: y(value), y2: y(value)});
  for (const tick of log ? logTicks(least, most) : ticks(least, most, Math.max(2, height / 45)))
    node.append(line("grid", tick), svg("text", {x: wide.left - 8, y: y(tick) + 4, "text-anchor": "end"}, number(tick)));
  for (const tick of ticks(0, last, wide.width / 130).filter(Number.isInteger)) {
    node.append(svg("line", {class: "grid", x1: x(tick), x2: x(tick), y1: bottom, y2: bottom + 4}));
    if (showSteps) node.append(svg("text", {x: x(tick), y: bottom + 17, "text-anchor": "middle"}, number(tick)));
  }
  if (showSteps) node.append(svg("text", {x: right, y: height, "text-anchor": "end"}, "step"));
  node.append(svg("text", {class: "title", x: 0, y: 13}, title));
  if (limit && limit >= least && limit <= most) node.append(line("limit", limit));
  drawSeries(node, series, x, y);
  const cursor = svg("line", {class: "cursor", y1: top, y2: bottom});
  node.append(cursor);
  return {node, point: step => fill(cursor, {x1: x(step), x2: x(step)}, [])};
}
