/** A picture as SVG; pure. Loads a library of some 100 MB: {@link drawPicture} does so where it can be thrown away. */
import { unreachable } from '../../core/errors.ts';
import type { Picture } from '../../core/picture.ts';
import { type Chart, chartSvg } from './chart.ts';
import { complianceChart } from './compliance-chart.ts';
import { historyChart } from './history-chart.ts';
import { rolloutChart } from './rollout-chart.ts';

export function pictureSvg(picture: Picture): string {
  return chartSvg(chartOf(picture));
}

function chartOf(picture: Picture): Chart {
  switch (picture.kind) {
    case 'history':
      return historyChart(picture);
    case 'rollout':
      return rolloutChart(picture);
    case 'compliance':
      return complianceChart(picture);
    default:
      return unreachable(picture);
  }
}
