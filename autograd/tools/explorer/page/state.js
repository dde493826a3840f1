// What is known at a step.

// computed: nodes so far. For each value what has arrived, for each operand the term that was sent.
function stateAt(step) {
  const state = {
    computed: Math.min(step + 1, forwardSteps), backward: step >= forwardSteps,
    arrived: new Map(), sent: new Map(), done: new Set(), step: steps[step],
  };
  for (let i = forwardSteps; i <= step; ++i) {
    const event = steps[i];
    if (event.event === "seed") {
      for (const key of state.arrived.keys())  // of a sweep before this one: leaves keep their gradients
        if (!node(parseInt(key)).leaf) state.arrived.delete(key);
      state.sent.clear();
      state.arrived.set(`${event.node}.${event.output}`, {tensor: event.cotangent, arrived: 0, consumers: 0});
    } else if (event.event === "accumulate") {
      state.arrived.set(`${event.node}.${event.output}`,
                        {tensor: event.after, arrived: event.arrived, consumers: event.consumers, late: event.late});
      state.sent.set(`${event.from}.${event.input}`, event.term);
    } else {
      state.done.add(event.node);
      if (event.event === "leaf" && event.gradient !== null)
        state.arrived.set(`${event.node}.0`, {arrived: 0, consumers: 0, ...state.arrived.get(`${event.node}.0`), tensor: event.gradient});
    }
  }
  return state;
}
