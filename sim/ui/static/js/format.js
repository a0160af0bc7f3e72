// Numbers, times and words as people read them.

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB', 'EB'];

export function bytes(n) {
  if (n === null || n === undefined) return '–';
  let unit = 0, v = n;
  while (Math.abs(v) >= 1000 && unit < UNITS.length - 1) {
    v /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? v : digits(v)} ${UNITS[unit]}`;
}

export const rate = (n) => `${bytes(n)}/s`;

function digits(v) {
  if (v >= 100) return v.toFixed(0);
  return v >= 10 ? v.toFixed(1) : v.toFixed(2);
}

export const count = (n) => (n === null || n === undefined ? '–' : n.toLocaleString('en-GB'));
export const percent = (share, places = 1) => `${(share * 100).toFixed(places)} %`;

// span is a duration in milliseconds: 1 d 2 h, 3 min 20 s, 45.2 s, 320 ms.
export function span(ms) {
  if (ms === null || ms === undefined) return '–';
  const sign = ms < 0 ? '−' : '', v = Math.abs(ms);
  if (v < 1000) return `${sign}${Math.round(v)} ms`;
  if (v < 60_000) return `${sign}${v % 1000 ? (v / 1000).toFixed(1) : v / 1000} s`;
  const seconds = Math.round(v / 1000);
  const parts = [[86_400, 'd'], [3600, 'h'], [60, 'min'], [1, 's']];
  const out = [];
  let left = seconds;
  for (const [size, word] of parts) {
    const n = Math.floor(left / size);
    left -= n * size;
    if (n > 0 && out.length < 2) out.push(`${n} ${word}`);
    else if (out.length > 0) break;
  }
  return sign + out.join(' ');
}

const two = (n) => String(n).padStart(2, '0');

export function day(ms) {
  const d = new Date(ms);
  return `${d.getUTCFullYear()}-${two(d.getUTCMonth() + 1)}-${two(d.getUTCDate())}`;
}

export function time(ms, fine = false) {
  const d = new Date(ms);
  const text = `${two(d.getUTCHours())}:${two(d.getUTCMinutes())}:${two(d.getUTCSeconds())}`;
  return fine ? `${text}.${String(d.getUTCMilliseconds()).padStart(3, '0')}` : text;
}

export const stamp = (ms) => (ms === null || ms === undefined ? '–' : `${day(ms)} ${time(ms)}`);
export const ms = (ns) => Math.floor(Number(ns) / 1e6);

const KEPT = { OK: 'OK', ASYNC: 'ASYNC', SYNC: 'SYNC', ACTIVE_ACTIVE: 'Active-active' };

// words is AUTO_SUSPENDED as Auto suspended.
export function words(text) {
  if (!text) return '–';
  if (KEPT[text]) return KEPT[text];
  const low = String(text).toLowerCase().replaceAll('_', ' ');
  return low[0].toUpperCase() + low.slice(1);
}

const KINDS = {
  ok: ['ACTIVE', 'OK', 'UP', 'NORMAL', 'SYNCHRONIZED', 'DONE', 'GREEN', 'READY', 'ONLINE', 'IN_TIME'],
  busy: ['INITIALIZING', 'REPLICATING', 'SYNC_IN_PROGRESS', 'RUNNING', 'PENDING', 'INITIALIZING_PENDING', 'TESTING', 'PHASING_OUT', 'SECONDARY'],
  warn: ['WARNING', 'DEGRADED', 'LAGGING', 'STALLED', 'OUT_OF_SYNC', 'SUSPENDED', 'YELLOW', 'LIMITED', 'STANDBY', 'SYNC_STALLED', 'LATE', 'IN_FORCE'],
  bad: ['FAILED', 'ERROR', 'DOWN', 'AUTO_SUSPENDED', 'LOCKED', 'CRITICAL', 'MISSING', 'RED', 'INVALID', 'CUT', 'OFF_THE_NETWORK', 'INACTIVE', 'REFUSED', 'DROPPED'],
};

// kind is how a state looks: ok, busy, warn, bad or idle.
export function kind(word) {
  for (const [name, all] of Object.entries(KINDS)) if (all.includes(String(word).toUpperCase())) return name;
  return 'idle';
}

// levelKind is how the level of an event looks: most events are news, not a state.
export const levelKind = (level) => (level === 'INFO' ? 'idle' : kind(level));
