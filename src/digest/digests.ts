/**
 * Digests: made by read tools alone, in the name of a schedule, which policy
 * lets look and do nothing else, or of the person who wants one now. One
 * process makes them, and a claim in the database lets one moment be told once
 * whoever else believes it is the one.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { DigestRuns, Digests } from '../core/digest-runs.ts';
import type { Block } from '../core/document.ts';
import { FleetError } from '../core/errors.ts';
import type { Picture } from '../core/picture.ts';
import type { Records } from '../core/records.ts';
import type { Caller } from '../core/tool.ts';
import type { Gateway } from '../gateway/gateway.ts';
import { digestBlocks, digestPictures } from './compose.ts';
import { type DigestFacts, factsFrom, fingerprintOf, rolloutFrom, worthPictures } from './facts.ts';
import { dueNow, nextAfter, type Schedule } from './schedule.ts';

export type DigestSettings = Schedule & {
  name: string;
  /** None for the whole fleet. */
  sites: string[];
  /** Whether a language model says in a few words what matters. */
  summary: boolean;
};

/** Where a digest goes. May go on trying until the signal, and throws where it did not arrive. */
export type DigestSink = (
  digest: { name: string; due: string; blocks: Block[]; pictures: Picture[] },
  until: { signal: AbortSignal },
) => Promise<void>;

export type DigestParts = {
  gateway: Gateway;
  runs: DigestRuns;
  custody: Pick<Records['custody'], 'head'>;
  /** In few words what the facts say; undefined where no model is there. */
  summarise?: (facts: Block[]) => Promise<string>;
  log: { warn(fields: object, message: string): void };
};

const noticedSinceMs = 24 * 3_600_000;
/** What anybody may ask for without any being configured. */
const wholeFleet: DigestSettings = { name: 'fleet', sites: [], cron: '', timeZone: 'UTC', summary: false };

