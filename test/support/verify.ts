/** Verifies the custody log of a running service as a client does: from the bytes that it serves. */
import type { CustodyRow } from '../../src/core/custody.ts';
import { type CustodyVerdict, verifyLog } from '../../src/guard/custody/verify.ts';
import type { Client } from '../../src/surfaces/cli/client.ts';

export async function verifyRunning(client: Client): Promise<CustodyVerdict> {
  const { size, root, checkpoints, verifierKey } = await client.custodyHead();
  async function* rows(): AsyncGenerator<CustodyRow> {
    for (let from = 0; from < size; ) {
      const page = await client.custodyEntries({ from, limit: Math.min(1000, size - from) });
      yield* page;
      from += page.length;
    }
  }
  return verifyLog({ rows: rows(), head: { size, root: Buffer.from(root, 'base64') }, checkpoints, verifierKey });
}
