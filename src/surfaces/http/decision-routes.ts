/** What people decide on: requests, freezes, operations that are held. */
import { type Context, Hono } from 'hono';
import { z } from 'zod';
import { type Approval, type ApprovalState, type TrackedApproval, tracked } from '../../core/approval.ts';
import { requestTools, type ServiceDoor } from '../../gateway/door.ts';
import type { ApprovalAnswer, DecideRequest } from './api.ts';
import { body, callerOf, check, decide, proofOf } from './request.ts';

const vote = decide.extend({ vote: z.enum(['approve', 'reject']) });
const states = z.enum(['pending', 'approved', 'rejected', 'expired', 'revoked']).optional();

export function decisionRoutes(door: ServiceDoor): Hono {
  const app = new Hono();
  app.get('/v1/approvals', async context => {
    const caller = await callerOf(context, door);
    const state: ApprovalState | undefined = check(states, context.req.query('state'));
    await door.approvals.expireDue();
    const all = await door.records.approvals.list(state);
    const approvals = await door.reads.readable(all, ['getApproval'], caller);
    return context.json({ approvals: await Promise.all(approvals.map(approval => withOperation(door, approval))) });
  });
  app.get('/v1/approvals/:id', async context => {
    const caller = await callerOf(context, door);
    await door.approvals.expireDue();
    const asked = await door.records.approvals.get(context.req.param('id'));
    await door.reads.check(asked, requestTools, caller);
    const approval = await withOperation(door, asked);
    const { plan, digest } = await door.records.plans.get(asked.plan);
    return context.json({ approval, plan, digest, blocks: door.planCard(plan, digest) } satisfies ApprovalAnswer);
  });
  app.post('/v1/approvals/:id/vote', async context => {
    const caller = await callerOf(context, door);
    const { vote: cast, ...rest } = await body(context, vote);
    return context.json({ approval: await door.approvals.vote({ ...decision(context, rest), vote: cast }, caller) });
  });
  app.post('/v1/approvals/:id/revoke', async context => {
    const caller = await callerOf(context, door);
    const given = decision(context, await body(context, decide));
    return context.json({ approval: await door.approvals.revoke(given, caller) });
  });
  app.post('/v1/approvals/:id/break-glass', async context => {
    const caller = await callerOf(context, door);
    const given = decision(context, await body(context, decide));
    return context.json({ approval: await door.approvals.breakGlass(given, caller) });
  });

  app.post('/v1/freezes/:id/lift', async context => {
    const caller = await callerOf(context, door);
    const proof = proofOf(await body(context, decide));
    return context.json({ freeze: await door.freezes.lift(context.req.param('id'), proof, caller) });
  });
  for (const act of ['resume', 'advance'] as const)
    app.post(`/v1/operations/:id/${act}`, async context => {
      const caller = await callerOf(context, door);
      const proof = proofOf(await body(context, decide));
      return context.json({ operation: await door.steer[act](context.req.param('id'), proof, caller) });
    });

  return app;
}

function decision(context: Context, request: DecideRequest) {
  return { approval: context.req.param('id') ?? '', ...proofOf(request) };
}

async function withOperation({ records }: ServiceDoor, approval: Approval): Promise<TrackedApproval> {
  return tracked(approval, approval.operation ? await records.operations.get(approval.operation) : undefined);
}
