// JSON as a tree that folds. Children become elements when they are first shown, a hundred at a time.
import { h, copy } from './dom.js';

const STEP = 100;
const LONG = 400;

function leaf(value) {
  if (value === null) return h('span.j-null', 'null');
  if (typeof value === 'string') return text(value);
  return h(`span.j-${typeof value}`, String(value));
}

function text(value) {
  const shown = JSON.stringify(value.length > LONG ? value.slice(0, LONG) : value);
  const span = h('span.j-string', value.length > LONG ? shown.slice(0, -1) + '…' : shown);
  if (value.length <= LONG) return span;
  const button = h('button.quiet.more', {
    type: 'button', onclick: () => { span.textContent = value; span.classList.add('whole'); button.remove(); },
  }, `${value.length.toLocaleString('en-US')} characters: show all`);
  return h('span', span, ' ', button);
}

function preview(value) {
  if (Array.isArray(value)) return value.length === 1 ? '[1 item]' : `[${value.length} items]`;
  const keys = Object.keys(value);
  const shown = keys.slice(0, 5).join(', ');
  return `{${shown}${keys.length > 5 ? ', …' : ''}}`;
}

function node(key, value, depth, open) {
  const name = key === null ? null : typeof key === 'number' ? h('span.j-index', String(key)) : h('span.j-key', key);
  if (value === null || typeof value !== 'object') return h('div.j-leaf', name, name ? ': ' : null, leaf(value));
  const entries = Array.isArray(value) ? value.map((child, index) => [index, child]) : Object.entries(value);
  if (!entries.length) return h('div.j-leaf', name, name ? ': ' : null, h('span.j-null', Array.isArray(value) ? '[]' : '{}'));
  const children = h('div.j-children');
  let shown = 0;
  const grow = () => {
    children.querySelector(':scope > .more')?.remove();
    for (const [child, of] of entries.slice(shown, shown + STEP)) children.append(node(child, of, depth - 1, open - 1));
    shown = Math.min(entries.length, shown + STEP);
    if (shown < entries.length) children.append(h('button.quiet.more', { type: 'button', onclick: grow }, `${entries.length - shown} more`));
  };
  const details = h('details.j-node', {
    ontoggle: () => { if (details.open && !shown) grow(); },
  }, h('summary', name, name ? ': ' : null, h('span.j-preview', preview(value))), children);
  if (open > 0) {
    grow();
    details.open = true;
  }
  return details;
}

/** `depth`: levels that are open at first. */
export function tree(value, { depth = 2 } = {}) {
  return h('div.json', node(null, value, 0, depth));
}

/** With buttons to open and close all and to copy. */
export function treeBox(value, raw) {
  let box = tree(value);
  const again = depth => { const next = tree(value, { depth }); box.replaceWith(next); box = next; };
  return h('div.tree-box', h('div.tools',
    h('button.quiet', { type: 'button', onclick: () => again(6) }, 'Open'),
    h('button.quiet', { type: 'button', onclick: () => again(1) }, 'Fold'),
    h('button.quiet', { type: 'button', onclick: () => copy(raw ?? JSON.stringify(value, null, 2), 'JSON') }, 'Copy')), box);
}
