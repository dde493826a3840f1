// The attention of some sentences, by layer and head, at the epoch of the slider.

function bytesOf(base64) {
  return Uint8Array.from(atob(base64), c => c.charCodeAt(0));
}

// One head's weights: `layer` of the data, its bytes, and the tokens of its rows and columns.
function headMap(layer, bytes, head, queries, keys, say) {
  const [, rows, columns] = layer.sizes;
  const longest = labels => Math.max(...labels.map(label => [...shorter(label, 12)].length));
  const left = 10 + 6.4 * longest(queries), top = 12 + 5.2 * longest(keys), edge = 24;
  const size = Math.max(4, Math.min(24, (400 - left) / columns, 400 / rows));
  const width = Math.max(left + size * columns + edge, 250), height = top + size * rows + 4;
  const node = svg("svg", {viewBox: `0 0 ${width} ${height}`, style: {"max-width": `${width}px`}, role: "img",
    "aria-label": `Weights of head ${head + 1}, ${plural(rows, "query").replace("querys", "queries")} and ${plural(columns, "key")}`});
  node.append(svg("rect", {class: "back", x: left, y: top, width: size * columns, height: size * rows}));
  if (size >= 9) {
    queries.forEach((label, q) =>
      node.append(svg("text", {x: left - 6, y: top + size * (q + 0.5) + 4, "text-anchor": "end"}, shorter(label, 12))));
    keys.forEach((label, k) =>
      node.append(svg("text", {transform: `translate(${left + size * (k + 0.5) + 2} ${top - 6}) rotate(-50)`}, shorter(label, 12))));
  }
  for (let q = 0; q < rows; ++q)
    for (let k = 0; k < columns; ++k) {
      const weight = bytes[(head * rows + q) * columns + k] / 255;
      const reading = `head ${head + 1}: ${shorter(queries[q], 40)} → ${shorter(keys[k], 40)}: ${weight.toFixed(2)}`;
      node.append(svg("rect", {class: "cell", x: left + size * k + 0.5, y: top + size * q + 0.5, width: size - 1, height: size - 1,
        "fill-opacity": weight.toFixed(3), onpointerenter: () => say(reading)}, svg("title", {}, reading)));
    }
  return node;
}

// All heads of a layer of run i.
function heads(i, sentence, layerName, say) {
  const own = runs[i].attention[sentence];
  const entry = own && entryAt(own.epochs, lookedAt[place]);
  const layer = entry && entry.layers.find(l => l.layer === layerName);
  if (!layer) return el("p", {class: "quiet"}, user(runs[i].name), " has no such attention.");
  const bytes = bytesOf(layer.weights);
  const focus = entropy => (finite(entropy) ? `focus ${Math.round(100 * (1 - entropy))}%` : "NaN");
  return el("div", {class: classOf[i]}, two ? el("h3", {}, named(i)) : null,
    el("div", {class: "heads"}, layer.entropies.map((entropy, head) => el("div", {},
      el("h4", {}, `head ${head + 1} `, el("span", {}, focus(entropy))),
      headMap(layer, bytes, head, own[layer.queries], own[layer.keys], say)))));
}

// The names of all layers: encoder, decoder, cross-attention.
function layerNames() {
  const names = [...new Set(runs.flatMap(run => run.attention.flatMap(s => s.epochs.flatMap(e => e.layers.map(l => l.layer)))))];
  const part = name => (name.startsWith("encoder") ? 0 : name.includes("cross") ? 2 : 1);
  return names.sort((p, q) => part(p) - part(q) || p.localeCompare(q, "en", {numeric: true}));
}

function showAttention() {
  const watched = runs.map((_, i) => i).filter(i => runs[i].attention.length);
  if (!watched.length) {
    content("attention").append(el("p", {}, runs.every(run => run.model === "gru" || run.model === "lstm")
      ? "The model has no attention." : "No attention was recorded: the sentences are too long, or the model has too many heads."));
    return;
  }
  hint("attention", "Each head's weights while the model reads the reference: a row is a query, and its weights over the keys add up " +
    "to 1. The stronger the colour, the larger the weight. The focus of a head is 1 less its entropy, relative to uniform " +
    "weights: 0% attends to all keys alike, 100% to one.");
  const names = layerNames();
  let layerName = names[names.length - 1], sentence = 0;
  const longest = watched.map(i => runs[i].attention).reduce((p, q) => (q.length > p.length ? q : p));
  const choice = el("select", {"aria-label": "Sentence", onchange: event => { sentence = Number(event.target.value); draw(); }},
    longest.map(({source}, s) => el("option", {value: s}, shorter(source.slice(0, -1).join(" "), 60))));
  const buttons = names.map(name => el("button", {type: "button", onclick: () => { layerName = name; draw(); }}, name));
  const reading = el("p", {class: "reading-line", "aria-live": "polite"}, "Point at a weight to read it.");
  const maps = el("div");
  function draw() {
    buttons.forEach((button, k) => button.setAttribute("aria-pressed", names[k] === layerName));
    maps.replaceChildren(...watched.map(i => heads(i, sentence, layerName, text => { reading.textContent = text; })));
  }
  listeners.push(draw);
  content("attention").append(slider(), el("div", {class: "controls"}, choice, buttons), maps, reading);
}
