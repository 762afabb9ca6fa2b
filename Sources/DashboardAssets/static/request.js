// One request: conversation, differences between stages, timeline, bodies, and all that is known of it.
import { h, replace, notice, tabs, copy, toast } from './dom.js';
import { api } from './api.js';
import { ms, count, short, cost, rate, speed, dateTime, tone, bytes, DIALECTS } from './format.js';
import { readRequest, readReply } from './conversation.js';
import { turnsBlock, turnBlock } from './blocks.js';
import { stagesView, notesList } from './stages.js';
import { timelineView } from './timeline.js';
import { treeBox, tree } from './jsontree.js';
import { mark, unmark } from './highlight.js';
import { document_, parse } from './sse.js';
import { replayView } from './replay.js';

export function requestPanel(id, { tab, me, close, neighbour, choose, loaded, words }) {
  const element = h('div.request', notice('loading', 'Loading…'));
  const abort = new AbortController();
  load();
  return { element, stop: () => { abort.abort(); unmark(); } };

  async function load() {
    try {
      const detail = await api.request(id, abort.signal);
      if (abort.signal.aborted) return;
      loaded(detail);
      draw(detail);
    } catch (error) {
      if (error.name === 'AbortError') return;
      replace(element, head({ id }, null), notice('error', error.status === 404 ? 'This request is not in the log' : 'The request cannot be read', error.message,
        error.status === 404 ? null : h('button', { type: 'button', onclick: load }, 'Try again')));
    }
  }

  function head(detail, actions) {
    return h('header.request-head',
      h('div.request-title',
        h('h2', detail.model || 'Request', detail.status ? h(`span.status.${tone(detail)}`, String(detail.status)) : null),
        h('div.request-nav',
          h('button.icon', { type: 'button', 'aria-label': 'Newer request', title: 'Newer ([)', onclick: () => neighbour(-1) }, '↑'),
          h('button.icon', { type: 'button', 'aria-label': 'Older request', title: 'Older (])', onclick: () => neighbour(1) }, '↓'),
          h('button.icon', { type: 'button', 'aria-label': 'Close', title: 'Close (Esc)', onclick: close }, '✕'))),
      h('p.request-sub', h('button.id.copyable', { type: 'button', title: 'Copy the id', onclick: () => copy(String(detail.id), 'Id') }, String(detail.id)),
        detail.began ? h('time', { datetime: new Date(detail.began).toISOString() }, dateTime(detail.began)) : null,
        detail.dialect ? h('span', DIALECTS[detail.dialect] ?? detail.dialect, detail.stream ? ', streamed' : '', detail.native ? ', native' : '') : null,
        detail.client ? h('span', `client ${detail.client}`) : null, detail.profile ? h('span', `profile ${detail.profile}`) : null),
      actions);
  }

  function draw(detail) {
    const usage = detail.usage ?? {};
    const cache = new Map();
    const body = (kind, attempt, place = 0) => {
      const key = `${kind}/${attempt}/${place}`;
      if (!cache.has(key)) cache.set(key, api.body(detail.sequence, { kind, attempt, place }));
      return cache.get(key);
    };
    const has = (kind, attempt = 0) => (detail.bodies ?? []).some(one => one.kind === kind && one.attempt === attempt);
    const figure = (label, value, title) => h('div.figure', { title }, h('dt', label), h('dd', value));
    const figures = h('dl.figures',
      figure('Route', `${detail.provider || '–'} · ${detail.upstream_model || '–'}`),
      figure('Total', ms(detail.duration_ms)), figure('First token', ms(detail.first_token_ms)),
      figure('Speed', rate(speed({ ...detail, output: usage.output }))),
      figure('Input', count(usage.input)), figure('From cache', usage.cache_read === undefined ? '–' : count(usage.cache_read), usage.cache_write ? `${count(usage.cache_write)} written` : undefined),
      figure('Output', count(usage.output), usage.reasoning ? `${count(usage.reasoning)} of it reasoning` : undefined),
      usage.reasoning ? figure('Reasoning', count(usage.reasoning)) : null,
      figure('Cost', cost(usage.cost)), figure('Attempts', count(detail.attempts?.length ?? 0)), figure('Finish', detail.finish ?? '–'),
      // With several attempts it holds those that failed as well.
      detail.overhead_us === undefined || (detail.attempts?.length ?? 0) > 1 ? null : figure('Overhead', ms(detail.overhead_us / 1000), 'Time of the host\'s own'));
    const actions = h('div.request-actions',
      h('button', { type: 'button', onclick: curl }, 'Copy as curl'),
      h('button', { type: 'button', onclick: () => copy(location.href, 'Link') }, 'Copy link'),
      me.features.includes('replay') ? h('button', { type: 'button', disabled: me.read_only, title: me.read_only ? 'This dashboard is for looking only' : 'The recorded bytes through today\'s plugins', onclick: replay }, 'Replay') : null);
    const error = detail.error ? h('div.callout.bad', { role: 'note' }, h('b', detail.error.category.replace(/_/g, ' ')), detail.error.code ? h('code', detail.error.code) : null, h('span', detail.error.message)) : null;
    const views = tabs('Parts of the request', [
      { id: 'conversation', label: 'Conversation', view: () => later(() => conversation(detail, body, has), box => { if (!abort.signal.aborted) mark(box, words)?.scrollIntoView({ block: 'center' }); }) },
      { id: 'diff', label: 'Diff', count: (detail.notes ?? []).filter(note => note.kind !== 'dropped').length + (detail.dropped ?? []).length || null, view: () => stagesView(detail, body) },
      { id: 'timeline', label: 'Timeline', view: () => timelineView(detail) },
      { id: 'raw', label: 'Bodies', view: () => bodies(detail, body) },
      { id: 'details', label: 'Details', view: () => details(detail) },
    ], tab ?? 'conversation', choose);
    const replayed = h('div');
    replace(element, head(detail, actions), error, figures, replayed, views.list, views.panel);

    async function curl() {
      try {
        await copy((await api.curl(detail.sequence)).text, 'Command');
      } catch (failure) { toast(failure.message, 'bad'); }
    }
    async function replay() {
      replace(replayed, notice('loading', 'Replaying…'));
      try {
        replace(replayed, replayView(await api.replay(detail.sequence), () => replace(replayed)));
      } catch (failure) {
        replace(replayed, notice('error', 'The replay failed', failure.message));
      }
    }
  }
}

