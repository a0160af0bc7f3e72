// One replica: what it is, its lag against the RPO, its jobs.
import { h, render, s } from '../dom.js';
import { get } from '../api.js';
import { live, now } from '../live.js';
import { badge, bar, card, empty, facts, head, problem, select, table } from '../parts.js';
import { bytes, rate, span, stamp, time, words } from '../format.js';
import { link } from '../place.js';
import { lagChart } from '../chart.js';
import { condition } from './overview.js';

const HOUR = 3_600_000;

export function replica(main, [array, id]) {
  let width = 'auto', last = null;
  function show(data, bad) {
    if (data) last = data;
    render(main, h('p', null, h('a', { href: link('replicas') }, 'All replicas')), bad && problem(bad), last && page(last));
  }
  const view = live({
    async load(signal) {
      const all = await get('/replicas', signal);
      const here = all.find((r) => r.array === array && String(r.id) === id);
      if (!here) throw new Error(`The replica ${id} of ${array} is not there any more.`);
      // The half that sends knows the jobs.
      const there = here.role === 'TARGET' ? all.find((r) => r.array === here.remote_array && r.id === here.remote_id) : null;
      const of = there || here;
      const since = width === 'auto' ? '' : `?since=${Math.max(0, Math.floor(now() - Number(width)))}`;
      const history = await get(`/arrays/${of.array}/replicas/${of.id}/history${since}`, signal).catch((e) => { if (e.status === 404) return null; throw e; });
      return { here, of, history };
    },
    show,
  });
  function page({ here, of, history }) {
    return h('div', { class: 'stack' },
      head(here.entity.name || `Replica ${here.id}`, `${words(here.type)} replica ${here.id} of ${here.array}, ${here.role === 'TARGET' ? 'from' : 'to'} ${here.remote_array}`, badge(condition(here))),
      card('State', null, facts([
        ['State', words(here.state)], ['Role', words(here.role)], ['Sync state', words(here.sync_state)], ['RPO', here.rpo_state === 'N_A' ? '–' : badge(here.rpo_state)],
        ['Lag', h('span', { id: 'lag-now', 'data-ms': here.lag_ms }, span(here.lag_ms))], ['RPO is', span(here.rpo_ms)], ['Interval', span(here.interval_ms)], ['Restore point', stamp(here.restore_point)],
        ['On the other side', h('a', { href: link(`replicas/${here.remote_array}/${here.remote_id}`) }, `${here.remote_entity.name || here.remote_id} on ${here.remote_array}`)],
        ['Throughput', rate(of.throughput)], ['Reason', here.reason || '–'],
        ['Job', of.job ? [`${words(of.job.state)} ${of.job.progress} %, ${bytes(of.job.bytes_left)} of ${bytes(of.job.bytes)} left`, bar(of.job.progress / 100, { label: `${of.job.progress} % of the job`, as: of.job.stalled ? 'warn' : 'busy' })] : 'None'],
      ])),
      history ? chart(history, of) : h('div', { class: 'card' }, empty('No history', 'The jobs of this replica are not recorded.')),
      history && jobs(history));
  }
  function chart(x, of) {
    return card('Lag and jobs', h('span', { class: 'push group' }, h('label', { for: 'window' }, 'Window'), select({
      id: 'window', value: width, onchange: (e) => { width = e.target.value; view.again(); },
    }, [['auto', 'All that is known'], [String(HOUR / 6), '10 min'], [String(HOUR), '1 h'], [String(6 * HOUR), '6 h'], [String(24 * HOUR), '1 d']])),
    x.lag.length < 2 && x.jobs.length === 0 ? empty('Nothing to draw yet', `The chart begins with the first job. ${of.role === 'TARGET' ? '' : 'Advance the clock to see one.'}`)
      : [h('div', { class: 'scroll chart-box', tabindex: 0, role: 'region', 'aria-label': 'Chart of the lag' }, lagChart(x)), legend(x)]);
  }
  const legend = (x) => h('ul', { class: 'legend' },
    h('li', null, s('svg', { viewBox: '0 0 20 10', 'aria-hidden': 'true', class: 'chart' }, s('path', { class: 'lag', d: 'M0 8 10 2V8L20 2' })), 'Lag'),
    x.rpo_ms !== null && h('li', null, s('svg', { viewBox: '0 0 20 10', 'aria-hidden': 'true', class: 'chart' }, s('path', { class: 'rpo', d: 'M0 5H20' })), `RPO, ${span(x.rpo_ms)}`),
    [['done', 'Job done'], ['', 'Job runs'], ['stalled', 'Waits for the link'], ['stopped', 'Stopped']].map(([cls, text]) => h('li', null,
      s('svg', { viewBox: '0 0 20 10', 'aria-hidden': 'true', class: 'chart' }, s('rect', { class: `job ${cls}`, y: 1, width: 20, height: 8, rx: 2 })), text)));
  const jobs = (x) => h('div', { class: 'card' }, table({
    caption: 'Jobs', about: `the last ${Math.min(20, x.jobs.length)} of ${x.jobs.length} in this window, newest first`, rows: x.jobs.slice(-20).reverse(), key: (j) => `${j.started} ${j.ended}`, none: 'No job ran in this window.',
    columns: [
      { name: 'Started (UTC)', cls: 'nowrap', cell: (j) => (j.started === null ? 'before' : stamp(j.started)) },
      { name: 'Ended', cls: 'nowrap', cell: (j) => (j.ended === null ? '–' : time(j.ended, true)) },
      { name: 'Took', num: true, cell: (j) => (j.started === null ? '–' : span((j.ended ?? now()) - j.started)) },
      { name: 'Outcome', cell: (j) => badge(j.outcome) },
      { name: 'Kind', cell: (j) => (j.initial ? 'First copy' : 'Changes') },
      { name: 'Waited', num: true, cell: (j) => span(j.stalls.reduce((n, w) => n + (w.to ?? now()) - w.from, 0)) },
    ],
  }));
  return view;
}
