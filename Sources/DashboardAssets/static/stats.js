// Sums and percentiles out of what /admin/api/overview answers.

const SUMS = ['ok', 'failed', 'cancelled', 'repaired', 'input', 'output', 'cache_read', 'cache_write', 'reasoning', 'cost'];
const HISTOGRAMS = ['ttft', 'latency', 'rate'];

export function emptyPoint(at) {
  return { at, ...Object.fromEntries(SUMS.map(name => [name, 0])), ttft: new Map(), latency: new Map(), rate: new Map() };
}

export function addPoint(sum, point) {
  for (const name of SUMS) sum[name] += point[name] ?? 0;
  for (const name of HISTOGRAMS) for (const [place, count] of point[name] ?? []) sum[name].set(place, (sum[name].get(place) ?? 0) + count);
  return sum;
}

export const total = point => point.ok + point.failed + point.cancelled;

/** Interpolated within the place where it falls; undefined without values. */
export function percentile(histogram, bounds, share) {
  const places = [...histogram].sort((a, b) => a[0] - b[0]);
  const all = places.reduce((sum, [, count]) => sum + count, 0);
  if (!all) return undefined;
  let left = share * all;
  for (const [place, count] of places) {
    if (left <= count) {
      const low = bounds[place];
      const high = bounds[place + 1] ?? low * 1.25;
      return low + (high - low) * (left / count);
    }
    left -= count;
  }
  return bounds[places.at(-1)[0]];
}

/** Points of a chart, about: more would be thinner than a pixel or two. */
const POINTS = 96;

/** Milliseconds of one point of a chart: some of the steps that were asked for together. */
export function stepOf({ since, until, step }) {
  const factor = Math.ceil((until - since) / step / POINTS);
  return step * (factor <= 3 ? factor : [4, 6, 12, 24].find(one => one >= factor) ?? factor);
}

/** Groups of series, the busiest first: [{name, sum, points: [one for each step]}]. `by`: total, model or route. */
export function grouped(overview, by) {
  const { since, until } = overview;
  const step = stepOf(overview);
  const first = Math.floor(since / step) * step;
  const steps = Math.max(1, Math.min(1000, Math.ceil((until - first) / step)));
  const groups = new Map();
  for (const series of overview.series ?? []) {
    const name = by === 'total' ? 'All' : !series.model && !series.provider ? 'not routed' : by === 'model' ? series.model : `${series.provider} · ${series.upstream_model}`;
    if (!groups.has(name)) groups.set(name, { name, sum: emptyPoint(0), points: Array.from({ length: steps }, (_, index) => emptyPoint(first + index * step)) });
    const group = groups.get(name);
    for (const point of series.points ?? []) {
      addPoint(group.sum, point);
      const at = Math.floor((point.at - first) / step);
      if (at >= 0 && at < steps) addPoint(group.points[at], point);
    }
  }
  return [...groups.values()].sort((a, b) => total(b.sum) - total(a.sum));
}
