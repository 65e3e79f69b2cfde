/** Who asks of one site, or has its digest, is told what is done there and nothing of other sites. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ChangeAnswer } from '../../src/core/change.ts';
import { renderBlocks } from '../../src/surfaces/cli/render.ts';
import { type Stack, startStack } from '../support/stack.ts';

let stack: Stack;

beforeAll(async () => {
  const to = [{ stdout: true }];
  const digests = [['boston'], ['chicago'], ['boston', 'chicago']].map(sites => {
    return { name: sites.join('-'), cron: '0 7 1 1 *', sites, to };
  });
  stack = await startStack({
    ...{ addressBase: '127.180', sites: 2, controlPlanes: 1, workers: 2 },
    configure: document => Object.assign(document, { digests }),
  });
});
afterAll(() => stack?.close());

it('requests, operations and freezes of a site are told of where they are, and once', async () => {
  const asker = await stack.client('requester');
  const [here = '', there = ''] = stack.lab.sites.map(({ name }) => name);
  const node = stack.lab.sites[1]?.nodes.find(({ role }) => role === 'worker')?.name;
  const { approval = '' } = (await asker.callTool('drainNode', { node, deleteEmptyDir: true }))
    .output as unknown as ChangeAnswer;
  await asker.callTool('freezeChanges', { reason: 'storm', site: there });
  const overview = async (site?: string) => JSON.stringify((await asker.callTool('getFleetOverview', { site })).output);
  const told = async (name: string) => renderBlocks(await asker.digestNow(name), { columns: 120, color: false });
  for (const shown of [await overview(there), await overview(), await told(there)]) {
    expect(shown).toContain(approval);
    expect(shown).toContain('storm');
  }
  for (const shown of [await overview(here), await told(here)]) {
    expect(shown).not.toContain(approval);
    expect(shown).not.toContain('storm');
  }
  const both = await told(`${here}-${there}`);
  expect([both.split(approval).length, both.split('storm').length]).toEqual([2, 2]);
});
