// The arrays' own logs.
import { h, render } from '../dom.js';
import { get, rest } from '../api.js';
import { live } from '../live.js';
import { badge, empty, head, pager, problem, select, table } from '../parts.js';
import { count, levelKind, stamp } from '../format.js';
import { place, keep } from '../place.js';

const SIZE = 50;

export function open(main) {
  const q = place().params;
  let key = q.get('array') || '', level = q.get('level') || '', find = q.get('find') || '', page = 1, last = null;
  const view = live({
    timed: false,
    async load(signal) {
      const arrays = await get('/arrays', signal);
      const of = arrays.find((a) => a.key === key) || arrays[0];
      if (!of) return { arrays, events: [], total: 0 };
      const more = `${level ? `&level=eq:${level}` : ''}${find ? `&code=like:${encodeURIComponent(find.toUpperCase())}` : ''}`;
      const a = await rest(of.key, `events?sort=-id&page_size=${SIZE}&page=${page}${more}`, signal);
      return { arrays, of, events: a.result, total: a.metadata.number_of_objects };
    },
    show(data, bad) {
      if (data) last = data;
      render(main, last ? frame(last, bad) : [head('Events'), bad && problem(bad)]);
    },
  });
  function again() {
    page = 1;
    keep({ array: key, level, find });
    view.again();
  }
  function frame({ arrays, of, events, total }, bad) {
    return h('div', { class: 'stack' },
      head('Events', of ? `${count(total)} in the log of ${of.name}` : '',
        h('div', { class: 'field' }, h('label', { for: 'event-array' }, 'Array'), select({ id: 'event-array', value: of ? of.key : '', onchange: (e) => { key = e.target.value; again(); } }, arrays.map((a) => [a.key, a.name]))),
        h('div', { class: 'field' }, h('label', { for: 'event-level' }, 'Level'), select({ id: 'event-level', value: level, onchange: (e) => { level = e.target.value; again(); } },
          [['', 'All levels'], ['INFO', 'Info'], ['WARNING', 'Warning'], ['ERROR', 'Error'], ['CRITICAL', 'Critical']])),
        h('div', { class: 'field' }, h('label', { for: 'event-find' }, 'Code'), h('input', { id: 'event-find', type: 'search', value: find, placeholder: 'Part of a code', onchange: (e) => { find = e.target.value; again(); } }))),
      bad && problem(bad),
      h('div', { class: 'card' }, events.length === 0 ? empty('No events', 'Nothing in this log fits.') : table({
        caption: 'Events, newest first', rows: events, key: (e) => String(e.id),
        columns: [
          { name: 'Number', num: true, cell: (e) => e.id },
          { name: 'Time (UTC)', cls: 'nowrap', cell: (e) => stamp(e.timestamp) },
          { name: 'Level', cell: (e) => badge(e.level, { as: levelKind(e.level) }) },
          { name: 'Code', cell: (e) => h('span', { class: 'mono' }, e.code) },
          { name: 'What', cls: 'break', cell: (e) => e.description },
          { name: 'User', cell: (e) => e.username || '–' },
        ],
      }), total > SIZE && pager({ page, size: SIZE, total, set: (n) => { page = n; view.again(); } })));
  }
  return view;
}
