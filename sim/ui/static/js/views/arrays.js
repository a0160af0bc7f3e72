// Arrays and what they are made of; each part can be failed and repaired.
import { h, render } from '../dom.js';
import { get, post, patch, rest } from '../api.js';
import { live } from '../live.js';
import { act, badge, card, empty, facts, head, icon, problem } from '../parts.js';
import { bytes, count, kind, words } from '../format.js';
import { link } from '../place.js';

export function open(main, [chosen]) {
  return chosen ? one(main, chosen) : all(main);
}

function all(main) {
  return live({
    timed: false,
    async load(signal) {
      const arrays = await get('/arrays', signal);
      const systems = await Promise.all(arrays.slice(0, 60).map((a) => rest(a.key, 'system?fields=version,capacity,health_state', signal)));
      return arrays.map((a, i) => ({ ...a, system: systems[i] && systems[i].result }));
    },
    show(data, bad) {
      render(main, head('Arrays', data ? `${data.length} in this lab` : ''), bad && problem(bad),
        data && (data.length === 0 ? h('div', { class: 'card' }, empty('No arrays', 'Add one with POST /_sim/v1/arrays.'))
          : h('div', { class: 'grid' }, data.map(brief))));
    },
  });
}

const failures = (s) => (s ? s.failed_drives + s.missing_drives + s.inactive_nodes : 0);

function brief(a) {
  const s = a.system, broken = failures(s && s.health_state);
  return h('section', { key: a.key, class: `card${a.active ? '' : ' off'}`, 'aria-label': a.name },
    h('header', null, h('h2', null, h('a', { href: link(`arrays/${a.key}`) }, a.name)), h('span', { class: 'push' }, onNetwork(a))),
    h('div', { class: 'body' }, facts([
      ['Key', a.key], ['Serial', String(a.serial)], ['Version', s ? s.version : '–'],
      ['Hardware', broken ? badge('DEGRADED', { text: `${broken} ${broken === 1 ? 'part' : 'parts'} failed` }) : badge('OK')],
      ['Physical', s ? bytes(s.capacity.total_physical_capacity) : '–'], ['In pools', s ? bytes(s.capacity.allocated_physical_space_within_pools) : '–'],
    ])));
}

const onNetwork = (a) => badge(a.active ? 'ACTIVE' : 'OFF_THE_NETWORK', { text: a.active ? 'On the network' : 'Off the network' });