/** A place that is filled when what it waits for has come. */
function later(make, then) {
  const place = h('div', notice('loading', 'Loading…'));
  make().then(node => { replace(place, node); then?.(node); }, error => replace(place, notice('error', 'This cannot be shown', error.message)));
  return place;
}

async function conversation(detail, body, has) {
  if (!has('request') && !has('reply')) return notice('empty', 'The bodies were not kept', 'The configuration of the log says whose bodies are kept, and for how long.');
  const [sent, got] = await Promise.all([has('request') ? body('request', 0) : null, has('reply') ? body('reply', 0) : null]);
  const box = h('div.conversation', notesList(detail));
  if (sent) {
    const json = parse(sent.text);
    if (json === undefined) box.append(notice('empty', 'The request cannot be read as a whole', sent.total > sent.text.length ? `Only its first ${bytes(sent.text.length)} of ${bytes(sent.total)} were kept.` : 'It is not JSON; see Bodies.'));
    else {
      const request = readRequest(json);
      if (request.tools.length) box.append(h('details.fold.tools-list', h('summary', `${request.tools.length} tools: `, h('span.muted', request.tools.slice(0, 8).map(tool => tool.name).join(', ') + (request.tools.length > 8 ? ', …' : ''))),
        request.tools.map(tool => h('details.fold', h('summary', h('code', tool.name)), tool.description ? h('p.said', tool.description) : null, tool.schema ? tree(tool.schema, { depth: 2 }) : null))));
      const settings = Object.keys(request.settings).filter(key => key !== 'model' && key !== 'stream');
      if (settings.length) box.append(h('details.fold', h('summary', 'Settings: ', h('span.muted', settings.slice(0, 8).join(', '))), tree(request.settings, { depth: 2 })));
      box.append(turnsBlock(request.turns));
    }
  }
  if (got) {
    const reply = readReply(got.text);
    const turn = turnBlock({ role: 'assistant', parts: reply.parts }, 'assistant');
    turn.classList.add('reply');
    turn.firstChild.append(h('span.tag', 'reply'), reply.finish ? h('span.finish', reply.finish.replace(/_/g, ' ')) : null);
    if (reply.error) turn.append(h('div.callout.bad', h('b', 'Error'), tree(reply.error, { depth: 2 })));
    box.append(turn);
  } else if (detail.outcome !== 'ok') {
    box.append(h('article.turn.reply', h('h3.role', 'reply'), h('p.muted', 'None was kept.')));
  }
  return box;
}

