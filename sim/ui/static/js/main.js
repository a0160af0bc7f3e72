// The frame: which lab and which view the address names, and the stream that keeps
// them fresh.
import { render, announce, h } from './dom.js';
import { setLab, labName, setToken, root } from './api.js';
import { follow } from './stream.js';
import { seen, unseen } from './live.js';
import { problem } from './parts.js';
import { place, link } from './place.js';
import { views, drawFrame, drawClock } from './shell.js';

const main = document.getElementById('main');
let open = null; // the view that is shown
let stop = null; // ends the stream
let asked = 0;

// connect follows the lab that the address names.
function connect() {
  if (stop) stop();
  stop = follow({
    on(overview) {
      if (overview.lab !== labName()) return;
      seen(overview);
      drawFrame();
      drawClock();
    },
    down() {
      unseen();
      drawFrame();
    },
    gone() {
      unseen();
      announce(`The lab ${labName()} is gone.`);
      if (labName() !== 'default') location.hash = '#/labs';
      else setTimeout(connect, 2000);
    },
  });
}

// show opens the view that the address names.
async function show() {
  const { name, rest, lab } = place();
  if (lab !== labName() || !stop) {
    setLab(lab);
    connect();
  }
  const view = views.find((v) => v.name === name);
  if (!view) {
    location.replace(link('overview'));
    return;
  }
  if (open) open.end();
  open = null;
  drawFrame();
  const turn = asked += 1;
  try {
    const module = await view.load();
    if (turn !== asked) return;
    render(main, h('h1', null, view.title), h('p', { class: 'muted' }, 'Loading…'));
    open = module.open(main, rest);
  } catch (e) {
    render(main, problem(e));
  }
  document.title = `${view.title} · infinisim`;
}

// login asks for the token of the control plane.
function login() {
  if (open) open.end();
  open = null;
  const input = h('input', { id: 'token', type: 'password', name: 'token', autocomplete: 'current-password', required: true });
  main.replaceChildren(h('section', { class: 'card', 'aria-label': 'Token' },
    h('header', null, h('h1', null, 'This control plane asks for its token')),
    h('form', {
      class: 'body form',
      async onsubmit(e) {
        e.preventDefault();
        setToken(input.value);
        try {
          await root.get('/labs');
        } catch (bad) {
          document.getElementById('token-note').textContent = bad.status === 401 ? 'That is not the token.' : bad.message;
          return;
        }
        connect();
        show();
      },
    },
    h('div', { class: 'field wide' }, h('label', { for: 'token' }, 'Token (--control-token)'), input),
    h('button', { class: 'primary', type: 'submit' }, 'Open the dashboard'),
    h('p', { id: 'token-note', class: 'muted', role: 'alert' }, 'It is kept in this tab alone, until that is closed.'))));
  input.focus();
}

let asking = false;
document.addEventListener('infinisim:login', () => {
  if (document.getElementById('token')) return;
  if (stop) stop();
  asking = true;
  queueMicrotask(() => { if (asking) login(); asking = false; });
});
let known = '';
window.addEventListener('hashchange', () => {
  const { name } = place();
  show();
  if (name !== known) {
    main.focus({ preventScroll: true });
    window.scrollTo(0, 0);
  }
  known = name;
});
document.querySelector('.skip').addEventListener('click', (e) => {
  e.preventDefault();
  main.focus();
});
known = place().name;
drawFrame();
show();
