// The lag of a replica over the lab's time, against its RPO, and its jobs below.
import { s } from './dom.js';
import { day, span, stamp, time } from './format.js';

const W = 960, H = 330, L = 74, R = 16, TOP = 14, BASE = 240, ROW = 274;
const STEPS = [1e3, 2e3, 5e3, 1e4, 15e3, 3e4, 6e4, 12e4, 3e5, 6e5, 9e5, 18e5, 36e5, 72e5, 108e5, 216e5, 432e5, 864e5, 1728e5, 6048e5];

// ticks are round values from low to high, about n of them.
export function ticks(low, high, n) {
  const step = STEPS.find((v) => (high - low) / v <= n) || Math.ceil((high - low) / n / 864e5) * 864e5;
  const out = [];
  for (let v = Math.ceil(low / step) * step; v <= high; v += step) out.push(v);
  return out;
}

export function lagChart(x) {
  const from = Math.min(x.from, x.now - 1000), to = x.now;
  const most = Math.max(1000, x.rpo_ms || 0, ...x.lag.map((p) => p.lag_ms)) * 1.12;
  const px = (t) => L + ((Math.max(from, t) - from) / (to - from)) * (W - L - R);
  const py = (v) => BASE - (v / most) * (BASE - TOP);
  const line = x.lag.map((p, i) => {
    let { at, lag_ms: lag } = p;
    if (at < from) { // what comes from before the window enters at its edge
      const next = x.lag[i + 1];
      if (next) lag = next.lag_ms - Math.max(0, next.at - from);
      at = from;
    }
    return [px(at), py(Math.max(0, lag))];
  });
  const path = line.map(([a, b], i) => `${i ? 'L' : 'M'}${a.toFixed(1)} ${b.toFixed(1)}`).join('');
  const rpo = x.rpo_ms;
  const over = rpo === null ? 0 : late(x, rpo, from);
  const last = line.at(-1), lag = x.lag.at(-1);
  const many = x.jobs.length;
  return s('svg', { class: 'chart', viewBox: `0 0 ${W} ${H}`, role: 'img', 'aria-labelledby': 'lag-title lag-desc', 'data-now': lag ? lag.lag_ms : '', 'data-jobs': many },
    s('title', { id: 'lag-title' }, 'Lag over the lab’s time'),
    s('desc', { id: 'lag-desc' }, `From ${stamp(from)} to ${stamp(to)} UTC. ${lag ? `The lag is ${span(lag.lag_ms)} now and was ${span(Math.max(...x.lag.map((p) => p.lag_ms)))} at most.` : 'There is no lag yet.'} ${rpo === null ? 'There is no RPO.' : `The RPO is ${span(rpo)}; the replica was late for ${span(over)}.`} ${many} jobs, in the table below.`),
    rpo !== null && s('rect', { class: 'late', x: L, y: TOP, width: W - L - R, height: Math.max(0, py(rpo) - TOP) }),
    ticks(0, most, 5).map((v) => [s('line', { class: 'grid-line', x1: L, x2: W - R, y1: py(v), y2: py(v) }), s('text', { x: L - 8, y: py(v) + 4, 'text-anchor': 'end' }, v === 0 ? '0' : span(v))]),
    path && s('path', { class: 'lag-area', d: `${path}L${last[0].toFixed(1)} ${BASE}L${line[0][0].toFixed(1)} ${BASE}Z` }),
    rpo !== null && s('line', { class: 'rpo', x1: L, x2: W - R, y1: py(rpo), y2: py(rpo) }),
    path && s('path', { class: 'lag', d: path }),
    rpo !== null && s('text', { class: 'rpo-label', x: L + 8, y: py(rpo) - 7 }, `RPO ${span(rpo)}`),
    last && s('circle', { class: 'point', cx: last[0], cy: last[1], r: 4.5 }),
    s('line', { class: 'axis', x1: L, x2: W - R, y1: BASE, y2: BASE }),
    s('text', { x: L - 8, y: ROW + 4, 'text-anchor': 'end' }, 'Jobs'),
    s('line', { class: 'grid-line', x1: L, x2: W - R, y1: ROW, y2: ROW }),
    x.jobs.map((j) => bar(j, px, from, to)),
    axis(from, to, px));
}

// bar is a job; the times in which it waited are of another colour.
function bar(j, px, from, to) {
  const a = px(j.started ?? from), b = Math.max(px(j.ended ?? to), a + 2);
  const cls = { DONE: 'done', STOPPED: 'stopped', STALLED: 'stalled', RUNNING: '' }[j.outcome];
  return [s('rect', { class: `job ${cls}`, x: a.toFixed(1), y: ROW - 8, width: (b - a).toFixed(1), height: 16, rx: 2 }),
    j.stalls.map((w) => s('rect', { class: 'stall', x: px(w.from).toFixed(1), y: ROW - 8, width: Math.max(1.5, px(w.to ?? to) - px(w.from)).toFixed(1), height: 16 }))];
}

function axis(from, to, px) {
  let before = '';
  return ticks(from, to, 8).map((t) => {
    const today = day(t), text = to - from > 864e5 * 2 ? today.slice(5) : (to - from < 6e4 * 8 ? time(t) : time(t).slice(0, 5));
    const shown = today !== before;
    before = today;
    return [s('line', { class: 'axis', x1: px(t), x2: px(t), y1: BASE, y2: BASE + 5 }),
      px(t) > L + 12 && px(t) < W - R - 12 && s('text', { x: px(t), y: H - 22, 'text-anchor': 'middle' }, text),
      shown && px(t) > L + 12 && px(t) < W - R - 30 && s('text', { x: px(t), y: H - 6, 'text-anchor': 'middle' }, today)];
  });
}

// late is for how long the lag was above the RPO.
export function late(x, rpo, from) {
  let sum = 0;
  for (let i = 1; i < x.lag.length; i += 1) {
    const a = x.lag[i - 1], b = x.lag[i];
    if (b.at <= from || b.at === a.at || b.lag_ms <= rpo) continue;
    sum += Math.min(b.at - Math.max(a.at, from), b.lag_ms - rpo);
  }
  return sum;
}
