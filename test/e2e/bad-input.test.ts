import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import type { ChangeAnswer } from '../../src/core/change.ts';
import { connect } from '../../src/surfaces/cli/client.ts';
import { exitCodeHelp } from '../../src/surfaces/cli/exit-codes.ts';
import {
  denied,
  expectFailure,
  failed,
  MistakeScene,
  notLoggedIn,
  told,
  unreachable,
  usage,
} from '../support/mistakes.ts';
import type { Ran } from '../support/program.ts';

const scene = new MistakeScene('127.42');

describe('a wrong command line', () => {
  it('lists in --help every exit status that is used here', async () => {
    const { stdout, code } = await scene.run('--help');
    expect(code).toBe(0);
    for (const [status, meaning] of exitCodeHelp) expect(stdout).toContain(`\n  ${status}  ${meaning}`);
  });

  it.each<[string, string[], number, RegExp]>([
    ['an unknown node', ['get-node-health', 'bos-w-11'], failed, /no node "bos-w-11".*did you mean: bos-w-1,/],
    ['a node like none', ['drain-node', 'mars'], failed, /no node "mars".*known are: bos-cp-1,/],
    ['an unknown site', ['plan-firmware-rollout', 'bostan'], failed, /no site "bostan".*did you mean: boston/],
    [
      'an unknown image',
      ['flash-firmware', 'bos-w-3', 'none'],
      failed,
      /no firmware image "none".*known are: dell-bios/,
    ],
    ['a word for a number', ['list-operations', '--limit', 'many'], usage, /'many' is invalid.*not a number/],
    ['a number out of range', ['list-operations', '--limit', '0'], usage, /--limit: .*1.*list-operations --help/],
    ['an unknown option', ['get-node-health', 'bos-w-1', '--fast'], usage, /unknown option '--fast'/],
    ['an argument too many', ['drain-node', 'bos-w-1', 'bos-w-2'], usage, /too many arguments.*Expected 1/],
    ['a missing argument', ['flash-firmware', 'bos-w-3'], usage, /missing required argument 'image'/],
    ['an unknown command', ['get-node-helth', 'bos-w-1'], usage, /unknown command.*get-node-health/],
    ['an unknown plan', ['start-plan', 'plan-0000000000', 'sha256:0'], failed, /no plan plan-0000000000/],
    ['an unknown request', ['approvals', 'show', 'apr-0000000000'], failed, /no approval request apr-0000000000/],
    ['an unknown operation', ['get-operation', 'op-0000000000', '--watch'], failed, /no operation op-0000000000/],
    ['an address in place of an id', ['get-plan', '../approvals'], failed, /no plan \.\.\/approvals/],
    [
      'an export that is not there',
      ['custody', 'verify', '--export', 'nowhere'],
      usage,
      /no readable file "checkpoint"/,
    ],
  ])('says so for %s', async (_what, args, code, message) => {
    expectFailure(await scene.run(...args), code, message);
  });

  it('says it as JSON where JSON was asked for', async () => {
    const { code, stderr } = await scene.run('get-node-health', 'bos-w-11', '--json');
    expect(code).toBe(failed);
    expect(JSON.parse(stderr)).toMatchObject({
      error: { code: 'not_found', retry: 'never', hint: expect.stringContaining('bos-w-1') },
    });
  });
});

describe('a wrong request past the command line', () => {
  it.each<[string, string, string, number, RegExp]>([
    ['an unknown tool', '/v1/tools/eraseDisks', '{}', 404, /no tool "eraseDisks".*known are: getFleetOverview/],
    ['a wrong type', '/v1/tools/drainNode', '{"node":7}', 400, /drainNode.*node: .*expected: node/],
    ['an unknown argument', '/v1/tools/drainNode', '{"node":"bos-w-1","now":true}', 400, /now.*expected: node/],
    ['no JSON', '/v1/tools/drainNode', '{"node":', 400, /not JSON/],
    ['no object', '/v1/tools/drainNode', '["bos-w-1"]', 400, /drainNode cannot take this/],
    ['nothing at the address', '/v1/eraseDisks', '{}', 404, /nothing at this address/],
    // Last: the connection is closed with the rest of the body unread.
    ['too much', '/v1/tools/drainNode', `{"node":"${'x'.repeat(2_000_000)}"}`, 413, /at most 1 MiB/],
  ])('is refused: %s', async (_what, path, body, status, message) => {
    const headers = { authorization: `Bearer ${scene.token}`, 'content-type': 'application/json' };
    const answer = await fetch(`${scene.url}${path}`, { method: 'POST', headers, body });
    expect(answer.status).toBe(status);
    const { error } = (await answer.json()) as { error: { message: string; hint?: string } };
    expect(`${error.message} ${error.hint}`).toMatch(message);
  });
});

