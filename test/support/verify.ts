/** Verifies the custody log of a running service as a client does: from the bytes that it serves. */
import type { CustodyRow } from '../../src/core/custody.ts';
import { type CustodyVerdict, verifyLog } from '../../src/guard/custody/verify.ts';
import type { Client } from '../../src/surfaces/cli/client.ts';

export async function verifyRunning(client: Client): Promise<CustodyVerdict> {
  const { size, root, peaks, checkpoints, verifierKey } = await client.custodyHead();
  async function* rows(): AsyncGenerator<CustodyRow> {
    for (let from = 0; from < size; ) {
      const page = await client.custodyEntries({ from, limit: Math.min(1000, size - from) });
      yield* page;
      from += page.length;
    }
  }
  const bytes = (text: string) => Buffer.from(text, 'base64');
  const head = { size, root: bytes(root), peaks: peaks.map(bytes) };
  return verifyLog({ rows: rows(), head, checkpoints, verifierKey });
}
