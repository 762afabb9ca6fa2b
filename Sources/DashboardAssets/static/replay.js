// What today's plugins make of an exchange: the same, or what differs.
import { h } from './dom.js';
import { diffView } from './diffview.js';
import { jsonLines } from './diff.js';
import { notesList } from './stages.js';
import { parse } from './sse.js';

/** `result`: the answer of the API; `close`: takes the view away. */
export function replayView(result, close) {
  const [title, tone] = verdict(result);
  return h('section.replay', { 'aria-label': 'Replay' },
    h('header.replay-head', h('h3', h(`span.dot.${tone}`, { 'aria-hidden': 'true' }), title),
      h('button.icon', { type: 'button', 'aria-label': 'Close the replay', onclick: close }, '✕')),
    result.error ? h('p', result.error.message) : null,
    result.same === undefined ? null : h('p.muted', 'The recorded bytes of the upstream through the configuration and plugins of now, offline. Ids and times of making count as the same.'),
    result.recorded_status === result.replayed_status ? null : h('p.callout.warn', `Status ${result.recorded_status} then, ${result.replayed_status} today`),
    result.same === false && result.recorded !== undefined ? [cut(result), diffView({ title: 'Client got', lines: lines(result.recorded) }, { title: 'Client would get today', lines: lines(result.replayed) })] : null,
    (result.requests ?? []).map(one => [h('h4', (result.requests.length > 1 ? `Attempt ${one.attempt}: ` : '') + 'today\'s request upstream differs'), cut(one), upstream(one)]),
    result.notes?.length ? [h('h4', 'Repairs today'), notesList(result)] : null);
}

function verdict(result) {
  if (result.result === 'skipped') return ['This one cannot be replayed', 'warn'];
  if (result.error) return ['The replay failed', 'bad'];
  return result.same ? ['Today\'s plugins give the same reply', 'good'] : ['Today\'s plugins give another reply', 'warn'];
}

const lines = text => text === '' ? [] : text.split('\n');
const cut = one => one.cut ? h('p.callout.warn', 'Only the beginning of both is compared here: they are long.') : null;

function upstream({ recorded, replayed }) {
  const [then, now] = [parse(recorded), parse(replayed)];
  const titles = ['Went up', 'Would go up today'];
  if (then === undefined || now === undefined) return diffView({ title: titles[0], lines: lines(recorded) }, { title: titles[1], lines: lines(replayed) });
  return diffView({ title: titles[0], ...jsonLines(then) }, { title: titles[1], ...jsonLines(now, then) });
}
