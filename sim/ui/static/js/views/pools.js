// Pools and how full they are.
import { h, render } from '../dom.js';
import { get } from '../api.js';
import { live } from '../live.js';
import { badge, bar, empty, head, ordered, pager, problem, table } from '../parts.js';
import { bytes, count, percent } from '../format.js';
import { fillKind } from './overview.js';

const SIZE = 50;

export function open(main) {
  let by = 'Pool', down = false, page = 1, data = null, find = '';
  const columns = [
    { name: 'Pool', cell: (p) => p.name, sort: (p) => p.name },
    { name: 'Array', cell: (p) => p.array, sort: (p) => p.array },
    { name: 'State', cell: (p) => badge(p.state), sort: (p) => p.state },
    { name: 'Fill', cell: (p) => [h('span', { class: 'nowrap' }, percent(p.fill)), bar(p.fill, { label: `${percent(p.fill)} full`, as: fillKind(p) })], sort: (p) => p.fill, cls: 'fill' },
    { name: 'Used', num: true, cell: (p) => bytes(p.allocated_physical_space), sort: (p) => p.allocated_physical_space },
    { name: 'Physical', num: true, cell: (p) => bytes(p.physical_capacity), sort: (p) => p.physical_capacity },
    { name: 'Virtual', num: true, cell: (p) => bytes(p.virtual_capacity), sort: (p) => p.virtual_capacity },
    { name: 'Volumes', num: true, cell: (p) => count(p.volumes_count), sort: (p) => p.volumes_count },
    { name: 'Filesystems', num: true, cell: (p) => count(p.filesystems_count), sort: (p) => p.filesystems_count },
    { name: 'Snapshots', num: true, cell: (p) => count(p.snapshots_count + (p.filesystem_snapshots_count || 0)), sort: (p) => p.snapshots_count },
  ];
  function show(fresh, bad) {
    if (fresh) data = fresh;
    if (!data) {
      render(main, head('Pools'), bad && problem(bad));
      return;
    }
    const low = find.toLowerCase();
    const rows = ordered(data.filter((p) => !low || `${p.name} ${p.array}`.toLowerCase().includes(low)), columns, by, down);
    page = Math.min(page, Math.max(1, Math.ceil(rows.length / SIZE)));
    render(main,
      head('Pools', `${count(data.length)} pools, ${bytes(data.reduce((n, p) => n + p.allocated_physical_space, 0))} used of ${bytes(data.reduce((n, p) => n + p.physical_capacity, 0))}`,
        h('div', { class: 'field' }, h('label', { for: 'pool-find' }, 'Find'), h('input', { id: 'pool-find', type: 'search', placeholder: 'Name or array', oninput: (e) => { find = e.target.value; page = 1; show(); } }))),
      bad && problem(bad),
      data.length === 0 ? h('div', { class: 'card' }, empty('No pools yet', 'Make one over the array’s REST API, POST /api/rest/pools; it shows here at once.'))
        : h('div', { class: 'card' }, table({
          caption: 'Pools of this lab', columns, rows: rows.slice((page - 1) * SIZE, page * SIZE), key: (p) => `${p.array} ${p.id}`,
          sorting: { by, down, set: (name) => { down = by === name ? !down : false; by = name; show(); } }, none: 'No pool has that in its name.',
        }), rows.length > SIZE && pager({ page, size: SIZE, total: rows.length, set: (n) => { page = n; show(); } })));
  }
  return live({ load: (signal) => get('/pools', signal), show });
}
