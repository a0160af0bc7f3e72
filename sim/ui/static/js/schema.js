// A JSON schema as a tree that opens where it is asked to.
import { h } from './dom.js';

const at = (doc, ref) => ref.slice(2).split('/').reduce((o, k) => o && o[k.replaceAll('~1', '/').replaceAll('~0', '~')], doc);

// schema shows one; what is named elsewhere is looked up when it is opened.
export function schema(doc, what, open = false) {
  let one = what, name = '';
  if (one.$ref) {
    name = one.$ref.split('/').pop();
    one = at(doc, one.$ref) || {};
  }
  const inside = members(one);
  const label = h('span', { class: 'muted' }, name && [h('strong', null, name), ' '], kind(one), one.description ? `: ${one.description}` : '');
  if (inside.length === 0) return h('div', { class: 'schema' }, label);
  const list = h('ul');
  const fill = () => {
    if (list.childElementCount > 0) return;
    list.append(...inside.map(([key, v, more]) => h('li', null, key && [h('code', null, key), ' '], more && [h('span', { class: 'tag' }, more), ' '], simple(doc, v) || schema(doc, v))));
  };
  if (open) fill();
  const box = h('details', { class: 'schema', open, ontoggle: fill }, h('summary', null, label), list);
  box.__skip = true;
  return box;
}

function simple(doc, v) {
  const one = v.$ref ? at(doc, v.$ref) || {} : v;
  if (members(one).length > 0) return null;
  return h('span', { class: 'muted' }, kind(one), one.description ? `: ${one.description}` : '');
}

// members are what a schema has inside: name, schema, and a word more.
function members(one) {
  if (one.properties) {
    return Object.entries(one.properties).map(([k, v]) => [k, v, [(one.required || []).includes(k) && 'required', v.readOnly && 'read only'].filter(Boolean).join(', ')]);
  }
  if (one.items) return [['', one.items, 'each']];
  for (const word of ['allOf', 'anyOf', 'oneOf']) if (one[word]) return one[word].map((v) => ['', v, word.slice(0, 3) === 'all' ? 'and' : 'or']);
  if (one.additionalProperties && typeof one.additionalProperties === 'object') return [['any name', one.additionalProperties, '']];
  return [];
}

function kind(one) {
  const type = [].concat(one.type || []).join(' or ');
  if (one.enum) return `${type || 'one'} of ${one.enum.map((v) => JSON.stringify(v)).join(', ')}`;
  const more = ['format', 'minimum', 'maximum', 'minLength', 'maxLength', 'pattern'].filter((k) => one[k] !== undefined).map((k) => `${k} ${one[k]}`);
  return [type || (one.anyOf || one.oneOf || one.allOf ? 'combined' : one.const !== undefined ? JSON.stringify(one.const) : 'anything'), ...more].join(', ');
}
