/** The custody log for clients that verify it, and what a person decides on it. */
import { Hono } from 'hono';
import { z } from 'zod';
import type { ServiceDoor } from '../../gateway/door.ts';
import type { CustodyHead, CustodyStatus, Erased, Reconciled } from './api.ts';
import { body, callerOf, decide } from './request.ts';

const present = decide.omit({ reason: true });
const reconcile = decide.extend({ reason: z.string().min(1).max(1000) });
const erase = reconcile.extend({ subject: z.string().min(1).max(300) });

export function custodyRoutes(door: ServiceDoor): Hono {
  const app = new Hono();
  app.get('/v1/custody/head', async context => {
    await callerOf(context, door);
    await door.custody.checkpoint();
    const head = await door.records.custody.head();
    const answer: CustodyHead = {
      size: head.size,
      root: Buffer.from(head.root).toString('base64'),
      peaks: head.peaks.map(peak => Buffer.from(peak).toString('base64')),
      checkpoints: await door.records.custody.checkpoints(),
      verifierKey: door.custody.verifierKey,
    };
    return context.json(answer);
  });
  app.get('/v1/custody/status', async context => {
    await callerOf(context, door);
    return context.json(door.custodyDesk.status() satisfies CustodyStatus);
  });
  app.post('/v1/custody/rotate-key', async context => {
    const caller = await callerOf(context, door);
    return context.json(await door.custodyDesk.rotateKey(await body(context, present), caller));
  });
  app.post('/v1/custody/reconcile', async context => {
    const caller = await callerOf(context, door);
    return context.json(
      (await door.custodyDesk.reconcile(await body(context, reconcile), caller)) satisfies Reconciled,
    );
  });
  app.get('/v1/custody/evidence/:id', async context => {
    const caller = await callerOf(context, door);
    return context.json(await door.custodyDesk.readEvidence(context.req.param('id'), caller));
  });
  app.post('/v1/custody/erase', async context => {
    const caller = await callerOf(context, door);
    return context.json((await door.custodyDesk.erase(await body(context, erase), caller)) satisfies Erased);
  });
  app.get('/v1/custody/entries', async context => {
    const caller = await callerOf(context, door);
    const from = Number(context.req.query('from') ?? 0) || 0;
    const limit = Math.min(Number(context.req.query('limit') ?? 200) || 200, 1000);
    const rows = await door.custodyDesk.entries({ from, limit }, caller);
    const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');
    return context.json({
      entries: rows.map(row => ({ seq: row.seq, bytes: base64(row.bytes), leaf: base64(row.leaf) })),
    });
  });
  return app;
}
