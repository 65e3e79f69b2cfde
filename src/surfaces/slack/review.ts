/**
 * The whole plan of a request in a window with pages. Nothing is kept between two of them: each is made anew of the plan that is
 * stored, which nobody can change, for a person who may read it at that moment.
 */
import type { Caller } from '../../core/tool.ts';
import { requestTools, type ServiceDoor } from '../../gateway/door.ts';
import { pagesOf } from './blocks/pages.ts';
import type { SlackParts } from './parts.ts';
import { button, context, type Piece } from './pieces.ts';
import { plainText } from './reason-modal.ts';

export const reviewActions = { next: 'review-next', previous: 'review-previous' };

export type ReviewParts = Pick<SlackParts, 'client'> & {
  door: Pick<ServiceDoor, 'planCard' | 'reads'> & { records: Pick<ServiceDoor['records'], 'plans' | 'approvals'> };
};

/** A window that stands there already. */
export type OpenView = { id: string; private_metadata: string };

type Place = { about: string; page: number };
type Reader = { caller: Caller };

/** `about` is the id of the request. */
export async function openReview(
  parts: ReviewParts,
  { about, trigger, caller }: { about: string; trigger: string } & Reader,
): Promise<void> {
  const view = await pageView(parts, { about, page: 0, caller });
  await parts.client.call('views.open', { trigger_id: trigger, view });
}

/** `by` so many pages from the one that was seen. */
export async function turnReview(
  parts: ReviewParts,
  { view, by, caller }: { view: OpenView; by: 1 | -1 } & Reader,
): Promise<void> {
  const { about, page } = JSON.parse(view.private_metadata) as Place;
  await parts.client.call('views.update', {
    view_id: view.id,
    view: await pageView(parts, { about, page: page + by, caller }),
  });
}

async function pageView({ door }: ReviewParts, { about, page, caller }: Place & Reader) {
  const approval = await door.records.approvals.get(about);
  await door.reads.check(approval, requestTools, caller);
  const { plan, digest } = await door.records.plans.get(approval.plan);
  const pages = pagesOf(door.planCard(plan, digest));
  const at = Math.min(Math.max(page, 0), pages.length - 1);
  return {
    type: 'modal',
    title: plainText('The whole plan'),
    close: plainText('Close'),
    private_metadata: JSON.stringify({ about, page: at } satisfies Place),
    blocks: [...(pages[at] ?? []), ...turning(about, at, pages.length)],
  };
}

function turning(about: string, at: number, of: number): Piece[] {
  if (of === 1) return [];
  return [
    context(`Page ${at + 1} of ${of}`),
    {
      type: 'actions',
      elements: [
        ...(at > 0 ? [button(reviewActions.previous, 'Previous', { value: about })] : []),
        ...(at < of - 1 ? [button(reviewActions.next, 'Next', { value: about })] : []),
      ],
    },
  ];
}
