/** A BMC that answers as a real machine did, seen through the Redfish adapter; it ends with its test. */
import { onTestFinished } from 'vitest';
import { openBmcs } from '../../src/adapters/redfish/open-bmcs.ts';
import { type CaptureManners, serveCapture, type Tree } from './capture-server.ts';
import { memoryLedger } from './session-ledger.ts';

export type Captured = {
  manners?: CaptureManners;
  /** The system meant, where the BMC has several. */
  systemUri?: string | undefined;
  now?: () => number;
};

export async function openCaptured(tree: Tree, { manners, ...options }: Captured = {}) {
  const server = await serveCapture(tree, manners);
  onTestFinished(server.close);
  const { url, username, password, spki } = server;
  const { systemUri, now } = options;
  const bmcs = openBmcs({
    bmcs: [{ node: 'node', url, username, password, spki, systemUri }],
    ledger: memoryLedger(),
    timeouts: { retryMs: 5 },
    now,
  });
  return { bmcs, bmc: bmcs.of('node'), server };
}
