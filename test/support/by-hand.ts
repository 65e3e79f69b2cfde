/** What somebody does to one BMC of a stack past us, with the same account. */
import { readFile } from 'node:fs/promises';
import { Agent, fetch } from 'undici';
import { describeLab } from '../../src/lab/description.ts';
import type { Stack } from './stack.ts';

/** The text of the answer; with a body it is a POST unless said. */
export type Ask = (path: string, body?: object, method?: 'POST' | 'PATCH') => Promise<string>;

/** Paths are below `/redfish/v1`. */
export async function byHand(stack: Stack, node: string): Promise<{ ask: Ask; close(): Promise<void> }> {
  const { account } = describeLab(stack.lab);
  const password = (await readFile(account.passwordFile, 'utf8')).trim();
  const authorization = `Basic ${Buffer.from(`${account.username}:${password}`).toString('base64')}`;
  const dispatcher = new Agent({ connect: { rejectUnauthorized: false } });
  return {
    async ask(path, body, method = 'POST') {
      const headers = { authorization, 'content-type': 'application/json' };
      const init = { headers, dispatcher, ...(body ? { method, body: JSON.stringify(body) } : {}) };
      return (await fetch(`${stack.lab.node(node).server.url}/redfish/v1${path}`, init)).text();
    },
    close: () => dispatcher.close(),
  };
}
