// Links: the graph, and the same as a table with its switches.
import { h, render } from '../dom.js';
import { get, post } from '../api.js';
import { live } from '../live.js';
import { act, badge, card, empty, head, problem, table } from '../parts.js';
import { rate } from '../format.js';
import { graph, pairs, worst } from '../graph.js';

export function open(main) {
  const view = live({
    timed: false,
    async load(signal) {
      const [arrays, links] = await Promise.all([get('/arrays', signal), get('/links', signal)]);
      return { arrays, links };
    },
    show(data, bad) {
      render(main, head('Links', data ? `${pairs(data.links).length} between ${data.arrays.length} arrays` : ''), bad && problem(bad), data && page(data));
    },
  });
  const down = (l) => l.cut || l.cut_from !== '';
  async function turn(l, cut) {
    await act(cut ? `${l.name} is cut` : `${l.name} is mended`, () => post(`/arrays/${l.array}/links/${l.id}/${cut ? 'cut' : 'restore'}`));
    view.again();
  }
  async function oneWay(l) {
    await act(`${l.name}: what ${l.array} sends does not arrive`, () => post(`/arrays/${l.array}/links/${l.id}/cut`, { from: l.array }));
    view.again();
  }
  function page({ arrays, links }) {
    if (links.length === 0) return h('div', { class: 'card' }, empty('No links', 'Arrays of this lab are not linked. POST /_sim/v1/labs makes a lab with links; an administrator makes one over the REST API.'));
    return h('div', { class: 'stack' },
      card('Graph', null, h('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Graph of the links' }, graph(arrays, links))),
      h('div', { class: 'card' }, table({
        caption: 'Links', about: 'one row for each link; the path is that of both directions', rows: pairs(links), key: (p) => p.key,
        columns: [
          { name: 'Link', cell: (p) => p.name },
          { name: 'Between', cls: 'nowrap', cell: (p) => p.halves.map((l) => l.array).join(' and ') },
          { name: 'Path', cell: (p) => badge(worst(p) === 'CUT' ? 'CUT' : 'UP', { text: p.halves[0].cut_from ? `Cut from ${p.halves[0].cut_from}` : worst(p) === 'CUT' ? 'Cut' : 'Whole' }) },
          { name: 'State on each side', cell: (p) => h('span', { class: 'group' }, p.halves.map((l) => h('span', { class: 'group' }, h('span', { class: 'tag' }, l.array), badge(l.state)))) },
          { name: 'Bandwidth', num: true, cell: (p) => rate(p.halves[0].bandwidth) },
          { name: 'Latency', num: true, cell: (p) => `${p.halves[0].latency_ms} ms${p.halves[0].jitter_ms ? ` ± ${p.halves[0].jitter_ms}` : ''}` },
          { name: 'Loss', num: true, cell: (p) => `${(p.halves[0].loss * 100).toFixed(p.halves[0].loss ? 2 : 0)} %` },
          {
            name: 'Switches',
            cell: (p) => (p.halves.some(down) ? h('span', { class: 'group' }, h('button', { type: 'button', 'data-mend': p.name, onclick: () => turn(p.halves.find(down), false), 'aria-label': `Mend ${p.name}` }, 'Mend'))
              : h('span', { class: 'group' },
                h('button', { type: 'button', class: 'danger', 'data-cut': p.name, onclick: () => turn(p.halves[0], true), 'aria-label': `Cut ${p.name}` }, 'Cut'),
                p.halves.map((l) => h('button', { type: 'button', onclick: () => oneWay(l), 'aria-label': `Cut ${p.name}, what ${l.array} sends` }, `Cut from ${l.array}`)))),
          },
        ],
      })));
  }
  return view;
}
