// The bar at the top and the views beside the page.
import { h, render, toast } from './dom.js';
import { del, get, labName, post } from './api.js';
import { state, now } from './live.js';
import { icon, act, badge, bar } from './parts.js';
import { day, percent, time } from './format.js';
import { place, link } from './place.js';

export const views = [
  { name: 'overview', title: 'Overview', icon: 'M3 10h5V3H3zM12 17h5v-7h-5zM12 7h5V3h-5zM3 17h5v-4H3z', load: () => import('./views/overview.js') },
  { name: 'arrays', title: 'Arrays', icon: 'M3 4h14v5H3zM3 11h14v5H3zM6 6.500h.01M6 13.500h.01', load: () => import('./views/arrays.js') },
  { name: 'pools', title: 'Pools', icon: 'M3 5c0-1.100 3.100-2 7-2s7 .9 7 2-3.100 2-7 2-7-.9-7-2zM3 5v10c0 1.100 3.100 2 7 2s7-.9 7-2V5M3 10c0 1.100 3.100 2 7 2s7-.9 7-2', load: () => import('./views/pools.js') },
  { name: 'links', title: 'Links', icon: 'M8 12l4-4M9 5.500l1.500-1.500a3.500 3.500 0 0 1 5 5L14 10.500M11 14.500 9.500 16a3.500 3.500 0 0 1-5-5L6 9.500', load: () => import('./views/links.js') },
  { name: 'replicas', title: 'Replicas', icon: 'M7 3h10v10H7zM3 7v10h10', load: () => import('./views/replicas.js') },
  { name: 'events', title: 'Events', icon: 'M5 8a5 5 0 0 1 10 0c0 5 2 6 2 6H3s2-1 2-6M8.500 17h3', load: () => import('./views/events.js') },
  { name: 'requests', title: 'Requests', icon: 'M3 6h11l-3-3M17 14H6l3 3', load: () => import('./views/requests.js') },
  { name: 'faults', title: 'Faults', icon: 'M11 2 4 12h5l-1 6 7-10h-5z', load: () => import('./views/faults.js') },
  { name: 'time', title: 'Time', icon: 'M10 5v5l3 2M10 2.500a7.500 7.500 0 1 0 0 15 7.500 7.500 0 0 0 0-15', load: () => import('./views/time.js') },
  { name: 'labs', title: 'Labs', icon: 'M7 3h6M8 3v5l-4.500 7.500A1.500 1.500 0 0 0 5 17h10a1.500 1.500 0 0 0 1.500-1.500L12 8V3M6 12h8', load: () => import('./views/labs.js') },
  { name: 'api', title: 'API', icon: 'M7 6l-4 4 4 4M13 6l4 4-4 4', load: () => import('./views/api.js') },
];

const at = (id) => document.getElementById(id);

// drawFrame draws the views, the lab and what stands at the end of the bar.
export function drawFrame() {
  const here = place().name, o = state.overview;
  render(at('side'), h('ul', null, views.map((v) => h('li', null,
    h('a', { href: link(v.name), 'aria-current': v.name === here ? 'page' : null }, icon(v.icon), v.title,
      v.name === 'faults' && o && o.faults > 0 && h('span', { class: 'count' }, o.faults, h('span', { class: 'visually-hidden' }, ' rules')))))));
  document.querySelector('.brand').setAttribute('href', link('overview'));
  const labs = o && o.labs.includes(labName()) ? o.labs : [labName()];
  render(at('top-lab'), h('label', { for: 'lab' }, 'Lab'),
    h('select', { id: 'lab', value: labName(), onchange: (e) => { location.hash = link(here === 'replicas' ? 'replicas' : here, e.target.value); } },
      labs.map((name) => h('option', { key: name, value: name, selected: name === labName() }, name))));
  render(at('top-side'), h('button', { type: 'button', class: 'quiet icon', id: 'theme', 'aria-label': 'Change the theme', title: 'Change the theme', onclick: turnTheme },
    icon('M10 3a7 7 0 1 0 0 14zM10 3a7 7 0 0 1 0 14')), state.connected ? null : badge('OFFLINE', { as: 'bad', text: o ? 'Not connected' : 'Connecting' }));
}

