/** An operation over time: a bar for each node from its begin to its end, wave below wave, and what held or ended it. */
import type { CustomSeriesRenderItemAPI, CustomSeriesRenderItemParams } from 'echarts';
import type { NodeState } from '../../core/operation.ts';
import type { RolloutPicture } from '../../core/picture.ts';
import { type Chart, colors, drawingTop, emptyChart, label, legend, small, timeAxis, titled } from './chart.ts';
import { localClock, stretch } from './local-clock.ts';

const looks: Record<NodeState, string> = {
  done: colors.green,
  running: colors.blue,
  failed: colors.red,
  ambiguous: colors.pink,
  cancelled: colors.orange,
  skipped: colors.grey,
  waiting: colors.grey,
};
const states = Object.keys(looks) as NodeState[];
/** Rows grow thinner where there are more than fit; beyond that their names are left out. */
const tallest = 900;
const row = { most: 24, least: 1, named: 12 };
const mostMarks = 8;
const written = { font: `12px ${small.fontFamily}`, fill: colors.muted, verticalAlign: 'middle' as const };
const markLine = 18;

export function rolloutChart({ title, timeZone, from, to, nodes, marks }: RolloutPicture): Chart {
  if (nodes.length === 0) return emptyChart(title, 'no data: it has no nodes');
  const clock = localClock(timeZone);
  const [begin, end] = [Date.parse(from), Math.max(Date.parse(to), Date.parse(from) + 1_000)];
  const { axis, shifted } = timeAxis(clock, begin, end);
  const rowHeight = Math.max(row.least, Math.min(row.most, tallest / nodes.length));
  const told = marks.slice(-mostMarks);
  const legendHeight = told.length * markLine + (told.length > 0 ? 10 : 0);
  const height = Math.round(Math.max(60, nodes.length * rowHeight)) + drawingTop + 40 + legendHeight;
  const seen = states.filter(state => nodes.some(node => node.state === state));
  return {
    height,
    option: {
      title: [
        titled(title, stretch(clock, { from: begin, to: end, timeZone })),
        ...told.map((mark, index) => ({
          left: 16,
          top: height - legendHeight + index * markLine,
          text: label(`${index + 1}  ${clock.text(Date.parse(mark.at)).slice(11, 16)}  ${mark.text}`, 108),
          textStyle: { ...small, fontWeight: 'normal', color: colors.text },
        })),
      ],
      legend: legend(seen),
      grid: { left: 150, right: 66, top: drawingTop, bottom: 40 + legendHeight },
      xAxis: axis,
      yAxis: {
        type: 'category',
        inverse: true,
        data: nodes.map(({ node }) => label(node, 200)),
        axisTick: { show: false },
        axisLine: { lineStyle: { color: colors.muted } },
        axisLabel: { ...small, show: rowHeight >= row.named, interval: 0, width: 134, overflow: 'truncate' },
      },
      series: [
        ...seen.map(state => bars(state, { nodes, shifted, begin })),
        {
          type: 'custom',
          silent: true,
          z: -1,
          data: wavesOf(nodes).map(({ wave, first, last }) => [shifted(begin), shifted(end), first, last, wave]),
          encode: { x: [0, 1], y: 2 },
          renderItem: band,
          markLine: {
            symbol: 'none',
            silent: true,
            data: told.map((mark, index) => markedAt(shifted(Date.parse(mark.at)), index)),
          },
        },
      ],
    },
  };
}

type Bars = Pick<RolloutPicture, 'nodes'> & { shifted(at: number): number; begin: number };

function bars(state: NodeState, { nodes, shifted, begin }: Bars) {
  return {
    type: 'custom',
    name: state,
    silent: true,
    itemStyle: { color: looks[state] },
    data: nodes.flatMap((node, index) => {
      if (node.state !== state) return [];
      const [from, to] = [node.from, node.to].map(at => shifted(at === undefined ? begin : Date.parse(at)));
      return [[from, to, index]];
    }),
    encode: { x: [0, 1], y: 2 },
    renderItem: (_params: CustomSeriesRenderItemParams, api: CustomSeriesRenderItemAPI) => bar(state, api),
  };
}

/** Whatever is not well says so beside its bar, so that nobody has to tell colours apart. */
function bar(state: NodeState, api: CustomSeriesRenderItemAPI) {
  const index = api.value(2);
  const [x = 0, y = 0] = api.coord([api.value(0), index]);
  const [right = 0] = api.coord([api.value(1), index]);
  const step = rowOf(api);
  const thick = Math.max(1, Math.min(step, row.most) * 0.62);
  const began = right > x;
  const shape = { x, y: y - thick / 2, width: began ? Math.max(2, right - x) : 0, height: thick };
  const words = state === 'done' || step < row.named ? '' : state;
  return {
    type: 'group' as const,
    children: [
      { type: 'rect' as const, shape, style: { fill: looks[state] } },
      {
        type: 'text' as const,
        style: { ...written, x: (began ? right : x) + 5, y, text: words },
      },
    ],
  };
}

/** Pixels from one row to the next. */
function rowOf({ size }: CustomSeriesRenderItemAPI): number {
  const [, step = 0] = (size?.([0, 1]) ?? []) as number[];
  return step;
}

type Wave = { wave: number; first: number; last: number };

/** In the order of the rows, which is that of the waves. */
function wavesOf(nodes: RolloutPicture['nodes']): Wave[] {
  const waves: Wave[] = [];
  for (const [index, { wave }] of nodes.entries()) {
    const before = waves.at(-1);
    if (before?.wave === wave) before.last = index;
    else waves.push({ wave, first: index, last: index });
  }
  return waves;
}

/** The rows of a wave on one ground, every other one grey, with its number at the right. */
function band({ dataIndex }: CustomSeriesRenderItemParams, api: CustomSeriesRenderItemAPI) {
  const [x = 0, top = 0] = api.coord([api.value(0), api.value(2)]);
  const [right = 0, bottom = 0] = api.coord([api.value(1), api.value(3)]);
  const step = rowOf(api);
  const shape = { x, y: top - step / 2, width: right - x, height: bottom - top + step };
  const words = { text: `wave ${api.value(4)}`, x: right + 8, y: (top + bottom) / 2 };
  return {
    type: 'group' as const,
    children: [
      { type: 'rect' as const, shape, style: { fill: dataIndex % 2 === 0 ? '#f5f5f5' : '#ffffff' } },
      { type: 'text' as const, style: { ...words, ...written } },
    ],
  };
}

function markedAt(x: number, index: number) {
  return {
    xAxis: x,
    lineStyle: { color: colors.text, type: 'dashed', width: 1 },
    label: { ...small, color: colors.text, formatter: () => String(index + 1), position: 'start', distance: 2 },
  };
}
