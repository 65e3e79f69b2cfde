/** The volumes of nodes in one cell; their names are the cluster's. */
import { type Cell, foreign, toned } from '../../src/core/document.ts';

/** `volumes`, or why they could not be read. */
export function volumesCell(volumes: string[] | string): Cell {
  if (typeof volumes === 'string') return toned(volumes, 'warn');
  return volumes.length > 0 ? foreign(volumes.join('; ')) : 'none attached';
}
