// Search.

function search(text) {
  const wanted = text.trim().toLowerCase();
  const list = byId("found");
  list.replaceChildren();
  list.hidden = !wanted;
  if (!wanted) return;
  const add = (label, action) => list.append(make("li", {}, make("button", {type: "button", textContent: cut(label, 60), onclick() {
    list.hidden = true;
    action();
  }})));
  let found = 0;
  groups.forEach((group, number) => {
    if (number && group.name.toLowerCase().includes(wanted) && ++found <= 10)
      add(`module ${group.name}`, () => {
        chain(group.parent).forEach(each => open.add(each));
        open.delete(number);
        toggle(number);
      });
  });
  for (const n of tape.nodes) {
    const label = `%${n.number} = ${wordsOf(n.number).call}`;
    if (!`${label} ${n.scope}`.toLowerCase().includes(wanted) || ++found > 50) continue;
    add(label, () => {
      choose(n.number);
      reveal(n.number, true);
    });
  }
  if (!found) list.append(make("li", {className: "hint", textContent: "nothing found"}));
  if (found > 50) list.append(make("li", {className: "hint", textContent: `… ${withCommas(found - 50)} more`}));
}