export function createDigests(settings: (DigestSettings & { sinks: DigestSink[] })[], parts: DigestParts): Digests {
  const { gateway, runs, custody, summarise, log } = parts;

  async function read(of: DigestSettings, { since, caller }: { since: Date; caller: Caller }): Promise<DigestFacts> {
    const hours = Math.max(1, Math.ceil((Date.now() - since.getTime()) / 3_600_000));
    const ask = async (tool: string, input: object) => (await gateway.invoke({ tool, input, caller })).output;
    const places = of.sites.length === 0 ? [{}] : of.sites.map(site => ({ site }));
    const [overviews, findings, operations, head] = await Promise.all([
      Promise.all(places.map(place => ask('getFleetOverview', { ...place, nodes: 'unwell' }))),
      Promise.all(places.map(place => ask('listFindings', { ...place, hours }))),
      ask('listOperations', { limit: 200 }),
      custody.head(),
    ]);
    const merged = factsFrom(
      {
        overviews,
        findings: { findings: findings.flatMap(({ findings: found }) => found as unknown[]) },
        operations,
      },
      { size: head.size, root: Buffer.from(head.root).toString('hex') },
    );
    const recent = merged.operations.filter(
      ({ site, endedAt }) =>
        (of.sites.length === 0 || site === '*' || of.sites.includes(site)) &&
        (endedAt === undefined || new Date(endedAt) >= since),
    );
    const drawn = worthPictures(recent, since);
    const rollouts = await Promise.all(drawn.map(({ id }) => ask('getOperation', { operation: id })));
    return { ...merged, operations: recent, rollouts: rollouts.map(rolloutFrom) };
  }

  async function compose(
    of: DigestSettings,
    { since, missed, caller }: { since: Date; missed: number; caller: Caller },
  ) {
    const facts = await read(of, { since, caller });
    const about = of.sites.length === 0 ? 'fleet' : of.sites.join(', ');
    const told = { name: of.name, about, timeZone: of.timeZone, since, now: new Date(), missed };
    return { facts, blocks: digestBlocks(facts, told), pictures: digestPictures(facts, told) };
  }

  /** The words of a model stand below the facts, under its name. Without it the digest goes out as it is. */
  async function withSummary(of: DigestSettings, blocks: Block[]): Promise<Block[]> {
    if (!of.summary || summarise === undefined) return blocks;
    try {
      return [...blocks, { text: await summarise(blocks), tone: 'muted' }];
    } catch (thrown) {
      return [...blocks, { text: `Without a summary: ${FleetError.from(thrown).message}`, tone: 'muted' }];
    }
  }

  /** Those that are on their way: a place that is out of reach holds up no other digest. */
  const telling = new Set<string>();

  async function tell(of: (typeof settings)[number], at: Date, signal: AbortSignal): Promise<void> {
    const newest = await runs.newest(of.name);
    if (newest === undefined) return begin(of.name, at.toISOString());
    const due = dueNow(of, new Date(newest.due), at);
    if (due === undefined) return;
    const moment = due.at.toISOString();
    if (!(await runs.claim(of.name, moment))) return;
    try {
      const told = await runs.lastTold(of.name);
      const since = told ? new Date(told.due) : new Date(due.at.getTime() - noticedSinceMs);
      const { facts, blocks, pictures } = await compose(of, { since, missed: due.missed, caller: scheduled(of) });
      const fingerprint = fingerprintOf(facts);
      if (told?.fingerprint === fingerprint) return await runs.end(of.name, { due: moment, state: 'unchanged' });
      const whole = await withSummary(of, blocks);
      const digest = { name: of.name, due: moment, blocks: whole, pictures };
      const sent = await Promise.allSettled(of.sinks.map(async sink => sink(digest, { signal })));
      for (const each of sent) if (each.status === 'rejected') throw each.reason;
      await runs.end(of.name, { due: moment, state: 'sent', fingerprint });
    } catch (thrown) {
      await runs.end(of.name, { due: moment, state: 'failed' });
      log.warn(
        { digest: of.name, error: FleetError.from(thrown) },
        'a digest was not told; the next one tells of this time, too',
      );
    }
  }

  /** From here on moments that pass are missed ones. */
  async function begin(name: string, due: string): Promise<void> {
    if (await runs.claim(name, due)) await runs.end(name, { due, state: 'unchanged' });
  }

  return {
    async list() {
      return Promise.all(
        settings.map(async ({ name, cron, timeZone }) => {
          const last = await runs.newest(name);
          return { name, cron, timeZone, next: nextAfter({ cron, timeZone }, new Date()), ...(last && { last }) };
        }),
      );
    },
    async now(caller, name) {
      const of = name === undefined ? wholeFleet : settings.find(each => each.name === name);
      if (of === undefined)
        throw new FleetError({
          code: 'not_found',
          message: `there is no digest ${JSON.stringify(name?.slice(0, 60))}`,
          hint:
            settings.length === 0
              ? 'write one under digests in groundskeeper.yaml'
              : `there are: ${settings.map(each => each.name).join(', ')}`,
        });
      const told = await runs.lastTold(of.name);
      const since = told ? new Date(told.due) : new Date(Date.now() - noticedSinceMs);
      const { blocks } = await compose(of, { since, missed: 0, caller });
      return withSummary(of, blocks);
    },
    async round(at, signal) {
      const free = settings.filter(({ name }) => !telling.has(name));
      await Promise.all(
        free.map(async of => {
          telling.add(of.name);
          await tell(of, at, signal).finally(() => telling.delete(of.name));
        }),
      );
    },
  };
}

function scheduled({ name }: DigestSettings): Caller {
  return { person: { name, groups: [], schedule: true }, channel: 'schedule', scope: 'read' };
}

/** Looks every so often until it is stopped; what fails is told and looked at again. */
export function startDigests(digests: Digests, { everyMs, log }: { everyMs: number; log: DigestParts['log'] }) {
  const stopping = new AbortController();
  const { signal } = stopping;
  const rounds = new Set<Promise<void>>();
  const running = (async () => {
    while (!signal.aborted) {
      const round = digests
        .round(new Date(), signal)
        .catch(error => log.warn({ error: FleetError.from(error) }, 'digests could not be looked at'))
        .finally(() => rounds.delete(round));
      rounds.add(round);
      await delay(everyMs, undefined, { signal }).catch(() => undefined);
    }
    await Promise.all(rounds);
  })();
  return {
    async stop() {
      stopping.abort();
      await running;
    },
  };
}
