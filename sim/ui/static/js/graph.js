// The link graph: arrays on a ring, links as lines between them.
import { s } from './dom.js';
import { kind, words } from './format.js';

const W = 900, H = 380, BOX = { w: 148, h: 54 };

// pairs puts the two halves of each link together.
export function pairs(links) {
  const out = new Map();
  for (const l of links) {
    const ends = [`${l.array} ${l.id}`, `${l.remote_array} ${l.remote_id}`].sort();
    const key = ends.join(' – ');
    if (!out.has(key)) out.set(key, { key, name: l.name, halves: [] });
    out.get(key).halves.push(l);
  }
  return [...out.values()];
}

// worst is the state of a link that says most: of its halves, and of its path.
export function worst(pair) {
  if (pair.halves.some((l) => l.cut || l.cut_from)) return 'CUT';
  const order = ['bad', 'warn', 'busy', 'idle', 'ok'];
  return pair.halves.map((l) => l.state).sort((a, b) => order.indexOf(kind(a)) - order.indexOf(kind(b)))[0];
}

function places(arrays) {
  const n = arrays.length, out = new Map();
  arrays.forEach((a, i) => {
    if (n === 1) out.set(a.key, [W / 2, H / 2]);
    else if (n === 2) out.set(a.key, [i === 0 ? 150 : W - 150, H / 2]);
    else {
      const turn = (i / n) * 2 * Math.PI - Math.PI / 2;
      out.set(a.key, [W / 2 + Math.cos(turn) * (W / 2 - BOX.w / 2 - 24), H / 2 + Math.sin(turn) * (H / 2 - BOX.h / 2 - 18)]);
    }
  });
  return out;
}

export function graph(arrays, links) {
  const at = places(arrays), all = pairs(links);
  const between = new Map();
  const edges = all.filter((p) => at.has(p.halves[0].array) && at.has(p.halves[0].remote_array)).map((p) => {
    const [x1, y1] = at.get(p.halves[0].array), [x2, y2] = at.get(p.halves[0].remote_array);
    const ends = [p.halves[0].array, p.halves[0].remote_array].sort().join(' ');
    const nth = between.get(ends) || 0;
    between.set(ends, nth + 1);
    const bend = nth === 0 ? 0 : 60 * Math.ceil(nth / 2) * (nth % 2 ? 1 : -1);
    const len = Math.hypot(x2 - x1, y2 - y1) || 1;
    const cx = (x1 + x2) / 2 - ((y2 - y1) / len) * bend * 2, cy = (y1 + y2) / 2 + ((x2 - x1) / len) * bend * 2;
    const mx = (x1 + x2) / 4 + cx / 2, my = (y1 + y2) / 4 + cy / 2;
    const word = worst(p), k = kind(word), width = Math.max(90, 8 * Math.max(p.name.length, words(word).length) + 24);
    return s('g', { key: p.key },
      s('path', { class: `edge ${k}`, d: `M${x1} ${y1}Q${cx} ${cy} ${x2} ${y2}` }),
      all.length <= 12 && s('rect', { class: 'plate', x: mx - width / 2, y: my - 22, width, height: 44, rx: 8 }),
      all.length <= 12 && s('text', { x: mx, y: my - 3 }, p.name),
      all.length <= 12 && s('text', { class: `sub ${k}`, x: mx, y: my + 14 }, words(word)));
  });
  const nodes = arrays.map((a) => {
    const [x, y] = at.get(a.key);
    return s('g', { key: a.key, class: `node${a.active ? '' : ' off'}` },
      s('rect', { x: x - BOX.w / 2, y: y - BOX.h / 2, width: BOX.w, height: BOX.h, rx: 10 }),
      s('text', { x, y: y - 3 }, a.name.length > 18 ? `${a.name.slice(0, 17)}…` : a.name), s('text', { class: 'sub', x, y: y + 15 }, a.active ? a.key : `${a.key}, off the network`));
  });
  const xs = [...at.values()].map(([x]) => x), ys = [...at.values()].map(([, y]) => y);
  const left = Math.min(0, ...xs.map((x) => x - BOX.w)), right = Math.max(W, ...xs.map((x) => x + BOX.w));
  const top = Math.min(H / 2 - 70, ...ys.map((y) => y - BOX.h / 2 - 12)), bottom = Math.max(H / 2 + 70, ...ys.map((y) => y + BOX.h / 2 + 12));
  return s('svg', { class: 'graph', viewBox: `${left} ${top} ${right - left} ${bottom - top}`, role: 'img', 'aria-labelledby': 'graph-title graph-desc' },
    s('title', { id: 'graph-title' }, 'Arrays and the links between them'),
    s('desc', { id: 'graph-desc' }, `${arrays.length} arrays, ${all.length} links. ${all.map((p) => `${p.name} from ${p.halves[0].array} to ${p.halves[0].remote_array}: ${words(worst(p))}`).join('. ')}. The table below has the same.`),
    edges, nodes);
}
