// Lines and stacked bars over time, in SVG. Each has a table of the same numbers for those who cannot see it.
import { h, s, replace, uid } from './dom.js';
import { tick, dateTime } from './format.js';

const LEFT = 46;
const BOTTOM = 18;
const TOP = 8;

function nice(top) {
  if (!(top > 0)) return 1;
  const unit = 10 ** Math.floor(Math.log10(top));
  return [1, 1.5, 2, 3, 4, 5, 6, 8, 10].map(factor => factor * unit).find(value => value >= top * 1.0001) ?? top;
}

const MINUTE = 60_000;
const ROUND = [1, 2, 5, 10, 15, 30, 60, 120, 180, 240, 360, 720, 1440, 2880, 7200, 14400, 43200].map(minutes => minutes * MINUTE);
const round = (least, step) => ROUND.find(one => one >= least && one >= step) ?? ROUND.at(-1);

/** `series`: [{name, tone, values}] as long as `times`; undefined is a gap. `kind`: line or bar (stacked). */
export function chart({ title, times, step, series, kind = 'line', format, max, ceiling = Infinity, height = 150, note, hasLegend = true }) {
  const box = h('div.chart-box');
  const tip = h('div.tip', { hidden: true });
  const id = uid('chart');
  const hasData = series.some(one => one.values.some(value => value));
  const figure = h('figure.card', { 'aria-labelledby': id },
    h('figcaption', { id }, title, note ? h('span.muted', ' ' + note) : null), box, tip,
    hasLegend && series.length > 1 ? legend(series) : null);
  if (!hasData) {
    box.append(h('p.no-data', 'Nothing in this time'));
    return { element: figure, stop() {} };
  }
  let width = 0;
  const draw = () => {
    width = Math.max(220, box.clientWidth);
    replace(box, picture());
  };
  const observer = new ResizeObserver(() => { if (Math.abs(box.clientWidth - width) > 2) draw(); });
  const bottom = height - BOTTOM;
  const stack = kind === 'bar' ? times.map((_, index) => series.reduce((sum, one) => sum + (one.values[index] ?? 0), 0)) : null;
  const top = max ?? Math.min(ceiling, nice(Math.max(...(stack ?? series.flatMap(one => one.values.filter(value => value !== undefined))))));
  const span = times.length * step;
  const x = index => LEFT + (index + 0.5) / times.length * (width - LEFT - 4);
  const y = value => bottom - value / top * (bottom - TOP);

  function axes() {
    const marks = [0, 0.5, 1].map(share => s('g', {}, s('line', { class: share ? 'grid' : 'base', x1: LEFT, x2: width, y1: y(top * share), y2: y(top * share) }),
      s('text', { class: 'axis', x: LEFT - 6, y: y(top * share) + 4, 'text-anchor': 'end' }, format(top * share))));
    const most = Math.max(2, Math.floor((width - LEFT) / 72));
    const every = round(span / most, step);
    // By the viewer's clock: full hours and days.
    const turn = index => Math.floor((times[index] - new Date(times[index]).getTimezoneOffset() * 60_000) / every);
    for (let index = 1; index < times.length; index++) {
      if (turn(index) === turn(index - 1) || x(index) < LEFT + 16 || x(index) > width - 18) continue;
      marks.push(s('text', { class: 'axis', x: x(index), y: height - 4, 'text-anchor': 'middle' }, tick(times[index], span)));
    }
    return marks;
  }

  function bars() {
    const slot = (width - LEFT - 4) / times.length;
    const gap = slot > 5 ? 1 : 0;
    const sums = times.map(() => 0);
    return series.map(one => s('g', { class: one.tone }, times.map((_, index) => {
      const value = one.values[index];
      if (!value) return null;
      const base = sums[index];
      sums[index] += value;
      return s('rect', { x: x(index) - slot / 2 + gap / 2, width: Math.max(0.6, slot - gap), y: y(sums[index]), height: Math.max(0.5, y(base) - y(sums[index])) });
    })));
  }

  function lines() {
    return series.map(one => {
      let path = '';
      const alone = [];
      one.values.forEach((value, index) => {
        if (value === undefined) return;
        const joins = one.values[index - 1] !== undefined;
        path += `${joins ? 'L' : 'M'}${x(index).toFixed(1)} ${y(Math.min(value, top)).toFixed(1)}`;
        if (!joins && one.values[index + 1] === undefined) alone.push(s('circle', { cx: x(index), cy: y(Math.min(value, top)), r: 1.8 }));
      });
      return s('g', { class: one.tone }, s('path', { d: path }), alone);
    });
  }

  function picture() {
    const cursor = s('line', { class: 'cursor', y1: TOP, y2: bottom, visibility: 'hidden' });
    const at = event => {
      const frame = svg.getBoundingClientRect();
      const share = (event.clientX - frame.left - LEFT) / (width - LEFT - 4);
      return Math.max(0, Math.min(times.length - 1, Math.floor(share * times.length)));
    };
    const svg = s('svg', {
      class: `chart ${kind}s`, width, height, viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': `${title} over time, at most ${format(top)}; the numbers are in the table below`,
      onpointermove: event => {
        const index = at(event);
        cursor.setAttribute('x1', x(index));
        cursor.setAttribute('x2', x(index));
        cursor.setAttribute('visibility', 'visible');
        tip.hidden = false;
        replace(tip, h('b', dateTime(times[index]).slice(5, 16)), series.map(one => h('span.key', swatch(one), series.length > 1 ? one.name + ' ' : null, h('span.num', one.values[index] === undefined ? '–' : format(one.values[index])))));
        const place = x(index) / width;
        tip.classList.toggle('left', place > 0.6);
        tip.style.setProperty('--x', `${x(index)}px`);
      },
      onpointerleave: () => { cursor.setAttribute('visibility', 'hidden'); tip.hidden = true; },
    }, axes(), kind === 'bar' ? bars() : lines(), cursor);
    return svg;
  }

  figure.append(h('details.numbers', {
    ontoggle: event => {
      if (!event.target.open || event.target.children.length > 1) return;
      const rows = times.map((time, index) => [time, index]).filter(([, index]) => series.some(one => one.values[index]));
      event.target.append(h('div.scroll-y', { tabindex: '0', role: 'region', 'aria-label': `${title}: numbers` }, h('table.data', h('thead', h('tr', h('th', { scope: 'col' }, 'Time'), series.map(one => h('th.num', { scope: 'col' }, one.name)))),
        h('tbody', rows.map(([time, index]) => h('tr', h('th', { scope: 'row' }, dateTime(time).slice(0, 16)), series.map(one => h('td.num', one.values[index] === undefined ? '–' : format(one.values[index])))))))));
    },
  }, h('summary', 'Numbers')));
  requestAnimationFrame(() => { if (box.isConnected) { draw(); observer.observe(box); } });
  return { element: figure, stop: () => observer.disconnect() };
}

export const legend = series => h('p.legend', series.map(one => h('span.key', swatch(one), one.name)));

const swatch = one => s('svg', { class: `swatch ${one.tone}`, viewBox: '0 0 10 10', 'aria-hidden': 'true' }, s('rect', { width: 10, height: 10, rx: 2 }));

/** A line without axes. */
export function spark(values, label) {
  const top = Math.max(...values, 1e-9);
  const path = values.map((value, index) => `${index ? 'L' : 'M'}${(index / Math.max(1, values.length - 1) * 100).toFixed(1)} ${(22 - value / top * 20).toFixed(1)}`).join('');
  return s('svg', { class: 'spark', viewBox: '0 0 100 24', preserveAspectRatio: 'none', role: 'img', 'aria-label': label }, s('path', { d: path }));
}
