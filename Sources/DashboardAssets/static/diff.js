// Differences of two lists of lines (Myers), with a bound on the work, and of two lines by words.

const MAX_STEPS = 1200;

/** [{kind: 'same'|'change'|'add'|'remove', left, right}] with indices into both lists. */
export function diffLines(left, right, byLine = true) {
  let start = 0;
  while (start < left.length && start < right.length && left[start] === right[start]) start++;
  let leftEnd = left.length;
  let rightEnd = right.length;
  while (leftEnd > start && rightEnd > start && left[leftEnd - 1] === right[rightEnd - 1]) { leftEnd--; rightEnd--; }
  const rows = [];
  for (let i = 0; i < start; i++) rows.push({ kind: 'same', left: i, right: i });
  for (const row of pair(middle(left, right, start, leftEnd, rightEnd), byLine ? (i, j) => likeness(left[i], right[j]) : null)) rows.push(row);
  for (let i = 0; leftEnd + i < left.length; i++) rows.push({ kind: 'same', left: leftEnd + i, right: rightEnd + i });
  return rows;
}

function middle(a, b, start, aEnd, bEnd) {
  const n = aEnd - start;
  const m = bEnd - start;
  const script = [];
  if (!n || !m) {
    for (let i = 0; i < n; i++) script.push({ kind: 'remove', left: start + i });
    for (let i = 0; i < m; i++) script.push({ kind: 'add', right: start + i });
    return script;
  }
  const trace = [];
  const max = Math.min(n + m, MAX_STEPS);
  const v = new Int32Array(2 * max + 3);
  const offset = max + 1;
  let found = -1;
  search: for (let d = 0; d <= max; d++) {
    trace.push(v.slice(offset - d - 1, offset + d + 2));
    for (let k = -d; k <= d; k += 2) {
      let x = k === -d || (k !== d && v[offset + k - 1] < v[offset + k + 1]) ? v[offset + k + 1] : v[offset + k - 1] + 1;
      let y = x - k;
      while (x < n && y < m && a[start + x] === b[start + y]) { x++; y++; }
      v[offset + k] = x;
      if (x >= n && y >= m) { found = d; break search; }
    }
  }
  if (found < 0) return unordered(a, b, start, aEnd, bEnd);
  let x = n;
  let y = m;
  for (let d = found; d > 0; d--) {
    const seen = trace[d];
    const at = k => seen[k + d + 1];
    const k = x - y;
    const before = k === -d || (k !== d && at(k - 1) < at(k + 1)) ? k + 1 : k - 1;
    const fromX = at(before);
    const fromY = fromX - before;
    while (x > fromX && y > fromY) { x--; y--; script.push({ kind: 'same', left: start + x, right: start + y }); }
    if (x === fromX) { y--; script.push({ kind: 'add', right: start + y }); } else { x--; script.push({ kind: 'remove', left: start + x }); }
  }
  while (x > 0 && y > 0) { x--; y--; script.push({ kind: 'same', left: start + x, right: start + y }); }
  return script.reverse();
}

/** Too different to be worth the search: lines that are on one side only, greedily in order. */
function unordered(a, b, start, aEnd, bEnd) {
  const places = new Map();
  for (let j = start; j < bEnd; j++) {
    if (!places.has(b[j])) places.set(b[j], []);
    places.get(b[j]).push(j);
  }
  const script = [];
  let next = start;
  for (let i = start; i < aEnd; i++) {
    const fit = places.get(a[i])?.find(j => j >= next && j < next + 400);
    if (fit === undefined) { script.push({ kind: 'remove', left: i }); continue; }
    while (next < fit) script.push({ kind: 'add', right: next++ });
    script.push({ kind: 'same', left: i, right: next++ });
  }
  while (next < bEnd) script.push({ kind: 'add', right: next++ });
  return script;
}

/** For each of the removed lines the added one that is most like it, in order; -1: none. */
function align(removed, added, like) {
  if (!like || removed.length * added.length > 900) return removed.map((_, index) => index < added.length ? index : -1);
  // The best sum of likenesses, as for a longest common subsequence.
  const score = Array.from({ length: removed.length + 1 }, () => new Float64Array(added.length + 1));
  const close = removed.map(left => added.map(right => like(left, right)));
  for (let i = removed.length - 1; i >= 0; i--) {
    for (let j = added.length - 1; j >= 0; j--) score[i][j] = Math.max(score[i + 1][j], score[i][j + 1], close[i][j] > 0.35 ? close[i][j] + score[i + 1][j + 1] : 0);
  }
  const partners = removed.map(() => -1);
  for (let i = 0, j = 0; i < removed.length && j < added.length;) {
    if (close[i][j] > 0.35 && score[i][j] === close[i][j] + score[i + 1][j + 1]) partners[i++] = j++;
    else if (score[i][j] === score[i + 1][j]) i++;
    else j++;
  }
  return partners;
}

