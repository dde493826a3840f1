// Controls.

function listen() {
  const click = (id, action) => byId(id).addEventListener("click", action);
  const moved = step => () => {
    play(false);
    go(step());
  };
  click("first", moved(() => 0));
  click("back", moved(() => current - 1));
  click("next", moved(() => current + 1));
  click("last", moved(() => steps.length - 1));
  click("play", () => play());
  byId("slider").addEventListener("input", event => moved(() => Number(event.target.value) - 1)());
  const keys = {ArrowLeft: () => current - 1, ArrowRight: () => current + 1, Home: () => 0, End: () => steps.length - 1};
  document.addEventListener("keydown", event => {
    const inField = event.target.matches("input[type=search], button, [role=button], summary");
    if (event.ctrlKey || event.altKey || event.metaKey || event.target.matches("input:not([type=range], [type=checkbox]), select, textarea")) return;
    if (keys[event.key]) {
      event.preventDefault();
      moved(keys[event.key])();
    } else if (event.key === " " && !inField) {
      event.preventDefault();
      play();
    } else if (event.key === "Escape") choose(0);
    else if (event.key === "/") {
      event.preventDefault();
      byId("search").focus();
    }
  });
  window.addEventListener("hashchange", () => go(linked(), true));

  byId("search").addEventListener("input", event => search(event.target.value));
  byId("search").addEventListener("keydown", event => {
    if (event.key === "Escape") byId("found").hidden = true;
    if (event.key === "Enter") byId("found").querySelector("button")?.click();
  });

  click("fit", fit);
  click("smaller", () => zoom(1 / 1.3));
  click("larger", () => zoom(1.3));
  click("fold", () => {
    open.clear();
    open.add(0);
    drawGraph();
    fit();
  });
  click("unfold", () => {
    groups.forEach((_, number) => open.add(number));
    drawGraph();
    fit();
  });
  const activate = target => {
    const group = target.closest?.("[data-group]"), one = target.closest?.("[data-node]");
    if (one) choose(Number(one.dataset.node));
    else if (group) toggle(Number(group.dataset.group));
  };
  let drag = null;
  picture.addEventListener("pointerdown", event => {
    drag = {x: event.clientX, y: event.clientY, moved: false, target: event.target};
    picture.setPointerCapture(event.pointerId);
  });
  picture.addEventListener("pointermove", event => {
    if (!drag) return;
    const [dx, dy] = [event.clientX - drag.x, event.clientY - drag.y];
    if (!drag.moved && Math.hypot(dx, dy) < 5) return;
    Object.assign(drag, {moved: true, x: event.clientX, y: event.clientY});
    view.x += dx;
    view.y += dy;
    applyView();
  });
  picture.addEventListener("pointerup", () => {
    if (drag && !drag.moved) activate(drag.target);
    drag = null;
  });
  picture.addEventListener("keydown", event => {
    const by = {ArrowUp: -1, ArrowDown: 1}[event.key];
    if (by) {
      event.preventDefault();
      moveFocus(by);
    }
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    activate(event.target);
  });
  picture.addEventListener("wheel", event => {
    event.preventDefault();
    const box = picture.getBoundingClientRect();
    zoom(Math.exp(-event.deltaY / 400), event.clientX - box.left, event.clientY - box.top);
  }, {passive: false});

  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const setTheme = theme => {
    document.documentElement.dataset.theme = theme;
    if (!scene) return;
    drawGraph();  // heat maps are drawn in the theme's colours
    go(current, true);
  };
  setTheme(dark.matches ? "dark" : "light");
  dark.addEventListener("change", () => setTheme(dark.matches ? "dark" : "light"));
  click("theme", () => setTheme(document.documentElement.dataset.theme === "dark" ? "light" : "dark"));
  window.addEventListener("resize", () => scene && fit());
}

const mostUnfolded = 60;  // nodes of a tape that is shown whole at first

// What the page shows of the data outside the graph and the steps.
function present() {
  document.title = title;
  byId("title").textContent = title;
  byId("slider").max = steps.length;
  byId("forward-phase").style.flexGrow = forwardSteps;
  byId("backward-phase").style.flexGrow = steps.length - forwardSteps;
  byId("notice").textContent = "Large tensors are shown by a sample of their elements, so that this page stays below 1 MB.";
  byId("notice").hidden = !tape.tensors.some(tensor => tensor.sampled);
  setUpWhatIfs();
}

function firstView() {
  fit();
  if (view.scale < 0.55) zoom(0.75 / view.scale);
}

function begin(first) {
  load(first);
  present();
  if (tape.nodes.length <= mostUnfolded) groups.forEach((_, number) => open.add(number));
  listen();
  drawGraph();
  firstView();
  go(linked(), true);
}

read().then(recorded => recorded.examples ? beginLive(recorded.examples) : begin(recorded));
