// Numbers as text, and round numbers for axes.

const finite = x => x !== null && x !== undefined && Number.isFinite(x);

// The JSON has null for NaN and for infinity.
function number(x, digits = 5) {
  if (!finite(x)) return "NaN";
  if (Number.isInteger(x) && Math.abs(x) < 1e15) return x.toLocaleString("en");
  const size = Math.abs(x);
  if (size >= 1e6 || size < 1e-4) return x.toExponential(digits - 1).replace(/\.?0+e/, "e");
  return String(Number(x.toPrecision(digits)));
}
const percent = x => (finite(x) ? x.toFixed(1).replace("-", "−") : "–");
const signed = x => (x > 0 ? "+" : "") + percent(x);
const plural = (count, word) => `${number(count)} ${word}${count === 1 ? "" : "s"}`;

// Round numbers from the least to the most, about `count` of them.
function ticks(least, most, count) {
  const rough = (most - least) / count || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map(f => f * power).find(s => s >= rough * 0.999);
  const all = [];
  for (let i = Math.ceil(least / step - 1e-9); i * step <= most + step * 1e-9; ++i)
    all.push(Number((i * step).toPrecision(12)));
  return all;
}

// The same on a logarithmic axis: powers of ten, or products with 2, 3 and 5 where it is short.
function logTicks(least, most) {
  const decades = Math.log10(most / least);
  const factors = decades < 0.8 ? [1, 1.5, 2, 3, 5, 7] : decades < 1.2 ? [1, 2, 5] : decades < 2.5 ? [1, 3] : [1];
  const all = [];
  for (let power = Math.floor(Math.log10(least)); power <= Math.ceil(Math.log10(most)); ++power)
    for (const factor of factors) {
      const tick = factor * 10 ** power;
      if (tick >= least * 0.999 && tick <= most * 1.001) all.push(Number(tick.toPrecision(3)));
    }
  if (all.length < 2) return ticks(least, most, 3);
  const every = Math.ceil(all.length / 6);
  return all.filter((_, i) => i % every === 0);
}
