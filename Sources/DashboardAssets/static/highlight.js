// Marks what was searched for, without touching the elements.
const NAME = 'found';
const MOST = 2000;

export function unmark() { globalThis.CSS?.highlights?.delete(NAME); }

/** Marks the words of `query` below `root` and answers the element of the first one. */
export function mark(root, query) {
  unmark();
  const words = String(query ?? '').toLowerCase().match(/[\p{L}\p{N}]+\*?/gu) ?? [];
  if (!words.length || !globalThis.CSS?.highlights) return null;
  const part = words.map(word => word.endsWith('*') ? word.slice(0, -1) : word + '(?![\\p{L}\\p{N}])').join('|');
  const pattern = new RegExp(`(?<![\\p{L}\\p{N}])(?:${part})`, 'giu');
  const ranges = [];
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  while (walker.nextNode() && ranges.length < MOST) {
    for (const match of walker.currentNode.data.matchAll(pattern)) {
      const range = new Range();
      range.setStart(walker.currentNode, match.index);
      range.setEnd(walker.currentNode, match.index + match[0].length);
      ranges.push(range);
    }
  }
  if (!ranges.length) return null;
  CSS.highlights.set(NAME, new Highlight(...ranges));
  return ranges[0].startContainer.parentElement;
}
