// Replicas: a table of them, and one of them with its lag and its jobs.
import { h, render } from '../dom.js';
import { get } from '../api.js';
import { live, now } from '../live.js';
import { badge, bar, empty, head, ordered, pager, problem, select, table } from '../parts.js';
import { bytes, count, span, words } from '../format.js';
import { place, keep, link } from '../place.js';
import { condition, speaks } from './overview.js';
import { replica } from './replica.js';

const SIZE = 50;
const id = (r) => `${r.array}/${r.id}`;

export const open = (main, rest) => (rest.length === 2 ? replica(main, rest) : list(main));

const columns = [
  { name: 'What', cell: (r) => h('a', { href: link(`replicas/${id(r)}`) }, r.entity.name || `${words(r.entity.kind)} ${r.entity.id}`), sort: (r) => r.entity.name },
  { name: 'State', cell: (r) => badge(condition(r)), sort: condition },
  { name: 'Type', cls: 'nowrap', cell: (r) => words(r.type), sort: (r) => r.type },
  { name: 'Role', halves: true, cls: 'nowrap', cell: (r) => words(r.role), sort: (r) => r.role },
  { name: 'From', cls: 'nowrap', cell: (r) => r.array, sort: (r) => r.array },
  { name: 'To', cls: 'nowrap', cell: (r) => r.remote_array || '–', sort: (r) => r.remote_array },
  { name: 'Lag', num: true, cell: (r) => (r.lag_ms === null ? '–' : span(r.lag_ms)), sort: (r) => r.lag_ms },
  { name: 'RPO', num: true, cell: (r) => span(r.rpo_ms), sort: (r) => r.rpo_ms },
  { name: 'Interval', num: true, cell: (r) => span(r.interval_ms), sort: (r) => r.interval_ms },
  {
    name: 'Job',
    cls: 'job',
    cell: (r) => (r.job ? [h('span', { class: 'nowrap' }, `${r.job.progress} %, ${bytes(r.job.bytes_left)} left`),
      bar(r.job.progress / 100, { label: `${r.job.progress} % of the job`, as: r.job.stalled ? 'warn' : 'busy' })] : h('span', { class: 'muted' }, 'None')),
    sort: (r) => (r.job ? r.job.progress : null),
  },
];

function list(main) {
  const q = place().params;
  const f = { find: q.get('find') || '', state: q.get('state') || '', type: q.get('type') || '', sides: q.get('sides') || '', by: q.get('by') || 'What', down: q.get('down') === '1' };
  let page = 1, all = null;
  function set(change) {
    Object.assign(f, change);
    page = 1;
    keep({ ...f, by: f.by === 'What' ? '' : f.by, down: f.down ? '1' : '' });
    show(null);
  }
  function show(data, bad) {
    if (data) all = data;
    if (!all) {
      render(main, head('Replicas'), bad && problem(bad));
      return;
    }
    const low = f.find.toLowerCase();
    const own = f.sides === 'both' ? all : all.filter(speaks);
    const fits = own.filter((r) => (!f.state || condition(r) === f.state) && (!f.type || r.type === f.type) && (!low || `${r.entity.name} ${r.array} ${r.remote_array} ${r.id}`.toLowerCase().includes(low)));
    const rows = ordered(fits, columns, f.by, f.down);
    page = Math.min(page, Math.max(1, Math.ceil(rows.length / SIZE)));
    const states = [...new Set([...own.map(condition), ...(f.state ? [f.state] : [])])].sort();
    render(main,
      head('Replicas', `${count(rows.length)} of ${count(own.length)}${f.sides ? ' halves' : ''}`,
        h('div', { class: 'field' }, h('label', { for: 'find' }, 'Find'), h('input', { id: 'find', type: 'search', value: f.find, placeholder: 'Name, array or id', oninput: (e) => set({ find: e.target.value }) })),
        h('div', { class: 'field' }, h('label', { for: 'state' }, 'State'), select({ id: 'state', value: f.state, onchange: (e) => set({ state: e.target.value }) }, [['', 'All states'], ...states.map((w) => [w, words(w)])])),
        h('div', { class: 'field' }, h('label', { for: 'type' }, 'Type'), select({ id: 'type', value: f.type, onchange: (e) => set({ type: e.target.value }) }, [['', 'All types'], ['ASYNC', 'ASYNC'], ['SYNC', 'SYNC'], ['ACTIVE_ACTIVE', 'Active-active']])),
        h('div', { class: 'field' }, h('label', { for: 'sides' }, 'Sides'), select({ id: 'sides', value: f.sides, onchange: (e) => set({ sides: e.target.value }) }, [['', 'Sources'], ['both', 'Both halves']]))),
      bad && problem(bad),
      all.length === 0 ? h('div', { class: 'card' }, empty('No replicas yet', 'Make one over an array’s REST API, POST /api/rest/replicas; it shows here at once.'))
        : h('div', { class: 'card' }, table({
          caption: 'Replicas', columns: columns.filter((c) => !c.halves || f.sides === 'both'), rows: rows.slice((page - 1) * SIZE, page * SIZE), key: id, none: 'None of them fits.',
          sorting: { by: f.by, down: f.down, set: (name) => set({ by: name, down: f.by === name ? !f.down : false }) },
        }), pager({ page, size: SIZE, total: rows.length, set: (n) => { page = n; show(null); } })));
    main.dataset.rows = rows.length;
    main.dataset.at = now();
  }
  return live({ load: (signal) => get('/replicas', signal), show });
}
