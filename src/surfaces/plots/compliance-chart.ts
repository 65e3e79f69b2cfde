/** Sites by how many of their nodes run what is wanted. What is not known is never shown as well. */
import type { CompliancePicture } from '../../core/picture.ts';
import { type Chart, colors, drawingTop, emptyChart, label, legend, small, titled } from './chart.ts';
import { localClock } from './local-clock.ts';

const parts = [
  { of: 'wanted', name: 'as wanted', color: colors.green, ink: '#ffffff' },
  { of: 'other', name: 'not as wanted', color: colors.orange, ink: colors.text },
  { of: 'unknown', name: 'unknown', color: '#c4c4c4', ink: colors.text },
] as const;
const tallest = 1_600;
const row = { most: 30, least: 2, named: 13 };

export function complianceChart({ title, timeZone, at, sites }: CompliancePicture): Chart {
  if (sites.length === 0) return emptyChart(title, 'no data: no site has a baseline');
  const rowHeight = Math.max(row.least, Math.min(row.most, tallest / sites.length));
  const largest = Math.max(...sites.map(({ wanted, other, unknown }) => wanted + other + unknown));
  return {
    height: Math.round(Math.max(50, sites.length * rowHeight)) + 160,
    option: {
      title: titled(title, `${localClock(timeZone).text(Date.parse(at)).slice(0, 16)}, ${timeZone}`),
      legend: legend(parts.map(({ name }) => name)),
      grid: { left: 150, right: 24, top: drawingTop, bottom: 56 },
      xAxis: {
        type: 'value',
        name: 'nodes',
        nameLocation: 'middle',
        nameGap: 28,
        nameTextStyle: small,
        minInterval: 1,
        axisLabel: small,
        splitLine: { lineStyle: { color: colors.pale } },
      },
      yAxis: {
        type: 'category',
        inverse: true,
        data: sites.map(({ site }) => label(site, 200)),
        axisTick: { show: false },
        axisLine: { lineStyle: { color: colors.muted } },
        axisLabel: { ...small, show: rowHeight >= row.named, interval: 0, width: 134, overflow: 'truncate' },
      },
      series: parts.map(({ of, name, color, ink }) => ({
        type: 'bar',
        name,
        stack: 'nodes',
        silent: true,
        barWidth: '68%',
        itemStyle: { color },
        label: {
          ...small,
          color: ink,
          show: rowHeight >= row.named,
          formatter: ({ value }: { value: number }) => counted(value, largest),
        },
        data: sites.map(site => site[of]),
      })),
    },
  };
}

/** A number that fits into its piece of the bar. */
function counted(value: number, largest: number): string {
  return value / largest < 0.04 ? '' : String(value);
}
