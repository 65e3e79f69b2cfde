/** A reading over time: a band from its lowest to its highest, its mean within, and grey where nothing was read. */
import type { HistoryPicture } from '../../core/picture.ts';
import { type Chart, colors, drawingTop, emptyChart, label, legend, small, timeAxis, titled } from './chart.ts';
import { localClock, stretch } from './local-clock.ts';

const limitColors: Record<string, string> = { caution: colors.orange, critical: colors.red };
type Stretch = { from: number; to: number };

export function historyChart({ title, timeZone, unit, stepMs, points, limits }: HistoryPicture): Chart {
  const [first, last] = [points[0], points.at(-1)];
  if (first === undefined || last === undefined || points.every(({ low }) => low === null))
    return emptyChart(title, 'no data: nothing was read in this time');
  const clock = localClock(timeZone);
  const [from, to] = [Date.parse(first.at), Date.parse(last.at) + stepMs];
  const { axis, shifted } = timeAxis(clock, from, to);
  // A point stands for its whole stretch, so that one alone between gaps is seen.
  const steps = (value: (point: (typeof points)[number]) => number | null) =>
    points.flatMap(point => {
      const at = shifted(Date.parse(point.at));
      return [at, at + stepMs].map(x => [x, value(point)]);
    });
  const line = { type: 'line', symbol: 'none', silent: true, emphasis: { disabled: true }, connectNulls: false };
  const band = { ...line, stack: 'band', stackStrategy: 'all', lineStyle: { opacity: 0 } };
  const unread = gapsIn(points, stepMs);
  return {
    height: 390,
    option: {
      title: titled(title, stretch(clock, { from, to, timeZone })),
      legend: legend(['mean', 'lowest to highest', ...(unread.length > 0 ? ['not read'] : [])]),
      grid: { left: 64, right: 24, top: drawingTop, bottom: 36 },
      xAxis: axis,
      yAxis: {
        type: 'value',
        scale: true,
        name: label(unit, 20),
        nameGap: 10,
        nameTextStyle: { ...small, align: 'right', padding: [0, 8, 0, 0] },
        axisLabel: small,
        splitLine: { lineStyle: { color: colors.pale } },
        boundaryGap: [nearZero(points) ? 0 : '5%', '10%'],
      },
      series: [
        { ...band, name: 'low', data: steps(({ low }) => low) },
        {
          ...band,
          name: 'lowest to highest',
          itemStyle: { color: '#a6cde4' },
          areaStyle: { color: '#a6cde4', opacity: 1 },
          data: steps(({ low, high }) => (low === null || high === null ? null : high - low)),
        },
        {
          ...line,
          name: 'mean',
          itemStyle: { color: colors.blue },
          lineStyle: { color: colors.blue, width: 2 },
          data: steps(({ mean }) => mean),
        },
        {
          // Limits are in sight wherever the readings are.
          ...line,
          name: 'limits',
          lineStyle: { opacity: 0 },
          data: limits.map(({ at }) => [shifted(from), at]),
          markLine: { symbol: 'none', silent: true, data: limits.map(limit => limitLine(limit, unit)) },
        },
        {
          ...line,
          name: 'not read',
          itemStyle: { color: colors.line },
          data: [],
          markArea: {
            silent: true,
            itemStyle: { color: colors.pale },
            data: unread.map(gap => [{ xAxis: shifted(gap.from) }, { xAxis: shifted(gap.to) }]),
          },
        },
      ],
    },
  };
}

function limitLine({ name, at }: HistoryPicture['limits'][number], unit: string) {
  const color = limitColors[name] ?? colors.muted;
  return {
    yAxis: at,
    lineStyle: { color, type: 'dashed', width: 1.5 },
    label: {
      ...small,
      color: colors.text,
      position: 'insideStartTop',
      formatter: () => label(`${name} ${at} ${unit}`, 40),
    },
  };
}

/** What is never negative is not shown as if it could be. */
function nearZero(points: HistoryPicture['points']): boolean {
  const [lows, highs] = [points.map(({ low }) => low ?? Infinity), points.map(({ high }) => high ?? 0)];
  const [least, most] = [Math.min(...lows), Math.max(...highs)];
  return least >= 0 && least < most * 0.1;
}

function gapsIn(points: HistoryPicture['points'], stepMs: number): Stretch[] {
  const gaps: Stretch[] = [];
  for (const { at, low } of points) {
    if (low !== null) continue;
    const from = Date.parse(at);
    const before = gaps.at(-1);
    if (before?.to === from) before.to = from + stepMs;
    else gaps.push({ from, to: from + stepMs });
  }
  return gaps;
}
