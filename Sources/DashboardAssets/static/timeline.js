// Attempts on a line of time: waiting, the first token, bytes as they came, and the speed of the answer.
import { h, s } from './dom.js';
import { ms, bytes, rate, speed, count } from './format.js';

const WIDTH = 900;
const ROW = 34;

/** [[ms, bytes], …] of an attempt. */
export function arrivals(attempt) {
  const flat = attempt.arrivals ?? [];
  const found = [];
  for (let index = 0; index + 1 < flat.length; index += 2) found.push([flat[index], flat[index + 1]]);
  return found;
}

export function timelineView(detail) {
  const total = Math.max(1, detail.duration_ms, ...(detail.attempts ?? []).map(attempt => attempt.end_ms ?? 0));
  return h('div.timeline', chart(detail, total), speedChart(detail, total), table(detail));
}

function niceStep(span, most) {
  const raw = span / most;
  const unit = 10 ** Math.floor(Math.log10(raw));
  return [1, 2, 5, 10].map(factor => factor * unit).find(step => step >= raw);
}

function chart(detail, total) {
  const attempts = detail.attempts ?? [];
  const height = 26 + attempts.length * ROW + 18;
  const x = value => value / total * WIDTH;
  const marks = [];
  for (let at = 0, step = niceStep(total, 8); at <= total; at += step) {
    marks.push(s('line', { class: 'grid', x1: x(at), x2: x(at), y1: 20, y2: height }), s('text', { class: 'axis', x: Math.min(x(at) + 3, WIDTH - 40), y: 13 }, ms(at)));
  }
  const bars = attempts.map((attempt, index) => {
    const y = 26 + index * ROW;
    const end = attempt.end_ms ?? total;
    const head = Math.min(attempt.head_ms ?? end, end);
    const label = `Attempt ${attempt.number}: ${attempt.provider}, ${attempt.error ? attempt.error.category : attempt.status ?? 'no answer'}, from ${ms(attempt.began_ms)} to ${ms(end)}`;
    return s('g', {}, s('title', {}, label),
      s('rect', { class: 'wait', x: x(attempt.began_ms), y: y + 5, width: Math.max(1, x(head - attempt.began_ms)), height: 14, rx: 2 }),
      attempt.error ? s('rect', { class: 'broken', x: x(attempt.began_ms), y: y + 5, width: Math.max(2, x(end - attempt.began_ms)), height: 14, rx: 2 })
        : s('rect', { class: 'stream', x: x(head), y: y + 5, width: Math.max(1, x(end - head)), height: 14, rx: 2 }),
      thin(arrivals(attempt), total).map(at => s('line', { class: 'arrival', x1: x(at), x2: x(at), y1: y + 5, y2: y + 19 })),
      s('text', { class: 'label', x: Math.min(x(attempt.began_ms) + 4, WIDTH - 220), y: y + 31 }, `${attempt.number} · ${attempt.provider} · ${attempt.error ? attempt.error.category : attempt.rejected ? 'sent back' : attempt.status ?? '–'}`));
  });
  const first = detail.first_token_ms;
  return h('figure', h('figcaption', 'Attempts'),
    h('div.scroll-x', { tabindex: '0', role: 'region', 'aria-label': 'Chart of attempts' },
      s('svg', { class: 'chart timeline-chart', viewBox: `0 0 ${WIDTH} ${height}`, role: 'img', 'aria-label': `${attempts.length} attempts in ${ms(detail.duration_ms)}, first token after ${ms(first)}` },
        marks, bars, first === undefined ? null : s('g', {}, s('line', { class: 'first', x1: x(first), x2: x(first), y1: 18, y2: height }), s('text', { class: 'first-label', x: Math.min(x(first) + 4, WIDTH - 110), y: height - 4 }, `first token ${ms(first)}`)))),
    h('p.legend', key('wait', 'waiting for the answer'), key('stream', 'answer'), key('broken', 'failed'), key('first', 'first token')));
}

const key = (kind, text) => h('span.key', s('svg', { class: 'swatch', viewBox: '0 0 10 10', 'aria-hidden': 'true' }, s('rect', { class: kind, width: 10, height: 10, rx: 2 })), text);

/** At most so many marks as there are pixels. */
function thin(list, total) {
  const seen = new Set();
  return list.map(([at]) => at).filter(at => { const pixel = Math.round(at / total * WIDTH); return !seen.has(pixel) && seen.add(pixel); });
}

/** Tokens a second over time, from the bytes that came and the tokens that there were in all. */
function speedChart(detail, total) {
  const attempt = (detail.attempts ?? []).findLast(one => !one.error);
  const found = attempt ? arrivals(attempt) : [];
  const output = detail.usage?.output;
  const sum = found.reduce((all, [, size]) => all + size, 0);
  if (found.length < 4 || !sum) return null;
  const bins = 90;
  const width = total / bins;
  const sizes = new Array(bins).fill(0);
  for (const [at, size] of found) sizes[Math.min(bins - 1, Math.floor(at / width))] += size;
  const scale = (output ? output / sum : 1) / (width / 1000);
  const values = sizes.map(size => size * scale);
  const top = Math.max(...values);
  const height = 96;
  const unit = output ? 'tokens/s' : 'bytes/s';
  const average = output ? speed({ ...detail, output }) : undefined;
  return h('figure', h('figcaption', output ? 'Tokens a second' : 'Bytes a second', average ? h('span.muted', ` ${rate(average)} after the first`) : null),
    h('div.scroll-x', { tabindex: '0', role: 'region', 'aria-label': 'Chart of speed' },
      s('svg', { class: 'chart timeline-chart', viewBox: `0 0 ${WIDTH} ${height}`, role: 'img', 'aria-label': `Speed over time, at most ${Math.round(top)} ${unit}` },
        s('line', { class: 'grid', x1: 0, x2: WIDTH, y1: height - 1, y2: height - 1 }), s('text', { class: 'axis', x: 3, y: 12 }, `${count(Math.round(top))} ${unit}`),
        values.map((value, index) => value ? s('rect', { class: 'stream', x: index * WIDTH / bins + 1, width: WIDTH / bins - 2, y: height - 1 - value / top * (height - 18), height: value / top * (height - 18) }) : null))));
}

function table(detail) {
  const row = attempt => h('tr',
    h('td.num', String(attempt.number)), h('td', attempt.provider), h('td', h('code', attempt.upstream_model)),
    h('td', h(`span.status.${attempt.error ? 'bad' : 'good'}`, attempt.status === undefined ? '–' : String(attempt.status))),
    h('td.num', ms(attempt.began_ms)), h('td.num', ms(attempt.head_ms)), h('td.num', ms(attempt.end_ms)),
    h('td.num', bytes(attempt.request_bytes)), h('td.num', bytes(attempt.reply_bytes)),
    h('td', attempt.error ? `${attempt.error.category}: ${attempt.error.message}` : attempt.rejected ? `sent back: ${attempt.rejected}` : attempt.native ? 'native' : ''));
  return h('div.scroll-x', { tabindex: '0', role: 'region', 'aria-label': 'Attempts' }, h('table.data', h('caption.offscreen', 'Attempts'),
    h('thead', h('tr', ['#', 'Provider', 'Upstream model', 'Status', 'Began', 'Head', 'End', 'Sent', 'Got', ''].map((text, index) => h(index > 3 && index < 9 || !index ? 'th.num' : 'th', { scope: 'col' }, text)))),
    h('tbody', (detail.attempts ?? []).map(row))));
}
