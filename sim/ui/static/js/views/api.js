// The REST API of each array, and the control plane, as their OpenAPI documents
// have them.
import { h, render } from '../dom.js';
import { get, root } from '../api.js';
import { card, empty, head, problem, select } from '../parts.js';
import { count } from '../format.js';
import { keep, place } from '../place.js';
import { schema } from '../schema.js';

const METHODS = ['get', 'post', 'put', 'patch', 'delete'];

export function open(main) {
  const q = place().params;
  let which = q.get('of') || '', chosen = q.get('op') || '', find = q.get('find') || '', doc = null, arrays = [], ended = false;
  async function load() {
    try {
      arrays = await get('/arrays');
      if (!which) which = arrays[0] ? arrays[0].key : 'control';
      doc = which === 'control' ? await root.get('/openapi.json') : await get(`/arrays/${which}/openapi.json`);
      if (!ended) show(null);
    } catch (e) {
      if (!ended) show(e);
    }
  }
  function set(change) {
    if ('find' in change) find = change.find;
    if ('chosen' in change) chosen = change.chosen;
    keep({ of: which, op: chosen, find });
    show(null);
  }
  function show(bad) {
    render(main, head('API', doc ? `${doc.info.title} ${doc.info.version}: ${count(operations(doc).length)} requests` : '',
      h('div', { class: 'field' }, h('label', { for: 'api-of' }, 'Of'), select({ id: 'api-of', value: which, onchange: (e) => { which = e.target.value; chosen = ''; keep({ of: which }); load(); } },
        [...arrays.map((a) => [a.key, `REST API of ${a.name}`]), ['control', 'Control plane']])),
      h('div', { class: 'field' }, h('label', { for: 'api-find' }, 'Find'), h('input', { id: 'api-find', type: 'search', value: find, placeholder: 'volumes', oninput: (e) => set({ find: e.target.value }) }))),
    bad && problem(bad), doc && browser());
  }
  function browser() {
    const low = find.toLowerCase();
    const all = operations(doc).filter((o) => !low || `${o.method} ${o.path} ${o.op.summary || ''}`.toLowerCase().includes(low));
    const one = operations(doc).find((o) => o.id === chosen) || all[0];
    return h('div', { class: 'api' },
      h('nav', { class: 'card list', 'aria-label': 'Requests', tabindex: 0 }, all.length === 0 ? empty('None fits', 'No request has that in its path.')
        : groups(all).map(([name, some]) => [h('h2', { key: `h ${name}` }, name), h('ul', { key: `u ${name}` }, some.map((o) => h('li', { key: o.id },
          h('button', { type: 'button', 'aria-current': one && o.id === one.id ? 'true' : null, onclick: () => set({ chosen: o.id }) }, h('span', { class: 'method' }, o.method.toUpperCase()), o.path))))])),
      one ? operation(one) : h('div', null));
  }
  function operation({ method, path, op, shared }) {
    const parameters = [...(shared || []), ...(op.parameters || [])].map((p) => deref(p));
    return h('div', { class: 'stack', key: `${method} ${path}` },
      card([h('span', { class: 'method' }, method.toUpperCase()), ' ', h('span', { class: 'mono break' }, path)], null,
        op.summary && h('p', null, op.summary), op.description && op.description !== op.summary && h('p', { class: 'muted' }, op.description),
        h('h3', null, 'Parameters'), parameters.length === 0 ? h('p', { class: 'muted' }, 'None.')
          : h('ul', { class: 'schema' }, parameters.map((p) => h('li', null, h('code', null, p.name), ' ', h('span', { class: 'tag' }, p.in), p.required && [' ', h('span', { class: 'tag' }, 'required')], ' ',
            h('span', { class: 'muted' }, type(p.schema), p.description ? `: ${p.description}` : '')))),
        body(op.requestBody && deref(op.requestBody), 'Body'),
        h('h3', null, 'Answers'), Object.entries(op.responses || {}).map(([status, r]) => body(deref(r), status))));
  }
  function body(r, title) {
    if (!r) return null;
    return h('div', { key: title }, h('h3', null, title === 'Body' ? title : [h('code', null, title), ' ', h('span', { class: 'muted' }, r.description || '')]),
      Object.entries(r.content || {}).map(([kind, c]) => h('div', null, h('span', { class: 'tag' }, kind), schema(doc, c.schema || {}, title === 'Body'))));
  }
  const deref = (v) => (v && v.$ref ? v.$ref.slice(2).split('/').reduce((o, k) => o[k], doc) : v);
  load();
  return { again: load, end() { ended = true; } };
}

const type = (s) => (s ? [].concat(s.type || 'any').join(' or ') : '');

const kept = new WeakMap();

function operations(doc) {
  if (kept.has(doc)) return kept.get(doc);
  const out = [];
  for (const [path, item] of Object.entries(doc.paths)) {
    for (const method of METHODS) if (item[method]) out.push({ id: `${method} ${path}`, method, path, op: item[method], shared: item.parameters });
  }
  kept.set(doc, out);
  return out;
}

function groups(all) {
  const out = new Map();
  for (const o of all) {
    const name = (o.op.tags && o.op.tags[0]) || o.path.replace(/^\/(api\/rest|_sim\/v1)\//, '').split('/')[0] || '/';
    if (!out.has(name)) out.set(name, []);
    out.get(name).push(o);
  }
  return [...out].sort((a, b) => a[0].localeCompare(b[0]));
}
