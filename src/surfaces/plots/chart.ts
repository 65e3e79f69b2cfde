/**
 * The one look of all plots, and the library that lays them out. It makes SVG
 * from nothing but what it is given: no clock, no chance, no browser.
 */
import type { EChartsCoreOption } from 'echarts';
// In one file: the library in its hundreds of modules takes ten times as long to load.
import { init } from 'echarts/dist/echarts.esm.min.mjs';
import { plainText } from '../cli/plain-text.ts';
import { type LocalClock, minuteMs } from './local-clock.ts';

export type Chart = { height: number; option: EChartsCoreOption };

/** Pixels, of which Slack shows about so many beside each other. */
const width = 720;
/** Told apart by people who see few colours, and by their lightness; each is named beside the plot as well. */
export const colors = {
  blue: '#0072b2',
  green: '#009e73',
  orange: '#e69f00',
  red: '#d55e00',
  pink: '#cc79a7',
  grey: '#8c8c8c',
  pale: '#eeeeee',
  line: '#d9d9d9',
  text: '#1d1c1d',
  muted: '#5c5c5c',
};
/** Family of the font that is shipped along; as wide as the library believes letters to be. */
export const family = 'DejaVu Sans Condensed';
/** Pixels from the top to where the drawing begins. */
export const drawingTop = 104;
export const small = { fontFamily: family, fontSize: 12, color: colors.muted };

/** The same facts give the same bytes. */
export function chartSvg({ height, option }: Chart): string {
  const chart = init(null, null, { renderer: 'svg', ssr: true, width, height });
  try {
    chart.setOption({
      animation: false,
      useUTC: true,
      backgroundColor: '#ffffff',
      textStyle: { fontFamily: family },
      ...option,
    });
    return withoutInstance(chart.renderToSVGString());
  } finally {
    chart.dispose();
  }
}

/**
 * The library numbers its drawings, and styles what a pointer would hover over: neither is part of a picture. Text is escaped,
 * so it holds no quoted attribute; where the library cuts it, half a character may be left.
 */
function withoutInstance(svg: string): string {
  return svg
    .replace(/<style\b[\s\S]*?<\/style>/g, '')
    .replace(/ class="zr\d+-[\w-]+"/g, '')
    .replace(/(id="|url\(#)zr\d+-/g, '$1')
    .toWellFormed();
}

/** Title over a line that says when and where. */
export function titled(title: string, below: string) {
  return {
    left: 16,
    top: 10,
    itemGap: 6,
    text: label(title, 78),
    subtext: below,
    textStyle: { fontFamily: family, fontSize: 16, fontWeight: 'bold', color: colors.text },
    subtextStyle: small,
  };
}

/** Below the title; what is drawn begins at {@link drawingTop}. */
export function legend(names: string[]) {
  return {
    left: 21,
    top: 58,
    padding: 0,
    itemWidth: 14,
    itemHeight: 10,
    itemGap: 16,
    icon: 'roundRect',
    textStyle: small,
    data: names,
  };
}

/** Where there is nothing to draw. */
export function emptyChart(title: string, what: string): Chart {
  const words = { left: 'center', top: 80, text: what, textStyle: { ...small, fontSize: 14, fontWeight: 'normal' } };
  return { height: 150, option: { title: [titled(title, ''), words] } };
}

/** One harmless line of at most so many characters: what a machine wrote is text, and stays within the picture. */
export function label(text: string, most: number): string {
  const plain = [...plainText(text).replace(/[\ufffe\uffff]/g, '')];
  return plain.length <= most ? plain.join('') : `${plain.slice(0, most - 1).join('')}…`;
}

/** An axis of time in the clock of a place. The library knows none but UTC: moments are given to it as {@link shifted}. */
export function timeAxis(clock: LocalClock, from: number, to: number) {
  const shift = clock.offset(from);
  return {
    shifted: (at: number) => at + shift,
    axis: {
      type: 'time',
      min: from + shift,
      max: to + shift,
      splitNumber: 6,
      axisLine: { lineStyle: { color: colors.muted } },
      splitLine: { show: true, lineStyle: { color: colors.pale } },
      axisLabel: {
        ...small,
        hideOverlap: true,
        formatter: (value: number) => tick(clock.text(value - shift), to - from),
      },
    },
  };
}

function tick(text: string, spanMs: number): string {
  const [date = '', time = ''] = text.split(' ');
  if (spanMs > 4_320 * minuteMs || time === '00:00:00') return date.slice(5);
  return spanMs < 10 * minuteMs ? time : time.slice(0, 5);
}
