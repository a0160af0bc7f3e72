// The state that views share, and how a view stays fresh: it loads when the lab has
// changed, one load at a time, and the longer a load takes the longer it rests: half as long.

export const state = { overview: null, seenAt: 0, connected: false, updates: 0 };
const watchers = new Set();

// seen takes an overview in. There is no queue: a view that is busy looks at the
// newest one when it is done.
export function seen(overview) {
  state.overview = overview;
  state.seenAt = performance.now();
  state.connected = true;
  for (const w of watchers) w(overview);
}

export function unseen() {
  state.connected = false;
  for (const w of watchers) w(state.overview);
}

export function watch(fn) {
  watchers.add(fn);
  return () => watchers.delete(fn);
}

// now is the lab's time, in milliseconds, as it is by now.
export function now() {
  const o = state.overview;
  if (!o) return 0;
  return o.clock.now + (o.clock.mode === 'system' && state.connected ? (performance.now() - state.seenAt) * o.clock.speed : 0);
}

const LEAST = 200;

// live loads and shows while a view is open. again loads at once, after a change
// that the view made itself. A load that fails is told to show.
export function live({ load, show, timed = true }) {
  let seenVersion = '', busy = false, wanted = false, ended = false, timer = 0;
  const abort = new AbortController();
  const key = (o) => `${o.lab} ${o.version} ${o.entry} ${o.faults} ${o.hits} ${o.labs} ${o.snapshots} ${o.arrays.map((a) => a.active)} ${timed ? o.clock.now : ''}`;
  async function run() {
    if (busy || ended) {
      wanted = true;
      return;
    }
    busy = true;
    wanted = false;
    const begun = performance.now();
    try {
      const data = await load(abort.signal);
      if (!ended) show(data, null);
    } catch (e) {
      if (!ended && e.name !== 'AbortError') show(null, e);
    }
    state.updates += 1;
    document.documentElement.dataset.updates = state.updates;
    const took = performance.now() - begun;
    timer = setTimeout(() => {
      busy = false;
      if (wanted) run();
    }, Math.max(LEAST, took / 2));
  }
  const off = watch((o) => {
    if (!o || key(o) === seenVersion) return;
    seenVersion = key(o);
    run();
  });
  run();
  return {
    again: run,
    end() {
      ended = true;
      off();
      clearTimeout(timer);
      abort.abort();
    },
  };
}
