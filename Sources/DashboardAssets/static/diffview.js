// Two texts side by side. Runs of equal lines are folded; repairs and dropped members are marked where they show.
import { h, replace } from './dom.js';
import { diffLines, diffWords } from './diff.js';
import { count } from './format.js';

const CONTEXT = 3;
/** Lines that become elements at once. */
const STEP = 1500;

function side(text, number, kind, marked) {
  const cell = [h('td.no', number === undefined ? '' : String(number + 1)), h(`td.line.${text === undefined ? 'void' : kind}`)];
  if (text === undefined) return cell;
  for (const [piece, changed] of typeof text === 'string' ? [[text, false]] : text) cell[1].append(changed ? h('mark', piece) : piece);
  if (marked) cell[1].append(h(`span.flag.${marked.kind}`, { title: marked.title }, marked.text));
  return cell;
}

/** `left`, `right`: {title, lines, paths?}; `marks(path, line, isLeft)` → {kind, text, title} or nothing. */
export function diffView(left, right, marks = () => null) {
  const rows = diffLines(left.lines, right.lines);
  const changed = rows.filter(row => row.kind !== 'same').length;
  const body = h('tbody');
  const element = h('div.diff');
  const parts = chunks(rows);
  let waiting = 0;

  const line = row => {
    const texts = [row.left === undefined ? undefined : left.lines[row.left], row.right === undefined ? undefined : right.lines[row.right]];
    const kinds = { same: ['same', 'same'], change: ['remove', 'add'], remove: ['remove', 'same'], add: ['same', 'add'] }[row.kind];
    const shown = row.kind === 'change' ? diffWords(texts[0], texts[1]) : texts;
    const mark = (text, at, paths, isLeft) => row.kind === 'same' || text === undefined ? null : marks(paths?.[at] ?? '', text, isLeft);
    const words = { same: '', change: 'changed', remove: 'removed', add: 'added' }[row.kind];
    return h('tr', { class: row.kind, 'aria-label': words || null },
      side(shown[0], row.left, kinds[0], mark(texts[0], row.left, left.paths, true)),
      side(shown[1], row.right, kinds[1], mark(texts[1], row.right, right.paths, false)));
  };
  const fold = hidden => {
    const row = h('tr.fold', h('td', { colspan: 4 }, h('button.quiet', {
      type: 'button', onclick: () => row.replaceWith(...hidden.map(line)),
    }, `${count(hidden.length)} equal lines`)));
    return row;
  };
  const grow = () => {
    let made = 0;
    while (waiting < parts.length && made < STEP) {
      const part = parts[waiting++];
      if (part.folded) body.append(fold(part.rows));
      else { body.append(...part.rows.map(line)); made += part.rows.length; }
    }
    more.hidden = waiting >= parts.length;
  };
  const more = h('button.more', { type: 'button', onclick: grow }, 'Show more');
  grow();
  return replace(element,
    h('p.diff-sum', changed ? `${count(changed)} of ${count(rows.length)} lines differ` : 'Nothing differs'),
    h('div.diff-scroll', { tabindex: '0', role: 'region', 'aria-label': `${left.title} and ${right.title}, side by side` },
      h('table', h('colgroup', h('col.no'), h('col'), h('col.no'), h('col')),
        h('thead', h('tr', h('th', { colspan: 2, scope: 'col' }, left.title), h('th', { colspan: 2, scope: 'col' }, right.title))), body)),
    more);
}

/** Runs of rows to show, and of equal ones to fold. */
function chunks(rows) {
  const near = new Uint8Array(rows.length);
  rows.forEach((row, index) => {
    if (row.kind !== 'same') near.fill(1, Math.max(0, index - CONTEXT), index + CONTEXT + 1);
  });
  const parts = [];
  let start = 0;
  for (let index = 1; index <= rows.length; index++) {
    if (index < rows.length && near[index] === near[start]) continue;
    let run = rows.slice(start, index);
    const folded = !near[start] && run.length > 4;
    // In pieces, so that a long run of changes is not drawn at once.
    while (!folded && run.length > 200) { parts.push({ folded: false, rows: run.slice(0, 200) }); run = run.slice(200); }
    parts.push({ folded, rows: run });
    start = index;
  }
  return rows.length ? parts : [];
}
