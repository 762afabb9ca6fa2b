// A grid of which only the rows in sight are elements. Rows are recycled; the one with the focus is told by
// aria-activedescendant, so that it may come and go.
import { h } from './dom.js';

/** Beyond that browsers lose precision. */
const MAX_HEIGHT = 15_000_000;
const OVERSCAN = 8;

export class VirtualList {
  /** `draw(element, row, place)` fills a row's element; `row` undefined: not here yet. */
  constructor({ label, columns, header, rowHeight, draw, make, source, onopen, onescape }) {
    Object.assign(this, { rowHeight, draw, make, source, onopen, onescape });
    this.active = -1;
    this.pool = [];
    this.spacer = h('div.vspace', { role: 'presentation' });
    this.scroller = h('div.vscroll', {
      role: 'grid', 'aria-label': label, tabindex: '0', 'aria-colcount': columns, 'aria-readonly': 'true',
      onscroll: () => this.schedule(), onkeydown: event => this.key(event),
      onfocus: () => { if (this.active < 0 && this.source.length) this.move(this.first()); },
    }, header, this.spacer);
    this.observer = new ResizeObserver(() => this.schedule());
    this.observer.observe(this.scroller);
  }

  get places() { return Math.min(this.source.length, Math.floor(MAX_HEIGHT / this.rowHeight)); }

  get atTop() { return this.scroller.scrollTop < this.rowHeight; }

  first() { return Math.ceil(this.scroller.scrollTop / this.rowHeight); }

  schedule() {
    if (this.frame) return;
    this.frame = requestAnimationFrame(() => { this.frame = 0; this.render(); });
  }

  stop() {
    cancelAnimationFrame(this.frame);
    this.observer.disconnect();
  }

  /** Rows were put before all others: what is in sight stays where it is. */
  shifted(count) {
    if (this.active >= 0) this.active += count;
    if (!this.atTop) this.scroller.scrollTop += count * this.rowHeight;
    this.render();
  }

  setRowHeight(height) {
    const first = this.first();
    this.rowHeight = height;
    for (const element of this.pool) element.remove();
    this.pool = [];
    this.render();
    this.scroller.scrollTop = first * height;
  }

  render() {
    const { places, rowHeight } = this;
    this.spacer.style.setProperty('height', `${places * rowHeight}px`);
    this.scroller.setAttribute('aria-rowcount', String(this.source.length + 1));
    const top = this.scroller.scrollTop;
    const from = Math.max(0, Math.floor(top / rowHeight) - OVERSCAN);
    const to = Math.min(places - 1, Math.ceil((top + this.scroller.clientHeight) / rowHeight) + OVERSCAN);
    const needed = Math.max(0, to - from + 1);
    while (this.pool.length < needed) {
      const element = this.make();
      element.addEventListener('click', () => { this.move(Number(element.dataset.place), false); this.open(); });
      this.spacer.append(element);
      this.pool.push(element);
    }
    while (this.pool.length > needed + OVERSCAN * 2) this.pool.pop().remove();
    const shown = new Map();
    const free = [];
    for (const element of this.pool) {
      const place = Number(element.dataset.place ?? -1);
      if (place >= from && place <= to && !shown.has(place)) shown.set(place, element);
      else free.push(element);
    }
    for (let place = from; place <= to; place++) {
      const element = shown.get(place) ?? free.pop();
      element.hidden = false;
      element.dataset.place = place;
      element.id = `row-${place}`;
      element.setAttribute('aria-rowindex', String(place + 2));
      element.classList.toggle('active', place === this.active);
      element.setAttribute('aria-selected', String(place === this.active));
      element.style.setProperty('transform', `translateY(${place * rowHeight}px)`);
      this.draw(element, this.source.get(place), place);
    }
    for (const element of free) {
      element.hidden = true;
      delete element.dataset.place;
      element.removeAttribute('id');
    }
    if (this.active >= from && this.active <= to) this.scroller.setAttribute('aria-activedescendant', `row-${this.active}`);
    else this.scroller.removeAttribute('aria-activedescendant');
    if (needed) this.source.want(from, to);
  }

  move(place, scroll = true) {
    if (!this.places) return;
    this.active = Math.max(0, Math.min(this.places - 1, place));
    if (scroll) {
      const { scroller, rowHeight } = this;
      const head = scroller.firstElementChild.offsetHeight;
      const top = this.active * rowHeight;
      if (top < scroller.scrollTop) scroller.scrollTop = top;
      else if (top + rowHeight + head > scroller.scrollTop + scroller.clientHeight) scroller.scrollTop = top + rowHeight + head - scroller.clientHeight;
    }
    this.render();
  }

  open() {
    const row = this.source.get(this.active);
    if (row) this.onopen(row, this.active);
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const page = Math.max(1, Math.floor(this.scroller.clientHeight / this.rowHeight) - 2);
    const step = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1, PageDown: page, PageUp: -page }[event.key];
    if (step) this.move(this.active < 0 ? this.first() : this.active + step);
    else if (event.key === 'Home') this.move(0);
    else if (event.key === 'End') this.move(this.places - 1);
    else if (event.key === 'Enter' || event.key === ' ') this.open();
    else if (event.key === 'Escape') return this.onescape?.(event);
    else return;
    event.preventDefault();
  }
}
