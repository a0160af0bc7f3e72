// The control plane: the lab, the token, requests and their refusals.

const ROOT = '/_sim/v1';
const keep = (name) => { try { return sessionStorage.getItem(name); } catch { return null; } };
let token = keep('infinisim.token') || '';
let lab = 'default';

export const labName = () => lab;
export function setLab(name) { lab = name; }
export function setToken(value) {
  token = value;
  try { sessionStorage.setItem('infinisim.token', value); } catch { /* it lasts as long as the page */ }
}

export class Refusal extends Error {
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

// open sends a request and gives the response, or throws a Refusal.
export async function open(method, path, body, signal) {
  const headers = {};
  if (token) headers.Authorization = `Bearer ${token}`;
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  let answer;
  try {
    answer = await fetch(ROOT + path, { method, headers, signal, body: body === undefined ? undefined : JSON.stringify(body) });
  } catch (e) {
    if (e.name === 'AbortError') throw e;
    throw new Refusal(0, 'UNREACHABLE', 'The control plane does not answer.');
  }
  if (answer.ok) return answer;
  let code = String(answer.status), message = answer.statusText;
  try { ({ code, message } = (await answer.json()).error); } catch { /* not ours */ }
  if (answer.status === 401) document.dispatchEvent(new CustomEvent('infinisim:login'));
  throw new Refusal(answer.status, code, message);
}

const json = async (method, path, body, signal) => (await open(method, path, body, signal)).json();

// Of the process.
export const root = { get: (path, signal) => json('GET', path, undefined, signal), post: (path, body = {}) => json('POST', path, body) };

// Of the lab that is shown.
export const inLab = (path) => `/labs/${encodeURIComponent(lab)}${path}`;
export const get = (path, signal) => json('GET', inLab(path), undefined, signal);
export const post = (path, body) => json('POST', inLab(path), body === undefined ? {} : body);
export const patch = (path, body) => json('PATCH', inLab(path), body);
export const del = (path) => json('DELETE', inLab(path));

// lines reads an answer of JSON lines.
export async function lines(path, signal) {
  const text = await (await open('GET', inLab(path), undefined, signal)).text();
  return text.split('\n').filter(Boolean).map((line) => JSON.parse(line));
}

// rest asks an array's own REST API, for who only looks.
export const rest = (key, path, signal) => get(`/arrays/${key}/rest/${path}`, signal);