/** The share of words that two lines have in common. */
function likeness(left, right) {
  const a = left.match(/[\p{L}\p{N}_]+|[^\s\p{L}\p{N}_]+/gu) ?? [];
  const b = right.match(/[\p{L}\p{N}_]+|[^\s\p{L}\p{N}_]+/gu) ?? [];
  if (a.length + b.length > 4000) return left.slice(0, 40) === right.slice(0, 40) ? 0.6 : 0;
  const counts = new Map();
  for (const word of a) counts.set(word, (counts.get(word) ?? 0) + 1);
  let same = 0;
  for (const word of b) {
    const count = counts.get(word) ?? 0;
    if (count) { same++; counts.set(word, count - 1); }
  }
  return same / Math.max(1, Math.min(a.length, b.length));
}

/** Removed lines beside the added ones that took their place. */
function pair(script, like) {
  const rows = [];
  let removed = [];
  let added = [];
  const flush = () => {
    const partners = align(removed, added, like);
    let next = 0;
    for (const [index, left] of removed.entries()) {
      const at = partners[index];
      if (at < 0) { rows.push({ kind: 'remove', left }); continue; }
      while (next < at) rows.push({ kind: 'add', right: added[next++] });
      rows.push({ kind: 'change', left, right: added[next++] });
    }
    while (next < added.length) rows.push({ kind: 'add', right: added[next++] });
    removed = [];
    added = [];
  };
  for (const step of script) {
    if (step.kind === 'remove') removed.push(step.left);
    else if (step.kind === 'add') added.push(step.right);
    else { flush(); rows.push(step); }
  }
  flush();
  return rows;
}

/** [[text, isChanged], …] for both lines; whole lines when they have little in common. */
export function diffWords(left, right) {
  const cut = text => text.match(/\s+|[\p{L}\p{N}_]+|[^\s\p{L}\p{N}_]/gu) ?? [];
  const a = cut(left);
  const b = cut(right);
  if (a.length * b.length > 250_000) return [[[left, true]], [[right, true]]];
  const rows = diffLines(a, b, false);
  const same = rows.filter(row => row.kind === 'same').reduce((sum, row) => sum + a[row.left].trim().length, 0);
  if (same * 2.5 < Math.min(left.trim().length, right.trim().length)) return [[[left, true]], [[right, true]]];
  const sides = [[], []];
  const put = (side, text, changed) => {
    const last = side.at(-1);
    if (last && last[1] === changed) last[0] += text;
    else side.push([text, changed]);
  };
  for (const row of rows) {
    if (row.left !== undefined) put(sides[0], a[row.left], row.kind !== 'same');
    if (row.right !== undefined) put(sides[1], b[row.right], row.kind !== 'same');
  }
  return sides;
}

/** Levels of JSON that are shown. */
const DEEPEST = 200;

/** JSON as lines with the path of each; texts of several lines are broken where they break. `order`: whose keys' order
 *  is followed. */
export function jsonLines(value, order) {
  const lines = [];
  const paths = [];
  const put = (depth, text, path) => { lines.push('  '.repeat(depth) + text); paths.push(path); };
  const walk = (value, like, depth, before, after, path) => {
    if (value && typeof value === 'object' && depth >= DEEPEST) return put(depth, `${before}… (nested too deep to be compared)${after}`, path);
    if (value && typeof value === 'object') {
      const isList = Array.isArray(value);
      const keys = isList ? [...value.keys()] : sorted(Object.keys(value), like);
      if (!keys.length) return put(depth, before + (isList ? '[]' : '{}') + after, path);
      put(depth, before + (isList ? '[' : '{'), path);
      keys.forEach((key, index) => {
        const name = isList ? '' : JSON.stringify(key) + ': ';
        walk(value[key], like?.[key], depth + 1, name, index < keys.length - 1 ? ',' : '', isList ? `${path}[${key}]` : path ? `${path}.${key}` : key);
      });
      return put(depth, (isList ? ']' : '}') + after, path);
    }
    if (typeof value === 'string' && value.includes('\n')) {
      const parts = value.split('\n').map(part => JSON.stringify(part).slice(1, -1));
      put(depth, `${before}"${parts[0]}\\n`, path);
      parts.slice(1, -1).forEach(part => put(depth + 1, part + '\\n', path));
      return put(depth + 1, `${parts.at(-1)}"${after}`, path);
    }
    put(depth, before + JSON.stringify(value) + after, path);
  };
  walk(value, order, 0, '', '', '');
  return { lines, paths };
}

function sorted(keys, like) {
  if (!like || typeof like !== 'object' || Array.isArray(like)) return keys;
  const known = Object.keys(like).filter(key => keys.includes(key));
  return [...known, ...keys.filter(key => !known.includes(key))];
}

/** A JSON merge patch (RFC 7396), applied; what lies deeper than `jsonLines` shows is taken as it is. */
export function mergePatch(target, patch, depth = 0) {
  if (depth > DEEPEST || !patch || typeof patch !== 'object' || Array.isArray(patch)) return patch;
  const members = new Map(target && typeof target === 'object' && !Array.isArray(target) ? Object.entries(target) : []);
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) members.delete(key);
    else members.set(key, mergePatch(members.get(key), value, depth + 1));
  }
  return Object.fromEntries(members);
}
