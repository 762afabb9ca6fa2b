// The rows of a list that may have a million of them. Pages are fetched when they are looked at; at most `max` rows stay
// in memory. Rows that come while the list is open stand before the pages.
//
// Place 0 is the newest row. Without filters sequences are dense, so any page can be asked for at once; with filters a page
// is known once the one before it has come.

export class RowStore extends EventTarget {
  /** `fetchPage(values, signal)` → {items, next, newest, oldest, total}. `max` 0: no bound. */
  constructor(fetchPage, { max, batch, dense }) {
    super();
    this.fetchPage = fetchPage;
    this.batch = batch;
    this.dense = dense;
    this.maxPages = max === 0 ? Infinity : Math.max(3, Math.floor(max * 0.75 / batch));
    this.maxHead = max === 0 ? Infinity : Math.max(batch, Math.floor(max * 0.25));
    this.clear();
  }

  clear() {
    this.abort?.abort();
    this.abort = new AbortController();
    this.head = [];
    this.pages = new Map();
    this.cursors = [undefined];
    this.known = 0;
    this.ended = false;
    this.error = null;
    this.loading = new Set();
    this.missed = 0;
    this.newest = 0;
    this.ready = false;
  }

  /** Loads the first page anew and then takes its place, so that nothing flickers. */
  async reset() {
    const abort = new AbortController();
    this.resetting?.abort();
    this.resetting = abort;
    try {
      const page = await this.fetchPage({ limit: this.batch }, abort.signal);
      if (abort.signal.aborted) return;
      this.clear();
      this.newest = page.newest ?? 0;
      this.oldest = page.oldest ?? 0;
      this.total = page.total ?? 0;
      this.ready = true;
      this.take(0, page);
      if (this.dense) {
        this.known = this.newest ? this.newest - this.oldest + 1 : 0;
        this.ended = true;
      }
    } catch (error) {
      if (error.name === 'AbortError') return;
      this.error = error;
      this.ready = true;
    } finally {
      if (this.resetting === abort) this.resetting = null;
    }
    this.changed();
  }

  stop() {
    this.abort.abort();
    this.resetting?.abort();
  }

  /** Rows that can be scrolled to; those of the page to come are among them. */
  get length() { return this.head.length + this.known + (this.ended || !this.ready ? 0 : this.batch); }

  /** Rows held now. */
  get held() {
    let held = this.head.length;
    for (const page of this.pages.values()) held += page.length;
    return held;
  }

  /** The row at a place; undefined while it is not here. */
  get(place) {
    if (place < this.head.length) return this.head[place];
    const at = place - this.head.length;
    const index = Math.floor(at / this.batch);
    const page = this.pages.get(index);
    if (!page) return undefined;
    return page[at - index * this.batch];
  }

  /** Asks for what is missing of a range, and remembers that it was looked at. */
  want(first, last) {
    const from = Math.max(0, Math.floor((first - this.head.length) / this.batch));
    const to = Math.floor((last - this.head.length) / this.batch);
    for (let index = from; index <= to; index++) {
      const page = this.pages.get(index);
      if (page) {
        this.pages.delete(index);
        this.pages.set(index, page);
      } else {
        this.load(index);
      }
    }
    while (this.pages.size > this.maxPages) this.pages.delete(this.pages.keys().next().value);
  }

  cursor(index) {
    if (!this.dense) return this.cursors[index];
    return this.newest - index * this.batch + 1;
  }

  async load(index) {
    if (!this.ready || this.loading.has(index) || this.error || index * this.batch >= this.known + (this.ended ? 0 : this.batch)) return;
    if (!this.dense && index > 0 && this.cursors[index] === undefined) return this.load(index - 1);
    this.loading.add(index);
    const abort = this.abort;
    try {
      const page = await this.fetchPage({ limit: this.batch, before: this.cursor(index) }, abort.signal);
      if (abort.signal.aborted) return;
      this.loading.delete(index);
      this.take(index, page);
    } catch (error) {
      if (error.name === 'AbortError') return;
      this.loading.delete(index);
      this.error = error;
    }
    this.changed();
  }

  take(index, page) {
    const items = page.items ?? [];
    this.pages.set(index, items);
    if (this.dense) {
      // Rows that were removed to make room since the list was opened.
      if (items.length < this.batch) this.known = Math.min(this.known, index * this.batch + items.length);
      return;
    }
    this.known = Math.max(this.known, index * this.batch + items.length);
    if (page.next === undefined) this.ended = true;
    else this.cursors[index + 1] = page.next;
  }

  /** Rows of the live feed, oldest first. `mayReset`: nobody looks at anything but the newest. */
  add(items, mayReset) {
    const fresh = items.filter(item => item.sequence > (this.head[0]?.sequence ?? this.newest));
    if (!fresh.length || !this.ready) return;
    if (this.missed || this.head.length + fresh.length > this.maxHead) {
      this.missed += fresh.length;
      if (mayReset) this.reset();
      else this.changed();
      return;
    }
    this.head.unshift(...fresh.reverse());
    this.dispatchEvent(new CustomEvent('added', { detail: fresh.length }));
  }

  /** The place of a row that is held; -1 if it is not. */
  placeOf(sequence) {
    const inHead = this.head.findIndex(row => row.sequence === sequence);
    if (inHead >= 0) return inHead;
    for (const [index, page] of this.pages) {
      const at = page.findIndex(row => row.sequence === sequence);
      if (at >= 0) return this.head.length + index * this.batch + at;
    }
    return -1;
  }

  retry() {
    this.error = null;
    if (!this.newest && !this.pages.size) this.reset();
    else this.changed();
  }

  changed() { this.dispatchEvent(new Event('change')); }
}
