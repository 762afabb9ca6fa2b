// The list of requests, and beside it the one that is open.
import { h, replace, notice } from './dom.js';
import { api } from './api.js';
import { RowStore } from './rowstore.js';
import { VirtualList } from './vlist.js';
import { filterBar, only } from './filters.js';
import { makeRow, drawRow, header, COLUMNS } from './row.js';
import { go, swap } from './route.js';
import { requestPanel } from './request.js';
import { count } from './format.js';

const narrow = matchMedia('(max-width: 760px)');
const heights = { wide: 30, narrow: 58 };

export function make(params, me) {
  let current = params;
  let filters = only(params);
  let store = null;
  let source = null;
  let panel = null;
  const live = document.getElementById('live');
  const bar = filterBar(params, values => go('requests', values), me.features.includes('search'));
  const pill = h('button.pill', { type: 'button', hidden: true, onclick: () => { list.scroller.scrollTop = 0; if (store.missed) store.reset(); else fresh(0); } });
  const state = h('div.list-state');
  const foot = h('p.list-foot', { role: 'status' });
  const proxy = {
    get length() { return store?.length ?? 0; },
    get: place => store?.get(place),
    want: (first, last) => store?.want(first, last),
  };
  const list = new VirtualList({
    label: 'Requests, newest first', columns: COLUMNS.length, header: header(), source: proxy,
    rowHeight: narrow.matches ? heights.narrow : heights.wide, make: makeRow,
    draw: (element, row) => drawRow(element, row, current.id),
    onopen: row => go('requests', { ...filters, id: row.sequence, tab: current.tab }),
    onescape: event => { if (current.id) { event.preventDefault(); close(); } },
  });
  const left = h('section.list-pane', { 'aria-label': 'List of requests' }, h('div.list-box', list.scroller, state, pill), foot);
  const right = h('section.detail-pane', { 'aria-label': 'Request', hidden: true });
  const element = h('div.requests', bar.element, h('div.panes', left, right));
  let unseen = 0;
  /** The sequence of the open request, which the address may call by its id. */
  let shown = null;

  function fresh(added) {
    unseen = list.atTop ? 0 : unseen + added;
    const waiting = unseen + (store?.missed ?? 0);
    pill.hidden = !waiting;
    pill.textContent = `${count(waiting)} new ↑`;
  }

  function draw() {
    if (!store) return;
    list.render();
    fresh(0);
    const isEmpty = store.ready && !store.length;
    state.hidden = !isEmpty && !store.error && store.ready;
    if (store.error) {
      replace(state, notice('error', 'The list cannot be read', store.error.message, h('button', { type: 'button', onclick: () => store.retry() }, 'Try again')));
    } else if (!store.ready) {
      replace(state, notice('loading', 'Loading…'));
    } else if (isEmpty && Object.keys(filters).length) {
      replace(state, notice('empty', 'No request fits these filters', 'Requests that do will appear here as they end.', h('button', { type: 'button', onclick: () => go('requests') }, 'Clear the filters')));
    } else if (isEmpty) {
      replace(state, notice('empty', 'No requests yet', 'Send one to this host and it will appear here when it has ended:'), example());
    }
    const all = store.dense ? `${count(store.length)} requests` : store.ended ? `${count(store.length)} found` : `more than ${count(store.head.length + store.known)} found`;
    replace(foot, store.ready && !store.error ? all : '', h('span.muted.held', ` ${count(store.held)} in memory`));
    element.dataset.held = store.held;
  }

  function open(next) {
    store?.stop();
    source?.close();
    filters = only(next);
    const wanted = { ...filters };
    store = new RowStore((page, signal) => api.requests({ ...wanted, ...page }, signal), { max: me.live.max_records, batch: me.live.batch, dense: !Object.keys(filters).length });
    store.addEventListener('change', draw);
    store.addEventListener('added', event => { fresh(event.detail); list.shifted(event.detail); draw(); });
    list.active = -1;
    list.scroller.scrollTop = 0;
    unseen = 0;
    draw();
    const mine = store;
    store.reset().then(() => { if (mine === store) listen(); });
  }

  function listen() {
    if (filters.until) return tell('');
    source = api.events({ ...filters, after: store.newest });
    const mine = store;
    const settle = event => { if (mine === store) store.add(JSON.parse(event.data).items ?? [], list.atTop); };
    source.addEventListener('rows', settle);
    source.addEventListener('gap', () => { if (list.atTop) store.reset(); else { store.missed += 1; fresh(0); } });
    source.addEventListener('log', event => {
      const log = JSON.parse(event.data);
      tell(log.failing ? 'failing' : 'on', log);
    });
    source.addEventListener('open', () => tell('on'));
    source.addEventListener('error', () => {
      tell('off');
      if (source?.readyState === EventSource.CLOSED) setTimeout(() => { if (mine === store) api.me().then(listen, () => {}); }, 5000);
    });
  }

  function tell(now, log) {
    live.hidden = !now;
    live.className = `live ${now}`;
    const words = { on: 'Live', off: 'Reconnecting…', failing: 'Log cannot be written' };
    if (live.textContent !== (words[now] ?? '')) live.textContent = words[now] ?? '';
    live.title = log?.dropped ? `${count(log.dropped)} requests were not kept` : '';
    if (log?.dropped) live.classList.add('failing');
  }

  const close = () => go('requests', filters);

  function neighbour(step) {
    const place = store.placeOf(shown ?? Number(current.id));
    if (place < 0) return;
    const row = store.get(place + step);
    if (!row) return;
    list.move(place + step);
    go('requests', { ...filters, id: row.sequence, tab: current.tab });
  }

  function showPanel() {
    panel?.stop();
    panel = null;
    shown = null;
    right.hidden = !current.id;
    element.classList.toggle('has-detail', Boolean(current.id));
    replace(right);
    if (current.id) {
      panel = requestPanel(current.id, {
        tab: current.tab, me, close, neighbour, words: current.q,
        loaded: detail => { shown = detail.sequence; },
        choose: tab => { current = { ...current, tab }; swap('requests', current); },
      });
      replace(right, panel.element);
    }
    list.schedule();
  }

  const resize = () => { list.setRowHeight(narrow.matches ? heights.narrow : heights.wide); };
  const key = event => {
    if (event.target.closest('input, textarea, select') || event.ctrlKey || event.metaKey || document.querySelector('dialog[open]')) return;
    if (event.key === 'Escape' && current.id && !event.defaultPrevented) { close(); list.scroller.focus(); }
    if (current.id && (event.key === '[' || event.key === ']')) neighbour(event.key === '[' ? -1 : 1);
  };
  list.scroller.addEventListener('scroll', () => { if (list.atTop && (unseen || store.missed)) { if (store.missed) store.reset(); fresh(0); } }, { passive: true });

  return {
    element,
    start() {
      narrow.addEventListener('change', resize);
      document.addEventListener('keydown', key);
      open(params);
      showPanel();
    },
    update(next) {
      const before = current;
      current = next;
      if (JSON.stringify(only(next)) !== JSON.stringify(filters)) {
        bar.update(next);
        open(next);
      }
      if (before.id !== next.id) showPanel();
      list.schedule();
    },
    stop() {
      narrow.removeEventListener('change', resize);
      document.removeEventListener('keydown', key);
      store?.stop();
      source?.close();
      source = null;
      list.stop();
      panel?.stop();
      tell('');
    },
  };
}

function example() {
  return h('pre.example', `curl ${location.origin}/v1/chat/completions \\\n  -H 'content-type: application/json' \\\n  -d '{"model": "MODEL", "messages": [{"role": "user", "content": "Hi"}]}'`);
}
