// The labs of the process, and the kept states of the one that is shown.
import { h, render } from '../dom.js';
import { get, post, del, root, labName, open as send } from '../api.js';
import { live } from '../live.js';
import { act, ask, badge, head, problem, table } from '../parts.js';
import { count, stamp } from '../format.js';
import { link } from '../place.js';

const NAME = '[a-z0-9]([a-z0-9\\-]{0,61}[a-z0-9])?';

export function open(main) {
  let last = null;
  const view = live({
    async load(signal) {
      const [labs, snapshots] = await Promise.all([root.get('/labs', signal), get('/snapshots', signal)]);
      return { labs, snapshots };
    },
    show(data, bad) {
      if (data) last = data;
      render(main, last ? page(last, bad) : [head('Labs'), bad && problem(bad)]);
    },
  });
  const named = (title, about, button, label, value, fn) => ask({
    title, about, button, fields: [{ name: 'name', label, required: true, pattern: NAME, value, hint: 'lower-case letters, digits, hyphens' }],
    done: async ({ name }) => { await fn(name); view.again(); },
  });
  const sure = (title, about, button, fn) => ask({ title, about, button, danger: true, done: async () => { await fn(); view.again(); } });
  async function drop(l) {
    await act(`${l.name} is deleted`, () => send('DELETE', `/labs/${encodeURIComponent(l.name)}`));
    if (l.name === labName()) location.hash = '#/labs';
  }
  function page({ labs, snapshots }, bad) {
    const here = labName();
    return h('div', { class: 'stack' },
      head('Labs', `${count(labs.length)} in this process; ${here} is shown`,
        h('button', { type: 'button', id: 'new-lab', onclick: () => named('New lab', 'Two linked arrays on a clock that stands still.', 'Make it', 'Name', '', (name) => act(`${name} is made`, () => root.post('/labs', { name, clock: 'manual' }))) }, 'New lab'),
        h('button', { type: 'button', id: 'fork', class: 'primary', onclick: () => named(`Fork ${here}`, 'A copy of its own, as the lab is now.', 'Fork', 'Name of the copy', `${here}-copy`, (name) => act(`${name} is forked`, () => post('/fork', { name }))) }, `Fork ${here}`)),
      bad && problem(bad),
      h('div', { class: 'card' }, table({
        caption: 'Labs', rows: labs, key: (l) => l.name,
        columns: [
          { name: 'Lab', cell: (l) => h('a', { href: link('overview', l.name), 'aria-current': l.name === here ? 'true' : null }, l.name) },
          { name: 'Shown', cell: (l) => (l.name === here ? badge('ACTIVE', { text: 'Shown' }) : h('a', { href: link('labs', l.name), 'data-switch': l.name }, 'Switch to it')) },
          { name: 'Clock', cell: (l) => badge(l.mode === 'system' ? 'RUNNING' : 'FROZEN', { as: l.mode === 'system' ? 'ok' : 'idle', text: l.mode === 'system' ? 'Runs' : 'Stands' }) },
          { name: 'Time (UTC)', cls: 'nowrap', cell: (l) => stamp(l.now) },
          { name: 'Arrays', num: true, cell: (l) => count(l.arrays.length) }, { name: 'Links', num: true, cell: (l) => count(l.links.length) },
          { name: 'Seed', num: true, cell: (l) => String(l.seed) }, { name: 'Kept on disk', cell: (l) => (l.durable ? 'Yes' : 'No') },
          {
            name: 'Delete',
            cell: (l) => (l.name === 'default' ? h('span', { class: 'muted' }, 'Stays') : h('button', { type: 'button', class: 'danger', 'data-delete': l.name, 'aria-label': `Delete ${l.name}`, onclick: () => sure(`Delete ${l.name}?`, 'Its arrays and all that they hold are gone.', 'Delete', () => drop(l)) }, 'Delete')),
          },
        ],
      })),
      h('div', { class: 'card' }, table({
        caption: `Snapshots of ${here}`, rows: snapshots, key: (one) => one.name, none: 'No state of this lab is kept.',
        columns: [
          { name: 'Snapshot', cell: (one) => one.name }, { name: 'Of (UTC)', cls: 'nowrap', cell: (one) => stamp(one.now) },
          {
            name: 'Go back, fork, forget',
            cell: (one) => h('span', { class: 'group' },
              h('button', { type: 'button', 'data-restore': one.name, 'aria-label': `Restore ${one.name}`, onclick: () => sure(`Restore ${one.name}?`, `${here} is made what it was at ${stamp(one.now)}.`, 'Restore', () => act(`${here} is as it was at ${one.name}`, () => post('/restore', { snapshot: one.name }))) }, 'Restore'),
              h('button', { type: 'button', 'aria-label': `Fork ${one.name}`, onclick: () => named(`Fork ${one.name}`, 'A lab that is as this snapshot is.', 'Fork', 'Name of the copy', `${one.name}-copy`, (name) => act(`${name} is forked`, () => post('/fork', { name, snapshot: one.name }))) }, 'Fork'),
              h('button', { type: 'button', class: 'danger', 'data-forget': one.name, 'aria-label': `Delete ${one.name}`, onclick: () => sure(`Delete ${one.name}?`, 'That state is kept no more.', 'Delete', () => act(`${one.name} is deleted`, () => del(`/snapshots/${encodeURIComponent(one.name)}`))) }, 'Delete')),
          },
        ],
      }), h('div', { class: 'body group' },
        h('button', { type: 'button', id: 'snapshot', onclick: () => named('Keep this state', `${here} as it is now, under a name.`, 'Keep it', 'Name', 'before', (name) => act(`${name} is kept`, () => post('/snapshots', { name }))) }, 'Take a snapshot'),
        h('button', { type: 'button', id: 'reset', class: 'danger', onclick: () => sure(`Reset ${here}?`, 'Fresh arrays, the same links, no faults, an empty journal; the clock stays.', 'Reset', () => act(`${here} is fresh`, () => post('/reset'))) }, `Reset ${here}`))));
  }
  return view;
}
