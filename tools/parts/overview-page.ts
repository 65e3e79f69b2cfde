/** Which nodes of a fleet one answer lists. Of thousands all were more than a model reads; the counts are over all of them. */
import { countsOf, isWell, type OverviewNode, type OverviewOutput } from './overview-output.ts';

export const nodesOnPage = 200;

type Site = Omit<OverviewOutput['sites'][number], 'counts'>;

const urgency = ['critical', 'warning', 'unknown', 'ok'];

/** Those that are not well in the order in which they hurt, so that the first page has the worst of the fleet. */
export function onPage(
  sites: Site[],
  { which: asked, page }: { which?: 'all' | 'unwell'; page: number },
): Pick<OverviewOutput, 'sites' | 'listed'> {
  const all = sites.flatMap(({ nodes }) => nodes);
  const which = asked ?? (all.length <= nodesOnPage ? 'all' : 'unwell');
  const order = ({ kubernetes, health }: OverviewNode) =>
    (kubernetes.startsWith('NotReady') ? 0 : 10) + urgency.indexOf(health);
  const wanted =
    which === 'all' ? all : all.filter(node => !isWell(node)).toSorted((one, other) => order(one) - order(other));
  const shown = new Set(wanted.slice((page - 1) * nodesOnPage, page * nodesOnPage));
  return {
    sites: sites.map(site => ({
      ...site,
      counts: countsOf(site.nodes),
      nodes: site.nodes.filter(node => shown.has(node)),
    })),
    listed: { which, page, pages: Math.max(1, Math.ceil(wanted.length / nodesOnPage)) },
  };
}
