// Faults: what is in force, how often it struck, and presets to add.
import { h, render } from '../dom.js';
import { get, post, del } from '../api.js';
import { live } from '../live.js';
import { act, ask, badge, card, empty, head, problem, select, table } from '../parts.js';
import { count, stamp, words } from '../format.js';

export function open(main) {
  let last = null, preset = '';
  const form = {};
  const view = live({
    async load(signal) {
      const [faults, presets, arrays, pools] = await Promise.all([get('/faults', signal), get('/faults/presets', signal), get('/arrays', signal), get('/pools', signal)]);
      return { faults, presets, arrays, pools };
    },
    show(data, bad) {
      if (data) last = data;
      render(main, last ? page(last, bad) : [head('Faults'), bad && problem(bad)]);
    },
  });
  async function remove(f) {
    await act(`${f.id} is removed`, () => del(`/faults/${encodeURIComponent(f.id)}`));
    view.again();
  }
  function page({ faults, presets, arrays, pools }, bad) {
    const p = presets.find((one) => one.name === (preset || presets[0].name));
    return h('div', { class: 'stack' },
      head('Faults', faults.length ? `${faults.filter((f) => f.state === 'in force').length} of ${faults.length} rules in force, ${count(faults.reduce((n, f) => n + f.hits, 0))} strikes` : 'None in force',
        faults.length > 0 && h('button', {
          type: 'button', class: 'danger', id: 'clear-faults',
          onclick: () => ask({ title: 'Remove all faults?', about: `${faults.length} rules go, with what they counted.`, button: 'Remove them', danger: true, done: async () => { await act('All faults are removed', () => del('/faults')); view.again(); } }),
        }, 'Remove all')),
      bad && problem(bad),
      h('div', { class: 'card' }, faults.length === 0 ? empty('No faults', 'Everything works as it should. Add a preset below, or a rule of your own with POST /_sim/v1/faults.') : table({
        caption: 'Rules', rows: faults, key: (f) => f.id,
        columns: [
          { name: 'Rule', cell: (f) => h('span', { class: 'mono' }, f.id) },
          { name: 'State', cell: (f) => badge(String(f.state).toUpperCase().replaceAll(' ', '_')) },
          { name: 'Where', cell: (f) => where(f) },
          { name: 'Does', cls: 'break', cell: (f) => does(f) },
          { name: 'Window', cls: 'nowrap', cell: (f) => (f.from || f.until ? `${f.from ? stamp(f.from) : 'now'} to ${f.until ? stamp(f.until) : 'removed'}` : 'Always') },
          { name: 'Matched', num: true, cell: (f) => count(f.matched) },
          { name: 'Struck', num: true, cell: (f) => h('span', { 'data-hits': f.id }, count(f.hits)) },
          { name: 'Remove', cell: (f) => h('button', { type: 'button', 'data-remove': f.id, 'aria-label': `Remove ${f.id}`, onclick: () => remove(f) }, 'Remove') },
        ],
      })),
      card('Add a preset', null, h('form', { class: 'stack', onsubmit: (e) => { e.preventDefault(); add(p, arrays, pools); } },
        h('div', { class: 'form' },
          h('div', { class: 'field' }, h('label', { for: 'preset' }, 'Preset'), select({ id: 'preset', value: p.name, onchange: (e) => { preset = e.target.value; for (const k of Object.keys(form)) delete form[k]; view.again(); } }, presets.map((one) => [one.name, words(one.name)]))),
          inputs(p, arrays, pools), h('button', { type: 'submit', class: 'primary', id: 'add-preset' }, 'Add')),
        h('p', { class: 'muted' }, p.about))));
  }
  // inputs are what the preset needs, and what it may have.
  function inputs(p, arrays, pools) {
    const chosen = form.array || (arrays[0] && arrays[0].key);
    const names = [...new Set([...p.needs, ...Object.keys(p.usual)])].filter((n) => n !== 'preset');
    return names.map((n) => {
      const id = `fault-${n}`, label = `${words(n)}${p.needs.includes(n) ? '' : ' (optional)'}`;
      let control;
      if (n === 'array' || n === 'peer') {
        const all = arrays.filter((a) => n === 'array' || a.key !== chosen);
        control = select({ id, value: form[n] || (all[0] && all[0].key) || '', onchange: (e) => { form[n] = e.target.value; view.again(); } }, all.map((a) => [a.key, a.name]));
      } else if (n === 'pool') {
        const all = pools.filter((one) => one.array === chosen);
        control = select({ id, value: form.pool || (all[0] ? String(all[0].id) : ''), onchange: (e) => { form.pool = e.target.value; } }, all.map((one) => [String(one.id), one.name]));
      } else {
        control = h('input', { id, size: 12, placeholder: String(p.usual[n] ?? ''), oninput: (e) => { form[n] = e.target.value.trim(); } });
      }
      return h('div', { class: 'field', key: `${p.name} ${n}` }, h('label', { for: id }, label), control);
    });
  }
  async function add(p, arrays, pools) {
    const body = { preset: p.name };
    const array = form.array || (arrays[0] && arrays[0].key);
    for (const n of [...p.needs, ...Object.keys(p.usual)]) {
      let v = form[n];
      if (n === 'array') v = array;
      if (n === 'peer' && !v) v = (arrays.find((a) => a.key !== array) || {}).key;
      if (n === 'pool' && !v) v = (pools.find((one) => one.array === array) || {}).id;
      if (n === 'preset' || v === undefined || v === '') continue;
      body[n] = n === 'pool' || typeof p.usual[n] === 'number' ? Number(v) : v;
    }
    await act(`${words(p.name)} is in force`, () => post('/faults', body));
    view.again();
  }
  return view;
}

const where = (f) => [h('span', { class: 'tag' }, f.site), ' ', [f.array, f.peer && `to ${f.peer}`, f.method, f.path].filter(Boolean).join(' ')];

function does(f) {
  const { type, ...more } = f.effect;
  const text = Object.entries(more).map(([k, v]) => `${k} ${typeof v === 'object' ? JSON.stringify(v) : v}`).join(', ');
  const odds = f.odds ? `, odds ${f.odds}` : '', most = f.times ? `, ${f.times} times` : '';
  return `${words(type)}${text ? `: ${text}` : ''}${odds}${most}`;
}