function one(main, key) {
  const shut = new Map(); // what is open in the tree, by path
  const view = live({
    timed: false,
    async load(signal) {
      const [arrays, hardware, system] = await Promise.all([get('/arrays', signal), get(`/arrays/${key}/components`, signal), rest(key, 'system?fields=name,version,capacity,health_state,model', signal)]);
      return { array: arrays.find((a) => a.key === key), hardware, system: system.result };
    },
    show,
  });
  let last = null;
  function show(data, bad) {
    if (data) last = data;
    render(main, bad && problem(bad), last && page(last));
  }
  async function set(part, k, state) {
    await act(`${part.name}: ${words(state)}`, () => patch(`/arrays/${key}/components/${part.path}`, { [k.member]: state }));
    view.again();
  }
  function page({ array: a, hardware, system }) {
    const kinds = new Map(hardware.kinds.map((k) => [k.kind, k]));
    const broken = hardware.parts.filter((p) => p.state !== kinds.get(p.kind).well);
    return h('div', { class: 'stack' },
      head(a.name, h('a', { href: link('arrays') }, 'All arrays'), onNetwork(a),
        h('button', {
          type: 'button', id: 'network', async onclick() {
            await act(a.active ? `${a.name} is off the network` : `${a.name} is back`, () => post(`/arrays/${key}/${a.active ? 'deactivate' : 'activate'}`));
            view.again();
          },
        }, a.active ? 'Take off the network' : 'Put on the network')),
      card('About', null, facts([
        ['Key', a.key], ['Serial', String(a.serial)], ['Version', system.version], ['Host', h('span', { class: 'mono' }, a.host)],
        ['REST API', a.url ? h('span', { class: 'mono' }, a.url) : 'by its host name'], ['User', a.username ? `${a.username}, password ${a.password}` : '–'],
        ['Physical', bytes(system.capacity.total_physical_capacity)], ['In pools', bytes(system.capacity.allocated_physical_space_within_pools)],
      ])),
      card('Hardware', h('span', { class: 'push muted' }, `${count(hardware.parts.length)} parts, `, broken.length === 0 ? 'all well' : `${count(broken.length)} not as new`),
        h('ul', { class: 'tree' }, hardware.parts.filter((p) => !p.path.includes('/') || p.path.split('/').length === 2).map((p) => branch(p, hardware.parts, kinds)))));
  }
  function branch(p, parts, kinds) {
    const below = parts.filter((o) => o.path.startsWith(`${p.path}/`));
    const ill = below.filter((o) => o.state !== kinds.get(o.kind).well);
    const opened = shut.get(p.path) || false;
    return h('li', { key: p.path }, row(p, kinds, below.length > 0 && {
      opened, about: `${below.length} parts${ill.length ? `, ${ill.length} not as new` : ''}`,
      turn() {
        shut.set(p.path, !opened);
        show(null);
      },
    }), opened && h('ul', { id: `in-${p.path}` }, groups(below).map(([name, some]) => group(p, name, some, kinds))));
  }
  // group is the parts of one kind: sixty drives are not shown at once.
  function group(p, name, some, kinds) {
    const path = `${p.path}/${name}`, ill = some.filter((o) => o.state !== kinds.get(o.kind).well), opened = shut.get(path) ?? some.length <= 10;
    return h('li', { key: path },
      h('div', { class: 'row' }, twist(opened, `${words(name)} (${some.length})`, `in-${path}`, () => {
        shut.set(path, !opened);
        show(null);
      }), ill.length > 0 ? badge('DEGRADED', { text: `${ill.length} not as new` }) : badge('OK', { text: 'All well' })),
      opened && h('ul', { id: `in-${path}` }, some.map((o) => h('li', { key: o.path }, row(o, kinds, null)))));
  }
  function row(p, kinds, inside) {
    const k = kinds.get(p.kind), id = `set-${p.path}`, well = p.state === k.well;
    return h('div', { class: 'row' },
      inside ? twist(inside.opened, p.name, `in-${p.path}`, inside.turn) : h('span', { class: 'name' }, p.name),
      badge(p.state, { as: well ? 'ok' : kind(p.state) === 'ok' ? 'warn' : kind(p.state) }), inside && h('span', { class: 'muted small' }, inside.about),
      h('span', { class: 'group push' },
        h('label', { class: 'visually-hidden', for: id }, `State of ${p.path}`),
        h('select', { id, value: p.state, onchange: (e) => set(p, k, e.target.value) },
          [...new Set([...k.states, p.state])].map((w) => h('option', { value: w, selected: w === p.state }, words(w)))),
        well ? h('button', { type: 'button', 'aria-label': `Fail ${p.path}`, 'data-fail': p.path, onclick: () => set(p, k, k.failed) }, 'Fail')
          : h('button', { type: 'button', 'aria-label': `Repair ${p.path}`, 'data-repair': p.path, onclick: () => set(p, k, k.well) }, 'Repair')));
  }
  return view;
}

const twist = (opened, text, controls, turn) => h('button', { type: 'button', class: 'twist', 'aria-expanded': String(opened), 'aria-controls': opened ? controls : null, onclick: turn },
  icon('M7 4l6 6-6 6'), text);

function groups(parts) {
  const out = new Map();
  for (const p of parts) {
    const name = p.kind.split('/')[1];
    if (!out.has(name)) out.set(name, []);
    out.get(name).push(p);
  }
  return [...out];
}