function turnTheme() {
  const next = document.documentElement.dataset.theme === 'dark' ? 'light' : 'dark';
  try { localStorage.setItem('infinisim.theme', next); } catch { /* it lasts as long as the page */ }
  document.documentElement.dataset.theme = next;
  toast(next === 'dark' ? 'Dark theme' : 'Light theme');
}

const steps = [['1 min', '1m'], ['1 h', '1h'], ['1 d', '1d']];

export const freeze = () => act('The clock stands', () => post('/clock/freeze'));
export const run = (factor) => act(`The clock runs, ${factor} × as fast as the wall clock`, () => post('/clock/speed', { factor }));
// ended are the moves whose end this page heard of before the next overview,
// which would offer to stop them.
const ended = new Set();
export async function advance(by, text) {
  let o = await act('', () => post('/clock/advance', { ...by, async: true }));
  while (o && o.state === 'RUNNING') {
    const { id } = o;
    o = await act('', () => get(`/operations/${id}?wait=10s`));
  }
  if (!o) return;
  ended.add(o.id);
  drawClock();
  if (o.state === 'FAILED') toast(`${text}: ${o.error}`, true);
  else toast(`${o.state === 'CANCELLED' ? 'Stopped on the way' : text}: ${o.count} ${o.count === 1 ? 'job' : 'jobs'} ran`);
}
export async function settle() {
  const r = await act('', () => post('/clock/settle'));
  if (r) toast(r.blocked.length ? `Settled, but for: ${r.blocked.join('; ')}` : `Settled: ${r.count} ${r.count === 1 ? 'job' : 'jobs'} ran`);
}

// drawClock draws the clock of the bar.
export function drawClock() {
  const o = state.overview;
  if (!o) return;
  const runs = o.clock.mode === 'system', [long] = o.operations.filter((one) => !ended.has(one.id));
  render(at('top-clock'),
    long && h('div', { key: 'long', class: 'group' }, h('span', { class: 'long' }, `Moving, ${percent(long.share, 0)}`, bar(long.share, { label: `${percent(long.share, 0)} of the way`, as: 'busy' })),
      h('button', { type: 'button', id: 'bar-stop', onclick: () => act('', () => del(`/operations/${long.id}`)) }, 'Stop')),
    h('div', { class: 'group' },
      badge(runs ? 'RUNNING' : 'FROZEN', { as: runs ? 'ok' : 'idle', text: runs ? `Runs${o.clock.speed === 1 ? '' : ` ${o.clock.speed} ×`}` : 'Stands' }),
      h('span', { class: 'clock-face', id: 'clock-face', role: 'img', 'aria-label': 'Time of the lab' })),
    h('div', { class: 'group', role: 'group', 'aria-label': 'Clock' },
      runs ? h('button', { key: 'freeze', type: 'button', id: 'bar-freeze', onclick: freeze }, icon('M7 4v12M13 4v12'), 'Freeze')
        : h('button', { key: 'run', type: 'button', id: 'bar-run', onclick: () => run(1) }, icon('M6 4l10 6-10 6z'), 'Run'),
      h('span', { key: 'steps', class: 'seg' }, steps.map(([text, by]) => h('button', { type: 'button', 'aria-label': `Advance by ${text}`, onclick: () => advance({ by }, `Advanced by ${text}`) }, `+${text}`)))));
  tick();
}

// tick shows the time as it is; it runs as often as the screen is drawn, and
// writes only what is another.
function tick() {
  const face = at('clock-face');
  if (!face || !state.overview) return;
  const t = now(), text = `${day(t)} ${time(t)}`;
  if (face.dataset.text === text) return;
  face.dataset.text = text;
  face.setAttribute('aria-label', `Time of the lab: ${text} UTC`);
  face.replaceChildren(h('span', { class: 'day' }, `${day(t)} `), time(t));
}
setInterval(tick, 250);
