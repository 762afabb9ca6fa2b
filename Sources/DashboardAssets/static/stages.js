// Which stages of an exchange can be compared, and how each is read.
import { h, replace, notice } from './dom.js';
import { diffView } from './diffview.js';
import { jsonLines, mergePatch } from './diff.js';
import { readReply, replyLines } from './conversation.js';
import { parse } from './sse.js';

const words = text => String(text).toLowerCase().match(/[\p{L}\p{N}_]+/gu) ?? [];

// Where repairs show when their notes name nothing: what a line or path is like, and the kinds of notes that it can be about.
const CALLS = /call|arg|json|fence|coerc|encod|garbage|unclosed|control|name|dupl|^ids$/;
const LEFT_PLACES = [[/<\/?think|◁\/?think/, /think/], [/<\|\w+\|>|<tool_call>|<function=|<invoke/, /call|marker|leftover/], [/^\(no content\)/, /no_content/]];
const REPLY_PLACES = [[/^── tool call/, CALLS], [/^── thinking/, /think|reason/], [/^── finish/, /finish/]];
const REQUEST_PLACES = [[/\b(id|tool_call_id)$/, /ids/], [/\btool_choice\b/, /tool_choice/], [/\breasoning_content\b/, /reason|think|placeholder/], [/\b(parameters|input_schema)\b/, /schema/]];

/** `detail`: the exchange; `load(kind, attempt, place)` → {text}. */
export function stagesView(detail, load) {
  const attempts = detail.attempts ?? [];
  const has = (kind, attempt, place = 0) => (detail.bodies ?? []).some(body => body.kind === kind && body.attempt === attempt && body.place === place);
  const pairs = [];
  for (const attempt of attempts) {
    const suffix = attempts.length > 1 ? ` (attempt ${attempt.number})` : '';
    if (has('request', 0) && has('upstream_request', attempt.number)) pairs.push({ id: `request-${attempt.number}`, label: `Request: client → upstream${suffix}`, make: () => requests(attempt) });
    (attempt.changes ?? []).forEach((change, place) => {
      if (has('change', attempt.number, place)) pairs.push({ id: `change-${attempt.number}-${place}`, label: `Request: change by ${change.plugin}${suffix}`, make: () => changes(attempt, place) });
    });
    if (has('upstream_reply', attempt.number) && has('reply', 0) && !attempt.error && !attempt.rejected) {
      pairs.push({ id: `reply-${attempt.number}`, label: `Reply: upstream → client${suffix}`, make: () => replies(attempt) });
      pairs.push({ id: `bytes-${attempt.number}`, label: `Reply, as bytes${suffix}`, make: () => raw(attempt) });
    }
  }
  if (!pairs.length) return notice('empty', 'Nothing to compare', 'The bodies of both sides were not kept.');

  async function requests(attempt) {
    const [client, upstream] = [parse((await load('request', 0)).text), parse((await load('upstream_request', attempt.number)).text)];
    if (client === undefined || upstream === undefined) return notice('error', 'Not JSON', 'One of the bodies was cut or is not JSON; see Raw.');
    return diffView({ title: 'Client sent', ...jsonLines(client) }, { title: 'Upstream got', ...jsonLines(upstream, client) }, requestMarks);
  }
  /** What transforms did, one after the other: a merge patch, or a whole new request. */
  async function changes(attempt, place) {
    const body = parse((await load('change', attempt.number, place)).text);
    if (attempt.changes[place].kind !== 'merge_patch') {
      const before = place ? parse((await load('change', attempt.number, place - 1)).text) : parse((await load('request', 0)).text);
      return diffView({ title: 'Before', ...jsonLines(before) }, { title: `After ${attempt.changes[place].plugin}`, ...jsonLines(body, before) }, requestMarks);
    }
    const client = parse((await load('request', 0)).text);
    const after = mergePatch(client, body);
    return diffView({ title: 'Before (as the client sent it)', ...jsonLines(client) }, { title: `With the patch of ${attempt.changes[place].plugin}`, ...jsonLines(after, client) }, requestMarks);
  }
  async function replies(attempt) {
    const [upstream, client] = [(await load('upstream_reply', attempt.number)).text, (await load('reply', 0)).text];
    return diffView({ title: 'Upstream sent', lines: replyLines(readReply(upstream)) }, { title: 'Client got', lines: replyLines(readReply(client)) }, replyMarks);
  }
  async function raw(attempt) {
    const [upstream, client] = [(await load('upstream_reply', attempt.number)).text, (await load('reply', 0)).text];
    return diffView({ title: 'Upstream sent', lines: upstream.split('\n') }, { title: 'Client got', lines: client.split('\n') }, replyMarks);
  }

  const dropped = (detail.dropped ?? []).map(one => ({ ...one, words: words(one.path).join(' ') }));
  const notes = (detail.notes ?? []).filter(note => note.kind !== 'dropped');
  const detailWords = notes.map(note => new Set((note.details ?? []).flatMap(text => String(text).match(/[\w.:-]{5,}/g) ?? [])));

  function requestMarks(path, line, isLeft) {
    const here = words(path).join(' ');
    const lost = isLeft && here ? dropped.find(one => here === one.words || here.startsWith(one.words + ' ')) : null;
    if (lost) return { kind: 'drop', text: 'dropped', title: lost.reason };
    return isLeft ? null : named(line) ?? placed(REQUEST_PLACES, place => place.test(path));
  }
  /** A repair is marked at the changed lines that hold what its note names, or where repairs of its kind show. */
  function replyMarks(_path, line, isLeft) {
    return isLeft ? placed(LEFT_PLACES, place => place.test(line)) : named(line) ?? placed(REPLY_PLACES, place => place.test(line));
  }
  function named(line) {
    return flag(notes[detailWords.findIndex(set => [...set].some(word => line.includes(word)))]);
  }
  function placed(places, fits) {
    const kinds = places.find(([place]) => fits(place))?.[1];
    return kinds ? flag(notes.find(note => kinds.test(note.kind))) : null;
  }
  function flag(note) {
    return note ? { kind: 'fix', text: note.kind.replace(/_/g, ' '), title: [note.plugin, (note.details ?? []).join('; ')].filter(Boolean).join(': ') } : null;
  }

  const place = h('div.stage');
  const show = async () => {
    const pair = pairs.find(one => one.id === select.value) ?? pairs[0];
    replace(place, notice('loading', 'Comparing…'));
    try {
      replace(place, await pair.make());
    } catch (error) {
      replace(place, notice('error', 'This cannot be compared', error.message));
    }
  };
  const select = h('select', { 'aria-label': 'What to compare', onchange: show }, pairs.map(pair => h('option', { value: pair.id }, pair.label)));
  const best = pairs.find(pair => pair.id.startsWith('reply-') && notes.length) ?? pairs[0];
  select.value = best.id;
  show();
  return h('div.stages', h('div.tools', select), notesList(detail), place);
}

/** What plugins say they did, and what was left out. */
export function notesList(detail) {
  const notes = (detail.notes ?? []).filter(note => note.kind !== 'dropped');
  const dropped = detail.dropped ?? [];
  if (!notes.length && !dropped.length) return null;
  return h('ul.notes', { 'aria-label': 'Repairs and drops' },
    notes.map(note => h('li', h('span.flag.fix', note.kind.replace(/_/g, ' ')), note.count > 1 ? h('b', `×${note.count}`) : null, h('code', note.plugin), h('span', (note.details ?? []).join('; ')))),
    dropped.map(one => h('li', h('span.flag.drop', 'dropped'), h('code', one.path), h('span', one.reason))));
}
