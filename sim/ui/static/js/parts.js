// What views are made of: states, bars, tables, empty places, questions.
import { h, s, toast } from './dom.js';
import { kind, words } from './format.js';

const SHAPES = {
  ok: () => s('circle', { cx: 5, cy: 5, r: 4.5, stroke: 'none' }),
  busy: () => [s('circle', { cx: 5, cy: 5, r: 4, fill: 'none', 'stroke-width': 1.6 }), s('path', { d: 'M5 1a4 4 0 0 1 0 8z', stroke: 'none' })],
  warn: () => s('path', { d: 'M5 0.500 9.800 9.500H0.200z', stroke: 'none' }),
  bad: () => s('rect', { x: 0.5, y: 0.5, width: 9, height: 9, stroke: 'none' }),
  idle: () => s('circle', { cx: 5, cy: 5, r: 4, fill: 'none', 'stroke-width': 1.6 }),
};

// badge shows a state by colour, shape and word.
export function badge(word, { as, text } = {}) {
  const k = as || kind(word);
  return h('span', { class: `state ${k}` }, s('svg', { viewBox: '0 0 10 10', 'aria-hidden': 'true' }, SHAPES[k]()), text || words(word));
}

// bar is a share of something, with marks.
export function bar(share, { label, as = 'ok' }) {
  const w = Math.max(0, Math.min(1, share)) * 100;
  return s('svg', { class: 'bar', viewBox: '0 0 100 8', preserveAspectRatio: 'none', role: 'img', 'aria-label': label },
    s('rect', { class: 'rail', width: 100, height: 8 }), w > 0 && s('rect', { class: `fill-${as}`, width: w.toFixed(2), height: 8 }));
}

export const icon = (path) => s('svg', { viewBox: '0 0 20 20', 'aria-hidden': 'true' }, s('path', { d: path }));

export const head = (title, about, ...tools) => h('div', { class: 'head' },
  h('div', null, h('h1', null, title), about && h('p', null, about)), tools.length > 0 && h('div', { class: 'head-tools' }, tools));

export const empty = (title, about, ...more) => h('div', { class: 'empty' }, h('h2', null, title), about && h('p', null, about), more);

export const problem = (e) => h('div', { class: 'note bad', role: 'alert' }, h('p', null, h('strong', null, 'This could not be loaded. '), e.message));

export const card = (title, tools, ...body) => h('section', { class: 'card', 'aria-label': typeof title === 'string' ? title : undefined },
  h('header', null, h('h2', null, title), tools), h('div', { class: 'body' }, body));

export const facts = (pairs) => h('dl', { class: 'facts' }, pairs.map(([name, value]) => h('div', null, h('dt', null, name), h('dd', null, value))));

export const figure = (name, value, more) => h('dl', { class: 'figure' }, h('dt', null, name), h('dd', null, value, more && [' ', h('small', null, more)]));

let ids = 0;
export function field(label, control, cls = '') {
  if (!control.id) control.id = control.__key ? `f-${control.__key}` : `f${ids += 1}`;
  return h('div', { class: `field ${cls}` }, h('label', { for: control.id }, label), control);
}

export const select = (props, options) => h('select', props, options.map(([value, text]) => h('option', { value, selected: String(value) === String(props.value) }, text)));

// act does what a control asks for, and says so, or why not.
export async function act(what, fn) {
  try {
    const out = await fn();
    if (what) toast(what);
    return out;
  } catch (e) {
    toast(e.message, true);
    return undefined;
  }
}

// table is rows under a caption. Columns: {name, cell(row), num, sort}. sorting is
// {by, down, set(by)}.
export function table({ caption, about, columns, rows, key, sorting, none }) {
  const heads = columns.map((c) => {
    if (!sorting || !c.sort) return h('th', { scope: 'col', class: c.num ? 'num' : '' }, c.hidden ? h('span', { class: 'visually-hidden' }, c.name) : c.name);
    const here = sorting.by === c.name;
    const way = here ? (sorting.down ? 'descending' : 'ascending') : 'none';
    return h('th', { scope: 'col', class: c.num ? 'num' : '', 'aria-sort': way },
      h('button', { type: 'button', onclick: () => sorting.set(c.name) }, c.name, h('span', { class: 'arrow', 'aria-hidden': 'true' }, here ? (sorting.down ? '↓' : '↑') : '')));
  });
  return h('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': caption },
    h('table', null,
      h('caption', null, caption, about && [' ', h('span', { class: 'muted' }, about)]),
      h('thead', null, h('tr', null, heads)),
      h('tbody', null, rows.length === 0 ? h('tr', null, h('td', { colspan: columns.length, class: 'muted' }, none || 'Nothing here.'))
        : rows.map((r) => h('tr', { key: key(r) }, columns.map((c, i) => h(i === 0 ? 'th' : 'td', { scope: i === 0 ? 'row' : null, class: c.num ? 'num' : c.cls || '' }, c.cell(r))))))));
}

// ordered sorts rows by a column; what has no value comes last.
export function ordered(rows, columns, by, down) {
  const c = columns.find((one) => one.name === by);
  if (!c || !c.sort) return rows;
  const way = down ? -1 : 1;
  return rows.toSorted((a, b) => {
    const x = c.sort(a), y = c.sort(b);
    if (x === null || x === undefined) return y === null || y === undefined ? 0 : 1;
    if (y === null || y === undefined) return -1;
    return way * (typeof x === 'number' ? x - y : String(x).localeCompare(String(y), 'en', { numeric: true }));
  });
}

// pager is a page of so many rows.
export function pager({ page, size, total, set }) {
  const last = Math.max(1, Math.ceil(total / size));
  return h('nav', { class: 'pager', 'aria-label': 'Pages' },
    h('span', { class: 'muted' }, total === 0 ? 'No rows' : `${(page - 1) * size + 1} to ${Math.min(total, page * size)} of ${total}`),
    h('span', { class: 'group push' },
      h('button', { type: 'button', disabled: page <= 1, onclick: () => set(page - 1) }, 'Previous'),
      h('span', { class: 'muted' }, `Page ${page} of ${last}`),
      h('button', { type: 'button', disabled: page >= last, onclick: () => set(page + 1) }, 'Next')));
}

// ask opens a dialog with a form; done gets what was filled in. Escape closes it.
export function ask({ title, about, fields = [], button, danger, done }) {
  const box = document.getElementById('dialog');
  const inputs = fields.map((f) => h('input', { id: `d-${f.name}`, name: f.name, type: f.type || 'text', placeholder: f.hint, required: f.required, pattern: f.pattern, autocomplete: 'off', value: f.value || '' }));
  box.replaceChildren(h('form', {
    method: 'dialog',
    async onsubmit(e) {
      e.preventDefault();
      box.close();
      await done(Object.fromEntries(inputs.map((i) => [i.name, i.value.trim()])));
    },
  },
  h('h2', { id: 'dialog-title' }, title), about && h('p', { class: 'muted' }, about),
  inputs.map((i, n) => h('div', { class: 'field' }, h('label', { for: i.id }, fields[n].label), i)),
  h('div', { class: 'group' },
    h('button', { type: 'button', onclick: () => box.close() }, 'Cancel'),
    h('button', { type: 'submit', class: danger ? 'danger' : 'primary' }, button))));
  box.showModal();
}
