// Elements: h and s make trees, render puts one in place of what a parent has and
// keeps what is the same, so that focus, selection and open parts stay.

const SVG = 'http://www.w3.org/2000/svg';

export const h = (tag, props, ...children) => make(document.createElement(tag), props, children);
export const s = (tag, props, ...children) => make(document.createElementNS(SVG, tag), props, children);

function make(el, props, children) {
  for (const [name, value] of Object.entries(props || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith('on')) listen(el, name.slice(2), value);
    else if (name === 'key') el.__key = String(value);
    else if (name === 'value' && el.tagName !== 'OPTION') el.__value = String(value);
    else el.setAttribute(name, value === true ? '' : String(value));
  }
  add(el, children);
  if (el.__value !== undefined) el.value = el.__value;
  return el;
}

function add(el, children) {
  for (const c of children) {
    if (c === null || c === undefined || c === false) continue;
    if (Array.isArray(c)) add(el, c);
    else el.append(c instanceof Node ? c : document.createTextNode(String(c)));
  }
}

// listen has one listener for each type of event; which function it calls can be
// changed.
function listen(el, type, fn) {
  if (!el.__on) el.__on = {};
  if (!(type in el.__on)) el.addEventListener(type, (e) => el.__on[type] && el.__on[type](e));
  el.__on[type] = fn;
}

// render makes the children of a parent those given.
export function render(parent, ...children) {
  const next = document.createElement('div');
  add(next, children);
  patchChildren(parent, next);
}

function patchChildren(old, next) {
  const keyed = new Map();
  for (const c of old.childNodes) if (c.__key) keyed.set(c.__key, c);
  let at = old.firstChild;
  for (const want of [...next.childNodes]) {
    let have = at;
    if (want.__key) {
      have = keyed.get(want.__key) || null;
      if (have && have !== at) old.insertBefore(have, at);
    } else if (have && have.__key) have = null;
    if (have && same(have, want)) {
      patch(have, want);
      at = have.nextSibling;
    } else {
      old.insertBefore(want, at);
      if (at && !at.__key && !want.__key) {
        const gone = at;
        at = at.nextSibling;
        gone.remove();
      }
    }
  }
  while (at) {
    const gone = at;
    at = at.nextSibling;
    gone.remove();
  }
}

const same = (a, b) => a.nodeType === b.nodeType && a.nodeName === b.nodeName && a.__key === b.__key;

function patch(old, next) {
  if (old.nodeType === Node.TEXT_NODE) {
    if (old.data !== next.data) old.data = next.data;
    return;
  }
  const keep = old.nodeName === 'DETAILS' || old.nodeName === 'DIALOG' ? 'open' : '';
  for (const { name } of [...old.attributes]) if (name !== keep && !next.hasAttribute(name)) old.removeAttribute(name);
  for (const { name, value } of next.attributes) if (name !== keep && old.getAttribute(name) !== value) old.setAttribute(name, value);
  for (const type of Object.keys({ ...old.__on, ...next.__on })) listen(old, type, next.__on && next.__on[type]);
  if (next.__skip) return;
  patchChildren(old, next);
  if (next.__value !== undefined && next.__value !== old.__value) {
    old.__value = next.__value;
    if (old.value !== next.__value) old.value = next.__value;
  }
}

// announce tells a screen reader.
export function announce(text) { document.getElementById('status').textContent = text; }

// toast shows a message for a while, and tells it.
export function toast(text, bad = false) {
  announce(text);
  const box = document.getElementById('toasts');
  const one = h('div', { class: bad ? 'toast bad' : 'toast' }, text);
  box.append(one);
  while (box.children.length > 4) box.firstChild.remove();
  setTimeout(() => one.remove(), bad ? 9000 : 4000);
}
