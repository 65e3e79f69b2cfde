/**
 * Keeps the channel up to date: a card for each request that waits or was
 * decided, a message for each operation that runs. What stands in the database
 * is compared with what was posted, again and again, so that nothing hangs on
 * an event that a crash could lose; what is the same is not sent.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { type Approval, tracked } from '../../core/approval.ts';
import { FleetError } from '../../core/errors.ts';
import { hasEnded } from '../../core/operation.ts';
import type { PostStore } from '../../core/posts.ts';
import type { ServiceDoor } from '../../gateway/door.ts';
import { approvalCard } from './approval-card.ts';
import { type KeepPost, type Kept, type Messages, postKeeper } from './keep-post.ts';
import { operationCard } from './operation-card.ts';
import type { SlackLog } from './parts.ts';
import type { SlackClient } from './slack-client.ts';
import { type Timelines, timelineNoun } from './timelines.ts';

export type AnnounceParts = {
  client: SlackClient;
  posts: PostStore;
  channel: string;
  door: Pick<ServiceDoor, 'standing' | 'approvals'> & {
    records: Pick<ServiceDoor['records'], 'approvals' | 'plans' | 'operations'>;
  };
  /** Origin under which people reach the page. */
  page(): string;
  timelines: Timelines;
  log: SlackLog;
  signal: AbortSignal;
};

/** Slack lets a message be changed about once a second; people read slower. */
const roundMs = 2_000;
const mostOperations = 50;
/** What ended longer ago is no news in a channel. */
const newsMs = 24 * 3_600_000;

/** Ends with the signal, and never throws. */
export async function keepAnnouncing(parts: AnnounceParts): Promise<void> {
  const { log, signal } = parts;
  const keepPost = postKeeper({ store: parts.posts, messages: messagesOf(parts.client) });
  let told = '';
  const begun = Math.min(Date.now(), (await parts.posts.begun().catch(() => new Date())).getTime());
  while (!signal.aborted) {
    const failure = await round(parts, { begun, keepPost }).then(
      () => '',
      (thrown: unknown) => FleetError.from(thrown).message,
    );
    if (failure !== '' && failure !== told && !signal.aborted)
      log.warn({ reason: failure }, 'what waits for votes could not be kept up to date in Slack; it is tried again');
    told = failure;
    await delay(roundMs, undefined, { signal }).catch(() => undefined);
  }
}

/** `begun`: milliseconds; what ended before is not told. */
async function round(parts: AnnounceParts, { begun, keepPost }: { begun: number; keepPost: KeepPost }): Promise<void> {
  const { posts, door, timelines } = parts;
  await door.approvals.expireDue();
  const open = await posts.open();
  const ids = (noun: string) =>
    open.flatMap(({ key }) => (key.startsWith(`${noun}/`) ? [key.slice(noun.length + 1)] : []));
  const [pending, running, missed] = await Promise.all([
    door.records.approvals.list('pending'),
    door.records.operations.list({ open: true, limit: mostOperations }),
    missedOperations(parts, begun),
  ]);
  const operations = [...new Set([...ids('operation'), ...running.map(({ id }) => id), ...missed])];
  // A request may be decided before anybody looks.
  const decided = await Promise.all(operations.map(id => door.records.approvals.forOperation(id)));
  const requests = new Set([...ids('approval'), ...[...pending, ...decided].flatMap(each => each?.id ?? [])]);
  const approvals = await Promise.all([...requests].map(id => door.records.approvals.get(id)));
  const kept = [
    ...approvals.map(approval => () => requestPost(parts, approval)),
    ...operations.map(id => () => operationPost(parts, id)),
  ];
  // One message that Slack does not take holds up no other.
  const failures: unknown[] = [];
  for (const post of kept)
    await post()
      .then(keepPost)
      .catch((thrown: unknown) => failures.push(thrown));
  timelines.post(ids(timelineNoun));
  if (failures.length > 0) throw failures[0];
}

/** Those that began and ended since the last look, which may be long ago where Slack was away. */
async function missedOperations({ posts, door }: AnnounceParts, begun: number): Promise<string[]> {
  const since = Math.max(begun, Date.now() - newsMs);
  const recent = await door.records.operations.list({ limit: mostOperations });
  const past = recent.filter(({ createdAt, state }) => hasEnded(state) && Date.parse(createdAt) >= since);
  const missing = new Set(await posts.missing(past.map(({ id }) => `operation/${id}`)));
  return past.flatMap(({ id }) => (missing.has(`operation/${id}`) ? [id] : []));
}

/** The card as everybody sees it now; it is final when neither votes nor the operation can change it any more. */
async function requestPost({ door, channel, page }: AnnounceParts, approval: Approval): Promise<Kept> {
  const { records, standing } = door;
  const operation = approval.operation ? await records.operations.get(approval.operation) : undefined;
  const { plan, digest } = await records.plans.get(approval.plan);
  const card = approvalCard({
    approval: tracked(approval, operation),
    plan,
    digest,
    standing: standing(approval),
    page: `${page()}/approvals/${approval.id}`,
  });
  const final = approval.state !== 'pending' && (operation === undefined || hasEnded(operation.state));
  return { key: `approval/${approval.id}`, channel, card, final };
}

async function operationPost({ door, channel, timelines }: AnnounceParts, id: string): Promise<Kept> {
  const operation = await door.records.operations.get(id);
  await timelines.owe(operation);
  return { key: `operation/${id}`, channel, card: operationCard(operation), final: hasEnded(operation.state) };
}

function messagesOf(client: SlackClient): Messages {
  return {
    post: (channel, card, key) => client.post({ channel }, card, key),
    update: (channel, at, card) => client.update(channel, at, card),
    find: (channel, key) => client.find({ channel }, key),
  };
}
