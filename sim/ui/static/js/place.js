// What the address says: #/view/more?lab=name&other=value.
import { labName } from './api.js';

export function place() {
  const [path, query = ''] = location.hash.replace(/^#\/?/, '').split('?');
  const [name, ...rest] = path.split('/').map(decodeURIComponent);
  const params = new URLSearchParams(query);
  return { name: name || 'overview', rest, lab: params.get('lab') || 'default', params };
}

// link is the address of a view in the lab that is shown, or in another.
export function link(path, lab = labName(), params = {}) {
  const query = new URLSearchParams(params);
  if (lab !== 'default') query.set('lab', lab);
  return `#/${path}${query.size ? `?${query}` : ''}`;
}

// keep puts parameters into the address without opening the view again.
export function keep(params) {
  const { name, rest, lab } = place();
  const given = Object.fromEntries(Object.entries(params).filter(([, v]) => v !== '' && v !== null && v !== undefined));
  history.replaceState(null, '', link([name, ...rest].map(encodeURIComponent).join('/'), lab, given));
}