const KINDS = { request: 'Client request', reply: 'Client reply', upstream_request: 'Upstream request', upstream_reply: 'Upstream reply', change: 'Change by a transform' };

function bodies(detail, body) {
  const list = detail.bodies ?? [];
  if (!list.length) return notice('empty', 'No bodies were kept');
  const name = one => KINDS[one.kind] + (one.attempt && detail.attempts.length > 1 ? ` ${one.attempt}` : '') + (one.kind === 'change' ? ` (${detail.attempts[one.attempt - 1]?.changes?.[one.place]?.plugin ?? one.place + 1})` : '');
  const place = h('div.stage');
  const show = async () => {
    const one = list[select.selectedIndex];
    replace(place, notice('loading', 'Loading…'));
    try {
      const { text, total } = await body(one.kind, one.attempt, one.place);
      const value = document_(text);
      const plain = h('pre.code.bytes', { tabindex: '0' }, text.length > 200_000 ? text.slice(0, 200_000) + '\n…' : text);
      const modes = tabs('How to show it', [
        ...(value === undefined ? [] : [{ id: 'tree', label: 'Tree', view: () => treeBox(value, text) }]),
        { id: 'text', label: 'As bytes', view: () => h('div', h('div.tools', h('button.quiet', { type: 'button', onclick: () => copy(text, 'Body') }, 'Copy')), plain) },
      ], value === undefined ? 'text' : 'tree');
      replace(place, total > new Blob([text]).size ? h('p.callout.warn', `Only the beginning of ${bytes(total)} was kept.`) : null, modes.list, modes.panel);
    } catch (error) {
      replace(place, notice('error', 'This body cannot be read', error.message));
    }
  };
  const select = h('select', { 'aria-label': 'Which body', onchange: show }, list.map(one => h('option', `${name(one)} · ${bytes(one.total)}`)));
  show();
  return h('div', h('div.tools', select), place);
}

function details(detail) {
  const attempts = (detail.attempts ?? []).map(attempt => h('section', h('h3', `Attempt ${attempt.number}`),
    h('p', h('code', `${attempt.method ?? ''} ${attempt.url ?? ''}`)),
    h('div.scroll-x', h('table.data', h('caption.offscreen', 'Headers that were sent'), h('tbody', [...(attempt.headers ?? []), ...(attempt.answer_headers ?? []).map(header => ({ ...header, name: '← ' + header.name }))].map(header => h('tr', h('th', { scope: 'row' }, header.name), h('td', h('code', header.value)))))))));
  const plugins = (detail.plugins ?? []).map(plugin => h('tr', h('td', plugin.name), h('td', h('code', plugin.id)), h('td', plugin.version), h('td', h('code', { title: plugin.sha256 }, (plugin.sha256 ?? '').slice(0, 16)))));
  return h('div.details',
    plugins.length ? h('section', h('h3', 'Plugins'), h('div.scroll-x', h('table.data', h('tbody', plugins)))) : null,
    attempts, h('section', h('h3', 'Record'), treeBox(detail)));
}
