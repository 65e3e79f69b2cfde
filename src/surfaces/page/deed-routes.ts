/**
 * What a person does for themselves, each with presence: vote, take back, break glass, lift a freeze, let an operation go on.
 * The form names the thing as it was shown, and a log-in that was made for the deed is spent on it, whatever comes of it.
 */
import type { Hono } from 'hono';
import { z } from 'zod';
import { FleetError } from '../../core/errors.ts';
import { type Deed, deedActs } from '../../core/identity.ts';
import type { Caller } from '../../core/tool.ts';
import { deedOn, type Presence, type ProvedDeed, type ServiceDoor } from '../../gateway/door.ts';
import { type Env, type PageContext, parsed, short, toLogIn } from './page-context.ts';

const deedForm = z.object({ reason: short.trim().min(1), digest: short, passphrase: short.optional() });
const voteForm = z.object({ vote: z.enum(['approve', 'reject']) });

type Act = Deed['act'];
type Given = { on: string; reason: string; presence: Presence };

/** Throws `not_found`. */
export async function deedOf({ records }: ServiceDoor, act: Act, on: string): Promise<ProvedDeed> {
  if (of(act) === 'approvals') return deedOn(act, await records.approvals.get(on));
  if (of(act) === 'operations') return deedOn(act, await records.operations.get(on));
  const freeze = (await records.freezes.standing()).find(({ id }) => id === on);
  if (freeze) return deedOn(act, { id: freeze.id });
  throw new FleetError({ code: 'not_found', message: 'this freeze does not stand any more' });
}

/** The deed that an address asks a log-in for, if it asks for one. */
export function deedAsked({ act, on }: Record<string, string>): { act: Act; on: string } | undefined {
  const known = deedActs.find(each => each === act);
  return known && on !== undefined ? { act: known, on } : undefined;
}

export function pageOf({ act, on }: Pick<Deed, 'act' | 'on'>): string {
  return `/${of(act)}/${on}`;
}

export function addDeeds(app: Hono<Env>, door: ServiceDoor): void {
  const post = (act: Act, run: (given: Given, caller: Caller, context: PageContext) => Promise<unknown>) =>
    app.post(`/${of(act)}/:id/${act}`, async context => {
      const { cookies, visit } = context.var;
      const on = context.req.param('id');
      const back = pageOf({ act, on });
      if (!visit.session || visit.token === undefined) return toLogIn(context, back);
      const { reason, digest, passphrase } = parsed(deedForm, context);
      const deed = await deedOf(door, act, on);
      if (deed.digest !== digest)
        throw new FleetError({
          code: 'conflict',
          message: 'the plan that you were shown is not the one that waits here',
        });
      const ticket = cookies.get(`${act}-${on}`);
      cookies.drop(`${act}-${on}`);
      const presence = presenceOf({ ticket, passphrase: door.browser ? undefined : passphrase, session: visit.token });
      await run({ on, reason, presence }, visit.session.caller, context);
      return context.redirect(act === 'unfreeze' ? '/approvals' : back, 303);
    });
  post('vote', ({ on, ...given }, caller, context) =>
    door.approvals.vote({ approval: on, ...given, ...parsed(voteForm, context) }, caller),
  );
  post('revoke', ({ on, ...given }, caller) => door.approvals.revoke({ approval: on, ...given }, caller));
  post('break-glass', ({ on, ...given }, caller) => door.approvals.breakGlass({ approval: on, ...given }, caller));
  post('unfreeze', ({ on, ...given }, caller) => door.freezes.lift(on, given, caller));
  post('resume', ({ on, ...given }, caller) => door.steer.resume(on, given, caller));
  post('advance', ({ on, ...given }, caller) => door.steer.advance(on, given, caller));
}

function of(act: Act): 'approvals' | 'freezes' | 'operations' {
  if (act === 'unfreeze') return 'freezes';
  return act === 'resume' || act === 'advance' ? 'operations' : 'approvals';
}

/** A passphrase is no way around the issuer, where there is one. */
function presenceOf(brought: { ticket?: string; passphrase?: string; session: string }): Presence {
  if (brought.ticket) return { by: 'fresh-login', ticket: brought.ticket };
  if (brought.passphrase) return { by: 'passphrase', passphrase: brought.passphrase };
  return { by: 'recent-login', session: brought.session };
}
