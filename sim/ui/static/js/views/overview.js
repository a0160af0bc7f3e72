// The lab at a glance.
import { h, render } from '../dom.js';
import { get, rest } from '../api.js';
import { live, state, now } from '../live.js';
import { badge, bar, card, empty, figure, head, problem } from '../parts.js';
import { bytes, count, levelKind, percent, span, stamp, words } from '../format.js';
import { link } from '../place.js';

export function open(main) {
  return live({
    async load(signal) {
      const [arrays, pools, links, replicas] = await Promise.all(['/arrays', '/pools', '/links', '/replicas'].map((p) => get(p, signal)));
      const logs = await Promise.all(arrays.slice(0, 8).map((a) => rest(a.key, 'events?sort=-id&page_size=8', signal)));
      const events = logs.flatMap((l, i) => l.result.map((e) => ({ ...e, array: arrays[i] }))).sort((a, b) => b.timestamp - a.timestamp || b.id - a.id).slice(0, 8);
      return { arrays, pools, links, replicas, events };
    },
    show(data, bad) { render(main, head('Overview', state.overview ? `Lab ${state.overview.lab}, ${stamp(now())} UTC` : ''), bad ? problem(bad) : page(data)); },
  });
}

// Of two halves the one that sends speaks for the replica.
export const speaks = (r) => r.role !== 'TARGET' && !(r.role === 'ACTIVE_ACTIVE' && r.array > r.remote_array);

// condition is the word for a replica: what it does, or that it is late.
export function condition(r) {
  if (r.role === 'TARGET') return 'TARGET';
  if (r.state !== 'ACTIVE') return r.state;
  if (r.rpo_state === 'LAGGING') return 'LATE';
  return r.sync_state || (r.job ? r.job.state : 'IN_TIME');
}

function page({ arrays, pools, links, replicas, events }) {
  const own = replicas.filter(speaks), tally = new Map();
  for (const r of own) tally.set(condition(r), (tally.get(condition(r)) || 0) + 1);
  const full = pools.toSorted((a, b) => b.fill - a.fill).slice(0, 5);
  const late = own.filter((r) => condition(r) === 'LATE' || r.state !== 'ACTIVE').length;
  const used = pools.reduce((sum, p) => sum + p.allocated_physical_space, 0);
  const byState = own.length === 0 ? empty('No replicas', 'What is replicated shows here.')
    : h('ul', { class: 'counts' }, [...tally].sort((a, b) => b[1] - a[1]).map(([word, n]) => h('li', { key: word },
      h('a', { href: link('replicas', undefined, { state: word }), class: 'button' }, badge(word), h('strong', null, count(n))))));
  const fullest = full.length === 0 ? empty('No pools', 'Pools show here once an array has one.')
    : h('div', { class: 'stack' }, full.map((p) => h('div', { key: `${p.array} ${p.id}` },
      h('div', { class: 'group' }, h('strong', null, p.name), h('span', { class: 'tag' }, p.array), p.state !== 'NORMAL' && badge(p.state), h('span', { class: 'muted' }, `${percent(p.fill)} of ${bytes(p.physical_capacity)}`)),
      bar(p.fill, { label: `${p.name} of ${p.array}: ${percent(p.fill)} full`, as: fillKind(p) }))));
  const boxes = arrays.length === 0 ? empty('No arrays', 'This lab is empty.')
    : h('ul', { class: 'counts' }, arrays.slice(0, 40).map((a) => h('li', { key: a.key }, h('a', { class: 'button', href: link(`arrays/${a.key}`) }, badge(a.active ? 'ACTIVE' : 'OFF_THE_NETWORK', { text: a.name })))));
  const latest = events.length === 0 ? empty('No events', 'Arrays write down here what happens to them.')
    : h('ol', { class: 'feed' }, events.map((e) => h('li', { key: `${e.array.key} ${e.id}` }, badge(e.level, { as: levelKind(e.level) }),
      h('div', null, h('div', { class: 'break' }, e.description || words(e.code)), h('div', { class: 'when' }, `${e.array.name} · ${span(Math.max(0, now() - e.timestamp))} ago`)))));
  return h('div', { class: 'stack' },
    h('section', { class: 'card', 'aria-label': 'Figures' }, h('div', { class: 'body figures' },
      figure('Arrays', count(arrays.length), `${arrays.filter((a) => a.active).length} on the network`),
      figure('Links up', `${links.filter((l) => l.state === 'UP').length} of ${links.length}`, 'halves'),
      figure('Replicas', count(own.length), late ? `${late} need a look` : own.length ? 'all in time' : ''),
      figure('Written to pools', bytes(used), `${count(pools.length)} pools`))),
    h('div', { class: 'two' },
      h('div', { class: 'stack' }, card('Replicas by state', null, byState),
        card('Fullest pools', h('a', { class: 'push', href: link('pools') }, 'All pools'), fullest),
        card('Arrays', h('a', { class: 'push', href: link('arrays') }, 'All arrays'), boxes)),
      h('section', { class: 'card', 'aria-label': 'Latest events' }, h('header', null, h('h2', null, 'Latest events'), h('a', { class: 'push', href: link('events') }, 'All events')), latest)));
}

export function fillKind(p) {
  if (p.state === 'LOCKED' || p.fill * 100 >= (p.physical_capacity_critical ?? 90)) return 'bad';
  return p.fill * 100 >= (p.physical_capacity_warning ?? 80) ? 'warn' : 'ok';
}
