// The clock, and the way back: a lab as it was before an entry of the journal.
import { h, render } from '../dom.js';
import { get, lines, post, root, labName } from '../api.js';
import { live, state, now } from '../live.js';
import { act, badge, card, empty, facts, head, problem, table } from '../parts.js';
import { count, day, ms, span, stamp, time, words } from '../format.js';
import { freeze, run, advance, settle } from '../shell.js';
import { link, place } from '../place.js';

const SPEEDS = [1, 10, 60, 600, 3600];

export function open(main) {
  const wanted = Number(place().params.get('entry')) || 0;
  let last = null, at = wanted, picked = null, ran = null, busy = false;
  const view = live({
    async load(signal) {
      const newest = state.overview ? state.overview.entry : 0;
      const [clock, entries, operations] = await Promise.all([get('/clock', signal), lines(`/journal?entry=all&since=${Math.max(0, newest - 3000)}`, signal), root.get('/operations', signal)]);
      // A move is a part of a request or a job: one travels to those.
      const stops = entries.filter((e) => e.entry !== 'move').map((e) => ({ ...e, answer: undefined, body: undefined }));
      return { clock, stops, operations: operations.filter((o) => o.lab === labName()) };
    },
    show(data, bad) {
      if (data) last = data;
      render(main, last ? page(last, bad) : [head('Time'), bad && problem(bad)]);
    },
  });
  const again = (fn) => async (...args) => {
    busy = true;
    show();
    await fn(...args);
    busy = false;
    view.again();
  };
  const show = () => last && render(main, page(last, null));
  function page({ clock, stops, operations }, bad) {
    const runs = clock.mode === 'system', t = runs ? now() : clock.now;
    return h('div', { class: 'stack' }, head('Time', 'Nothing sleeps: moving the clock runs everything that is due on the way.'), bad && problem(bad),
      h('section', { class: 'card', 'aria-label': 'Clock' }, h('div', { class: 'body stack' },
        h('div', { class: 'group' }, h('span', { class: 'big-clock', id: 'big-clock' }, h('span', { class: 'day' }, `${day(t)} `), time(t)), badge(runs ? 'RUNNING' : 'FROZEN', { as: runs ? 'ok' : 'idle', text: runs ? `Runs ${clock.speed} ×` : 'Stands' })),
        facts([['Next is due', clock.next === null ? 'Nothing' : [stamp(clock.next), clock.next > t ? `, in ${span(clock.next - t)}` : '']], ['Next that was asked for', clock.next_settle === null ? 'Nothing' : stamp(clock.next_settle)]]),
        h('div', { class: 'form' },
          h('div', { class: 'field' }, h('span', { class: 'muted small', id: 'run-label' }, 'Run, times the wall clock'), h('div', { class: 'seg', role: 'group', 'aria-labelledby': 'run-label' },
            h('button', { type: 'button', id: 'freeze', 'aria-pressed': String(!runs), onclick: again(freeze) }, 'Freeze'),
            SPEEDS.map((v) => h('button', { type: 'button', 'data-speed': v, 'aria-pressed': String(runs && clock.speed === v), onclick: again(() => run(v)) }, `${v} ×`)))),
          h('form', { class: 'form', onsubmit: (e) => { e.preventDefault(); const by = e.target.elements.by.value.trim(); again(() => advance({ by }, `Advanced by ${by}`))(); } },
            h('div', { class: 'field' }, h('label', { for: 'by' }, 'Advance by'), h('input', { id: 'by', name: 'by', value: '10m', size: 8, pattern: '\\d.*', required: true })),
            h('button', { type: 'submit', id: 'advance', class: 'primary', disabled: busy }, 'Advance')),
          h('button', { type: 'button', id: 'to-next', disabled: busy || clock.next === null, onclick: again(() => advance({ to: Math.ceil(clock.next) }, 'At the next that is due')) }, 'To the next due'),
          h('button', { type: 'button', id: 'settle', disabled: busy, onclick: again(settle) }, 'Settle')),
        operations.length > 0 && table({
          caption: 'Long moves', rows: operations.slice(-5), key: (o) => o.id,
          columns: [{ name: 'Number', cell: (o) => o.id }, { name: 'State', cell: (o) => badge(o.state) }, { name: 'To', cell: (o) => stamp(o.to) }, { name: 'Jobs', num: true, cell: (o) => count(o.count) }],
        }))),
      card('Look back', null, stops.length === 0 ? empty('Nothing to look back to', 'Each request and each job is a place to look back from. None is in the journal yet.') : scrub(stops)));
  }
  function scrub(stops) {
    let i = at ? stops.findLastIndex((e) => e.seq <= at) : stops.length - 1;
    i = Math.max(0, i);
    const e = stops[i];
    return h('div', { class: 'scrub' },
      h('p', { class: 'muted' }, 'Move along the journal and open a lab that is as this one was just before an entry. This lab goes on.'),
      h('div', { class: 'field' }, h('label', { for: 'scrub' }, `Entry ${e.seq}, ${i + 1} of ${stops.length}`),
        h('input', { id: 'scrub', type: 'range', min: 0, max: stops.length - 1, value: i, 'aria-valuetext': `Before entry ${e.seq}: ${told(e)}, ${stamp(ms(e.time_ns))}`, oninput: (x) => { at = stops[Number(x.target.value)].seq; show(); } })),
      h('div', { class: 'group' },
        h('button', { type: 'button', id: 'scrub-back', disabled: i === 0, onclick: () => { at = stops[i - 1].seq; show(); } }, 'Earlier'),
        h('button', { type: 'button', id: 'scrub-on', disabled: i === stops.length - 1, onclick: () => { at = stops[i + 1].seq; show(); } }, 'Later'),
        h('span', { class: 'nowrap mono' }, stamp(ms(e.time_ns))), h('span', { class: 'tag' }, e.array), h('span', { class: 'break' }, told(e))),
      h('div', { class: 'group' }, h('button', { type: 'button', id: 'travel', class: 'primary', disabled: picked === e.seq, onclick: () => travel(e) }, `Open the lab as it was before ${e.seq}`),
        ran && h('a', { href: link('overview', ran), id: 'travelled' }, `Go to ${ran}`)));
  }
  async function travel(e) {
    const name = `before-${e.seq}-${labName()}`.slice(0, 63);
    picked = e.seq;
    show();
    const there = state.overview && state.overview.labs.includes(name);
    const done = there || await act(`${name} is as the lab was before entry ${e.seq}`, () => post('/travel', { entry: e.seq, name, ports: false }));
    picked = null;
    if (done) ran = name;
    show();
  }
  return view;
}

function told(e) {
  if (e.entry === 'job') return `job ${e.job.name}${e.job.id ? ` of ${words(e.job.kind).toLowerCase()} ${e.job.id}` : ''}`;
  return `${e.method} ${e.path.replace('/api/rest/', '')}${e.status ? `, ${e.status}` : ''}`;
}
