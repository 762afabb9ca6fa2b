// The conversation as elements.
import { h } from './dom.js';
import { tree } from './jsontree.js';
import { count } from './format.js';
import { prose } from './prose.js';

/** Characters shown at once of one text; turns shown at once of a long conversation. */
const LONG = 3000;
const MANY = 24;

/** `plain`: what a tool printed stays as it is. */
function textBlock(text, plain = false) {
  const box = h('div.text');
  const fill = shown => {
    box.replaceChildren();
    if (plain) {
      box.append(h('p.said.plain', shown));
      return;
    }
    shown.split(/(```[^\n]*\n[\s\S]*?(?:```|$))/).forEach(piece => {
      const fence = /^```([^\n]*)\n([\s\S]*?)(?:```)?$/.exec(piece);
      if (fence) box.append(h('pre.code', { 'data-lang': fence[1].trim() || null, tabindex: '0' }, fence[2]));
      else if (piece.trim()) box.append(...prose(piece));
    });
  };
  if (text.length <= LONG * 1.3) {
    fill(text);
    return box;
  }
  fill(text.slice(0, LONG));
  const more = h('button.quiet.more', { type: 'button', onclick: () => { fill(text); } }, `Show all ${count(text.length)} characters`);
  box.append(more);
  return box;
}

function fold(kind, title, open, ...content) {
  return h(`details.fold.${kind}`, { open }, h('summary', title), ...content);
}

export function partBlock(part) {
  switch (part.type) {
    case 'text': return textBlock(part.text);
    case 'thinking':
      if (part.text && !part.text.trim() && !part.signed && !part.redacted) return null;
      return fold('thinking', ['Thinking', part.signed ? h('span.tag', 'signed') : null, part.redacted ? h('span.tag', 'encrypted') : null, part.text ? h('span.muted', ` ${count(part.text.length)} characters`) : null], part.text.length < 1500, part.text ? textBlock(part.text) : h('p.muted', 'Not readable.'));
    case 'call':
      return fold('call', [h('span.kind', 'Tool call'), h('code', part.name || '(no name)'), part.id ? h('span.id', part.id) : null], true,
        typeof part.args === 'string' ? h('div', part.args ? h('p.callout.warn', 'The arguments are not JSON') : null, h('pre.code', { tabindex: '0' }, part.args)) : tree(part.args ?? {}, { depth: 2 }));
    case 'result':
      return fold(part.failed ? 'result.failed' : 'result', [h('span.kind', part.failed ? 'Tool failed' : 'Tool result'), part.id ? h('span.id', part.id) : null], true, part.parts.map(one => one.type === 'text' ? textBlock(one.text, true) : partBlock(one)));
    case 'deep': return h('p.callout.warn', part.text);
    case 'media': return h('div.media', h('span.kind', part.kind), tree(part.value, { depth: 1 }));
    default: return tree(part.value, { depth: 1 });
  }
}

export function turnBlock(turn, label) {
  return h(`article.turn.${/^[a-z]+$/.test(turn.role) ? turn.role : 'other'}`, { 'aria-label': label ?? turn.role },
    h('h3.role', label ?? turn.role), h('div.parts', turn.parts.length ? turn.parts.map(one => partBlock(one)) : h('p.muted', 'Empty')));
}

/** All turns; of a long conversation the first and the last ones, the rest when asked for. */
export function turnsBlock(turns) {
  const box = h('div.turns');
  const [first, rest] = turns[0]?.role === 'system' ? [turns.slice(0, 1), turns.slice(1)] : [[], turns];
  box.append(...first.map(turn => systemBlock(turn)));
  if (rest.length <= MANY) {
    box.append(...rest.map(turn => turnBlock(turn)));
    return box;
  }
  let hidden = rest.length - MANY;
  const button = h('button.quiet.earlier', {
    type: 'button',
    onclick: () => {
      const from = Math.max(0, hidden - 50);
      button.after(...rest.slice(from, hidden).map(turn => turnBlock(turn)));
      hidden = from;
      if (hidden) button.textContent = label();
      else button.remove();
    },
  });
  const label = () => `Show ${count(Math.min(50, hidden))} of ${count(hidden)} earlier messages`;
  button.textContent = label();
  box.append(button, ...rest.slice(hidden).map(turn => turnBlock(turn)));
  return box;
}

function systemBlock(turn) {
  const size = turn.parts.reduce((sum, part) => sum + (part.text?.length ?? 0), 0);
  return h('article.turn.system', { 'aria-label': 'system' }, h('h3.role', 'system'),
    h('div.parts', size > 600 ? fold('long', `System prompt, ${count(size)} characters`, false, turn.parts.map(partBlock)) : turn.parts.map(partBlock)));
}
