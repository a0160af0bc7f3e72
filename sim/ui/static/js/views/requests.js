// What the arrays were asked, as the journal has it, newest first.
import { h, render } from '../dom.js';
import { get, lines } from '../api.js';
import { live, state } from '../live.js';
import { badge, empty, head, problem, select } from '../parts.js';
import { count, ms, time, words } from '../format.js';
import { keep, link, place } from '../place.js';

const SHOWN = 100; // rows
const BACK = 2000; // entries that are looked at

export function open(main) {
  const q = place().params;
  const f = { entry: q.get('entry') || 'request', array: q.get('array') || '', method: q.get('method') || '', path: q.get('path') || '', status: q.get('status') || '' };
  let held = false, last = null;
  const view = live({
    timed: false,
    async load(signal) {
      if (held && last) return last;
      const newest = state.overview ? state.overview.entry : 0;
      const query = new URLSearchParams({ entry: f.entry, since: String(Math.max(0, newest - BACK)) });
      for (const name of ['array', 'method', 'path']) if (f[name]) query.set(name, f[name]);
      const [arrays, entries] = await Promise.all([get('/arrays', signal), lines(`/journal?${query}`, signal)]);
      return { arrays, entries: entries.filter((e) => !f.status || refused(e) === (f.status === 'refused')).slice(-SHOWN).reverse(), newest };
    },
    show(data, bad) {
      if (data) last = data;
      render(main, last ? page(last, bad) : [head('Requests'), bad && problem(bad)]);
    },
  });
  function set(change) {
    Object.assign(f, change);
    held = false;
    keep({ ...f, entry: f.entry === 'request' ? '' : f.entry });
    view.again();
  }
  function page({ arrays, entries, newest }, bad) {
    return h('div', { class: 'stack' },
      head('Requests', `The journal has ${count(newest)} entries`,
        h('button', { type: 'button', id: 'hold', 'aria-pressed': String(held), onclick: () => { held = !held; view.again(); } }, held ? 'Go on' : 'Hold'),
        h('div', { class: 'field' }, h('label', { for: 'req-entry' }, 'Entries'), select({ id: 'req-entry', value: f.entry, onchange: (e) => set({ entry: e.target.value }) },
          [['request', 'Requests'], ['job', 'Jobs'], ['move', 'Moves of replicas'], ['all', 'All']])),
        h('div', { class: 'field' }, h('label', { for: 'req-array' }, 'Array'), select({ id: 'req-array', value: f.array, onchange: (e) => set({ array: e.target.value }) }, [['', 'All arrays'], ...arrays.map((a) => [a.key, a.name])])),
        h('div', { class: 'field' }, h('label', { for: 'req-method' }, 'Method'), select({ id: 'req-method', value: f.method, onchange: (e) => set({ method: e.target.value }) }, [['', 'All methods'], ...['GET', 'POST', 'PUT', 'DELETE'].map((m) => [m, m])])),
        h('div', { class: 'field' }, h('label', { for: 'req-status' }, 'Answer'), select({ id: 'req-status', value: f.status, onchange: (e) => set({ status: e.target.value }) }, [['', 'All answers'], ['done', 'Done'], ['refused', 'Refused or dropped']])),
        h('div', { class: 'field' }, h('label', { for: 'req-path' }, 'Path'), h('input', { id: 'req-path', type: 'search', value: f.path, placeholder: 'volumes', onchange: (e) => set({ path: e.target.value.trim() }) }))),
      bad && problem(bad),
      h('section', { class: 'card', 'aria-label': 'Journal, newest first' }, entries.length === 0 ? empty('Nothing was asked', 'What clients ask the arrays shows here at once, with what it changed.') : entries.map(row)));
  }
  return view;
}

const refused = (e) => e.entry === 'request' && (e.status === 0 || e.status >= 400 || e.lost === true);

function row(e) {
  return h('details', { class: 'entry', key: e.seq },
    h('summary', null,
      h('span', { class: 'mono muted' }, `#${e.seq}`), h('span', { class: 'nowrap muted' }, time(ms(e.time_ns))), h('span', { class: 'tag' }, e.array),
      what(e), h('span', { class: 'what group' }, changes(e), outcome(e))),
    h('div', { class: 'detail' }, detail(e)));
}

function what(e) {
  if (e.entry === 'job') return h('span', { class: 'path break' }, h('span', { class: 'method' }, 'JOB '), e.job.name, e.job.id ? ` ${words(e.job.kind).toLowerCase()} ${e.job.id}` : '');
  if (e.entry === 'move') return h('span', { class: 'path break' }, h('span', { class: 'method' }, 'MOVE '), `replica ${e.move.replica}: ${e.move.from} to ${e.move.to}`);
  return h('span', { class: 'path break' }, h('span', { class: 'method' }, `${e.method} `), e.path.replace('/api/rest/', ''), e.query ? h('span', { class: 'muted' }, `?${decodeURIComponent(e.query)}`) : '');
}

function outcome(e) {
  if (e.entry !== 'request') return null;
  if (e.status === 0) return badge('DROPPED');
  return badge(e.status < 400 && !e.lost ? 'OK' : 'REFUSED', { text: e.lost ? `${e.status}, answer lost` : String(e.status), as: e.status >= 500 || e.lost ? 'bad' : e.status >= 400 ? 'warn' : 'ok' });
}

const changes = (e) => (e.objects ? h('span', { class: 'muted small' }, `${e.objects.length + (e.more_objects || 0)} changed`) : null);

function detail(e) {
  const pretty = (text) => { try { return JSON.stringify(JSON.parse(text), null, 2); } catch { return text; } };
  return [
    e.code && h('div', null, h('strong', null, e.code)),
    e.faults && h('div', null, 'Struck by the fault ', h('strong', null, e.faults.join(', ')), '. ', h('a', { href: link('faults') }, 'Faults')),
    e.user && h('div', { class: 'muted' }, `Asked by ${e.user}`),
    e.objects && h('div', null, h('h3', null, 'What it changed'), h('ul', { class: 'counts' }, e.objects.slice(0, 60).map((o) => h('li', { class: 'tag' }, `${words(o.kind)} ${o.id} of ${o.array || e.array}: ${o.did}`)))),
    e.body && h('div', null, h('h3', null, 'Body'), h('pre', { tabindex: 0, 'aria-label': 'Body' }, pretty(e.body))),
    e.answer && h('div', null, h('h3', null, 'Answer'), h('pre', { tabindex: 0, 'aria-label': 'Answer' }, pretty(e.answer).slice(0, 20000))),
    e.job && h('div', { class: 'muted' }, `Class ${e.job.class}${e.job.later ? ', put off by a fault' : ''}${e.job.error ? `, failed: ${e.job.error}` : ''}`),
    e.move && h('div', { class: 'muted' }, `On ${e.move.on}, by rule ${e.move.rule} of the table`, ' ', h('a', { href: link(`replicas/${e.array}/${e.move.replica}`) }, 'The replica')),
    e.entry !== 'move' && h('div', null, h('a', { href: link('time', undefined, { entry: e.seq }) }, 'Look at the lab as it was before this')),
  ];
}
