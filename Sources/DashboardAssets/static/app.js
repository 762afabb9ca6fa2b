// The frame: navigation, theme, signing in; which view is shown is in the URL's fragment.
import { h, replace, notice, toast } from './dom.js';
import { api, whenSignedOut } from './api.js';
import { parse, go, link } from './route.js';
import { login } from './login.js';
import { shortcuts } from './help.js';

const views = {
  overview: { title: 'Overview', load: () => import('./overview.js') },
  requests: { title: 'Requests', load: () => import('./requests.js') },
  models: { title: 'Models', load: () => import('./models.js') },
  plugins: { title: 'Plugins', load: () => import('./plugins.js') },
};

const main = document.getElementById('main');
const bar = document.getElementById('bar');
let me = null;
let shown = null;

const themes = ['system', 'light', 'dark'];
const icons = { system: '◐', light: '☀', dark: '☾' };

function themeButton() {
  const button = h('button.icon', { type: 'button', id: 'theme' });
  const current = () => document.documentElement.dataset.theme ?? 'system';
  const tell = () => {
    const now = current();
    button.textContent = icons[now];
    button.setAttribute('aria-label', `Theme: ${now}. Change`);
    button.title = `Theme: ${now}`;
  };
  button.addEventListener('click', () => {
    const next = themes[(themes.indexOf(current()) + 1) % themes.length];
    if (next === 'system') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = next;
    try { localStorage.setItem('kimi.theme', next); } catch { /* not kept */ }
    tell();
    document.dispatchEvent(new CustomEvent('themechange'));
  });
  tell();
  return button;
}

function drawBar(name) {
  const items = Object.entries(views).map(([id, view]) =>
    h('a.nav', { href: link(id), 'aria-current': id === name ? 'page' : null }, view.title));
  replace(bar,
    h('a.brand', { href: link('requests'), 'aria-label': 'kimi-host' }, h('img', { src: 'ui/icon.svg', alt: '', width: 20, height: 20 }), h('span', 'kimi-host')),
    me ? h('nav', { 'aria-label': 'Views' }, items) : h('span'),
    h('div.bar-end',
      h('span.live', { id: 'live', role: 'status', hidden: true }),
      me && h('button.icon.wide-only', { type: 'button', 'aria-label': 'Keyboard shortcuts', title: 'Keyboard shortcuts (?)', onclick: shortcuts }, '?'),
      themeButton(),
      me?.keys && h('button.quiet', { type: 'button', onclick: signOut }, 'Sign out')));
}

async function signOut() {
  await api.signOut().catch(() => {});
  me = null;
  show();
}

let turn = 0;
async function show() {
  const mine = ++turn;
  const route = parse();
  if (!me) {
    try {
      me = await api.me();
    } catch (error) {
      if (mine !== turn) return;
      leave();
      drawBar();
      document.title = 'Sign in · kimi-host';
      if (error.status === 401) replace(main, login(error, () => { me = null; if (parse().name === 'login') go('requests'); else show(); }));
      else replace(main, notice('error', 'The dashboard cannot be shown', error.message, h('button', { type: 'button', onclick: show }, 'Try again')));
      return;
    }
  }
  const name = views[route.name] ? route.name : 'requests';
  if (name !== route.name) return go(name);
  if (shown?.name === name && shown.view.update) {
    shown.view.update(route.params);
    return;
  }
  drawBar(name);
  document.title = `${views[name].title} · kimi-host`;
  let module;
  try {
    module = await views[name].load();
  } catch (error) {
    return replace(main, notice('error', 'This view cannot be loaded', String(error.message)));
  }
  if (mine !== turn) return;
  leave();
  const view = module.make(route.params, me);
  shown = { name, view };
  main.className = `view-${name}`;
  replace(main, view.element);
  view.start?.();
}

function leave() {
  shown?.view.stop?.();
  shown = null;
  main.className = '';
}

whenSignedOut(() => { if (me) { me = null; toast('Your session has ended'); show(); } });
window.addEventListener('hashchange', show);
document.querySelector('.skip').addEventListener('click', event => { event.preventDefault(); main.focus(); });
document.addEventListener('keydown', event => {
  const inField = event.target.closest('input, textarea, select, [contenteditable]');
  if (event.ctrlKey || event.metaKey || event.altKey || inField || document.querySelector('dialog[open]')) return;
  if (event.key === '?') shortcuts();
  else if (event.key === '/') {
    const field = document.getElementById('search');
    if (field) { event.preventDefault(); field.focus(); }
  } else if (/^[1-4]$/.test(event.key) && me) go(Object.keys(views)[event.key - 1]);
});
show();
