// Markdown as far as models use it in talk: headings, lists, bold, code. Everything is a text node in the end.
import { h } from './dom.js';

const ITEM = /^(\s*)(?:([-*+])|(\d{1,9})[.)])\s+(.*)$/;
const HEADING = /^#{1,6}\s+(.*)$/;

function inline(text) {
  return text.split(/(`[^`\n]+`|\*\*[^*\n]+\*\*)/).filter(Boolean).map(piece => {
    if (piece.length > 2 && piece.startsWith('`') && piece.endsWith('`')) return h('code', piece.slice(1, -1));
    if (piece.length > 4 && piece.startsWith('**') && piece.endsWith('**')) return h('strong', piece.slice(2, -2));
    return piece;
  });
}

/** Elements of a text without fences. */
export function prose(text) {
  const blocks = [];
  let lines = [];
  let list = null;
  const settle = () => {
    const said = lines.join('\n').replace(/^\n+|\n+$/g, '');
    if (said.trim()) blocks.push(h('p.said', inline(said)));
    lines = [];
  };
  for (const line of text.split('\n')) {
    const item = ITEM.exec(line);
    const heading = item ? null : HEADING.exec(line);
    if (item) {
      settle();
      const kind = item[2] ? 'ul' : 'ol';
      if (list?.localName !== kind) blocks.push(list = kind === 'ul' ? h('ul.said') : h('ol.said', { start: item[3] }));
      list.append(h('li', { style: item[1] ? { 'margin-inline-start': `${Math.min(8, item[1].length) * 0.5}em` } : null }, inline(item[4])));
    } else if (heading) {
      settle();
      list = null;
      blocks.push(h('p.said.heading', inline(heading[1])));
    } else if (list && /^\s{2,}\S/.test(line)) {
      // A line that belongs to the item above it.
      list.lastChild.append('\n', ...inline(line.trim()));
    } else {
      if (line.trim()) list = null;
      lines.push(line);
    }
  }
  settle();
  return blocks;
}