describe('who is not logged in', () => {
  it('is told to log in', async () => {
    for (const args of [
      ['get-fleet-overview'],
      ['drain-node', 'bos-w-1'],
      ['approvals', 'list'],
      ['custody', 'verify'],
      ['mcp'],
    ])
      expectFailure(await scene.shell.run(args), notLoggedIn, /you are not logged in to http.*groundskeeper login/);
  });

  it('gets nowhere with a token that is invented, torn or expired', async () => {
    const invented = await scene.shell.run(['whoami'], { GROUNDSKEEPER_TOKEN: 'x'.repeat(43) });
    expectFailure(invented, notLoggedIn, /not logged in, or the log-in expired.*groundskeeper login/);
    expectFailure(
      await scene.shell.run(['whoami'], { GROUNDSKEEPER_TOKEN: 'torn' }),
      notLoggedIn,
      /not logged in.*groundskeeper login/,
    );

    const { url } = scene;
    const { token: old } = await connect({ url }).login({ ...scene.stack.config.people[0], channel: 'cli' });
    const newest = 'select token_hash from login order by expires_at desc limit 1';
    await scene.db.query(`update login set expires_at = now() - interval '1 second' where token_hash = (${newest})`);
    expectFailure(
      await scene.shell.run(['drain-node', 'bos-w-1'], { GROUNDSKEEPER_TOKEN: old }),
      notLoggedIn,
      /the log-in expired.*groundskeeper login/,
    );
  });

  it('is refused with a wrong passphrase, and nothing is kept', async () => {
    const wrong = await scene.shell.fileWith('open sesame');
    for (const name of ['day-shift', 'nobody']) {
      const ran = await scene.shell.run(['login', '--name', name, '--passphrase-file', wrong]);
      expectFailure(ran, notLoggedIn, /name and passphrase do not match/);
    }
    expectFailure(await scene.shell.run(['whoami']), notLoggedIn, /not logged in/);
    expectFailure(
      await scene.shell.run(['login', '--name', 'day-shift', '--passphrase-file', 'none']),
      usage,
      /passphrase file cannot be read/,
    );
    expectFailure(
      await scene.shell.run(['login', '--name', 'day-shift']),
      usage,
      /no terminal to ask on.*--passphrase-file PATH/,
    );
  });
});

describe('a service that is not there', () => {
  it('is named, with what to do', async () => {
    const gone = { GROUNDSKEEPER_TOKEN: scene.token, GROUNDSKEEPER_URL: 'http://127.0.0.1:1' };
    for (const args of [['get-fleet-overview'], ['drain-node', 'bos-w-1'], ['mcp']])
      expectFailure(
        await scene.shell.run(args, gone),
        unreachable,
        /does not answer at http:\/\/127\.0\.0\.1:1 .*groundskeeper serve/,
      );
  });

  it('is not mistaken for something else that answers, and no token goes out in the clear', async () => {
    const seen: string[] = [];
    const other = createServer((request, response) => {
      seen.push(request.url ?? '');
      response.end('<html>hello</html>');
    });
    await new Promise<void>(resolve => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as AddressInfo;
    expectFailure(
      await scene.run('--url', `http://127.0.0.1:${port}`, 'whoami'),
      unreachable,
      /not the Groundskeeper service.*--url/,
    );
    expect(seen).toEqual(['/v1/me']);
    other.close();
    expectFailure(
      await scene.run('--url', 'http://192.0.2.1:7420', 'whoami'),
      usage,
      /plain HTTP would send the token.*use https/,
    );
    expectFailure(await scene.run('--url', 'ftp://127.0.0.1', 'whoami'), usage, /scheme, host and port/);
  });
});

describe('a decision that is not one', () => {
  let change: ChangeAnswer;

  it('with a wrong digest, passphrase or person leaves the request as it was', async () => {
    const planned = await scene.run(
      'flash-firmware',
      'bos-w-3',
      scene.image,
      '--delete-empty-dir',
      '--dry-run',
      '--json',
    );
    change = JSON.parse(planned.stdout) as ChangeAnswer;
    expect(change.status).toBe('planned');
    await scene.accept();
    const other = `sha256:${'0'.repeat(64)}`;
    expectFailure(
      await scene.run('start-plan', change.plan, other),
      failed,
      /digest is not that of plan.*get-plan plan-/,
    );
    await scene.expectNoTrace();

    const asked = await scene.run('start-plan', change.plan, change.digest, '--json');
    change = JSON.parse(asked.stdout) as ChangeAnswer;
    expect(change.status).toBe('approval_required');
    await scene.accept();

    const id = change.approval ?? '';
    const approver = await scene.stack.client('approver');
    const { token: theirs } = await connect({ url: approver.url }).login({
      ...scene.stack.config.people[1],
      channel: 'cli',
    });
    const right = await scene.shell.fileWith(scene.stack.passphrase('approver'));
    const wrong = await scene.shell.fileWith('open sesame');
    const approve = (voter: string, ...more: string[]) =>
      scene.shell.run(['approvals', 'approve', id, ...more], { GROUNDSKEEPER_TOKEN: voter });
    const refusals: [Ran, number, RegExp][] = [
      [
        await approve(theirs, '--digest', '0'.repeat(12), '--passphrase-file', right),
        failed,
        /nothing was voted.*read the plan again/,
      ],
      [await approve(theirs, '--digest', 'abc', '--passphrase-file', right), usage, /at least 12 hex digits/],
      [await approve(theirs, '--passphrase-file', wrong), notLoggedIn, /do not match/],
      [await approve(theirs), usage, /no terminal to ask on.*--passphrase-file/],
      [
        await approve(
          scene.token,
          '--passphrase-file',
          await scene.shell.fileWith(scene.stack.passphrase('requester')),
        ),
        denied,
        /asked for this plan and cannot vote on it.*another person/,
      ],
      [await scene.shell.run(['approvals', 'reject', id], { GROUNDSKEEPER_TOKEN: theirs }), usage, /--reason/],
    ];
    for (const [ran, code, message] of refusals) {
      expect(told(ran)).toMatch(message);
      expect(ran.code, told(ran)).toBe(code);
    }
    expect((await approver.approval(id)).approval).toMatchObject({ state: 'pending', votes: [] });
  });
});
