import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { expectFailure, failed, MistakeScene, told, unreachable, usage } from '../support/mistakes.ts';
import { freshDatabase } from '../support/postgres.ts';

const scene = new MistakeScene('127.45');

describe('a wrong configuration', () => {
  const broken = [
    'service: { listen: "127.0.0.1:99999", colour: blue }',
    'database: postgres://gk:hunter2-db@db/gk',
    'people: [{ name: ana, groups: [operators], passphrase: hunter2-plain }]',
    'credentials: { lab: { username: root, password: hunter2-bmc } }',
    'sites: []',
    '',
  ].join('\n');

  it.each(['check', 'serve'])('stops %s: a missing file is named', async command => {
    expectFailure(
      await scene.run(command, '--config', 'none.yaml'),
      usage,
      /none\.yaml has 1 problem: expected a file that can be read.*--config/,
    );
  });

  it.each(['check', 'serve'])('stops %s: all problems together, each with its path, and no secret', async command => {
    await writeFile(join(scene.shell.home, 'broken.yaml'), broken);
    const ran = await scene.run(command, '--config', 'broken.yaml');
    expectFailure(ran, usage, /broken\.yaml has [5-9] problems/);
    for (const path of [
      'service.listen',
      'service.origin',
      'service.colour',
      'database',
      'people[0].passphrase',
      'credentials.lab.password',
      'sites',
    ])
      expect(told(ran)).toContain(` ${path}: expected `);
    expect(ran.stdout + ran.stderr).not.toContain('hunter2');
  });

  it('stops both: what is no YAML is shown by line, not by text', async () => {
    await writeFile(join(scene.shell.home, 'torn.yaml'), 'people: [1, hunter2\n b: }');
    const ran = await scene.run('check', '--config', 'torn.yaml');
    expectFailure(ran, usage, /expected valid YAML.*line 1/);
    expect(ran.stderr).not.toContain('hunter2');
  });
});

describe('a BMC that does not answer', () => {
  it('is unknown with the reason, and nothing is planned on it', async () => {
    const { server } = scene.stack.lab.node('bos-w-3');
    server.faults.set({ kind: 'bmc-down' });
    const ran = await scene.run('get-node-health', 'bos-w-3', '--json');
    expect(ran.code).toBe(0);
    const health = JSON.parse(ran.stdout) as {
      health: string;
      server: Record<string, string>;
      kubernetes: { ready: boolean };
    };
    expect(health.health).toBe('unknown');
    expect(health.kubernetes.ready).toBe(true);
    for (const [reading, value] of Object.entries(health.server))
      expect(value, reading).toMatch(/^unknown \(.*does not accept connections/);
    const page = (await scene.run('get-node-health', 'bos-w-3')).stdout.replace(/\s+/g, ' ');
    expect(page).toMatch(
      /^bos-w-3 \(boston\) health unknown server unknown \(.*does not accept connections.* kubernetes Ready/,
    );
    expect(page.split('does not accept connections')).toHaveLength(2);
    for (const args of [
      ['flash-firmware', 'bos-w-3', scene.image],
      ['drain-node', 'bos-w-3'],
      ['cordon-node', 'bos-w-3'],
    ])
      expectFailure(
        await scene.run(...args),
        unreachable,
        /no plan without facts: .*does not accept connections.*nothing was changed/,
      );
  });
});

describe('a cluster that does not answer', () => {
  it.each([
    ['reset', /cannot be reached/],
    ['unavailable', /\(503\)/],
  ] as const)('(%s) is unknown with the reason, and nothing is planned in it', async (fault, reason) => {
    scene.stack.lab.sites[0]?.cluster.faults.set(fault);
    const ran = await scene.run('get-node-health', 'bos-w-3', '--json');
    expect(ran.code).toBe(0);
    const health = JSON.parse(ran.stdout) as { health: string; server: { power: string }; kubernetes: string };
    expect(health).toMatchObject({
      health: 'unknown',
      server: { power: 'on' },
      kubernetes: expect.stringMatching(reason),
    });
    for (const args of [
      ['flash-firmware', 'bos-w-3', scene.image],
      ['drain-node', 'bos-w-3'],
      ['plan-firmware-rollout', 'boston'],
    ])
      expectFailure(
        await scene.run(...args),
        unreachable,
        new RegExp(`no plan without facts: .*${reason.source}.*nothing was changed`),
      );
  });
});

describe('a service that cannot start', () => {
  it('does not start without its database, and says which', async () => {
    const nowhere = { GROUNDSKEEPER_TEST_DATABASE: 'postgresql://gk:hunter2@127.0.0.1:1/gk' };
    const ran = await scene.shell.run(['serve', '--config', scene.stack.config.file], nowhere);
    expectFailure(ran, failed, /the database cannot be used: .*ECONNREFUSED.*check that Postgres runs/);
    expect(ran.stderr).not.toContain('hunter2');
    expectFailure(
      await scene.shell.run(['serve', '--config', scene.stack.config.file]),
      usage,
      /database: expected .*GROUNDSKEEPER_TEST_DATABASE/,
    );
  });

  /** The running configuration with some text replaced, as a file of its own. */
  async function variant(name: string, ...replacements: [from: string, to: string][]): Promise<string> {
    let text = await readFile(scene.stack.config.file, 'utf8');
    for (const [from, to] of replacements) {
      expect(text).toContain(from);
      text = text.replaceAll(from, to);
    }
    const file = join(scene.stack.config.file, '..', name);
    await writeFile(file, text, { mode: 0o600 });
    return file;
  }

  it('does not start on the same port, nor where its images are served already, and lets go of all that it opened', async () => {
    const { port } = new URL(scene.url);
    const own = await freshDatabase();
    const env = { GROUNDSKEEPER_TEST_DATABASE: own.url };
    const samePort = await variant(
      'same-port.yaml',
      ['127.0.0.1:0', `127.0.0.1:${port}`],
      ['127.45.1.1:8080', '127.45.1.1:8081'],
      ['./data', './data-2'],
    );
    const taken = await scene.shell.run(['serve', '--config', samePort], env);
    expectFailure(taken, failed, new RegExp(`cannot listen on 127\\.0\\.0\\.1:${port}.*change service\\.listen`));
    const sameImages = await variant('same-images.yaml', ['./data', './data-2']);
    const images = await scene.shell.run(['serve', '--config', sameImages], env);
    expectFailure(images, failed, /127\.45\.1\.1:8080.*Hint: /);
    expect((await scene.run('whoami')).code).toBe(0);

    // What failed to start holds neither the database's lock nor a port: the next start succeeds.
    const free = await variant('free.yaml', ['127.45.1.1:8080', '127.45.1.1:8081'], ['./data', './data-2']);
    const service = scene.shell.start(['serve', '--config', free], env);
    await service.says(/serves on http:\/\/127\.0\.0\.1:\d+/);
    service.interrupt();
    expect((await service.ended).code).toBe(0);
    await own.drop();
  });
});

describe('a wrong password of the BMCs', () => {
  it('is tried at most twice on each, whatever is asked, and is never shown', async () => {
    const right = await readFile(scene.stack.lab.account.passwordFile, 'utf8');
    await scene.stack.service().stop();
    await writeFile(scene.stack.lab.account.passwordFile, 'hunter2-wrong');
    await scene.stack.start();
    const from = scene.stack.lab.effects.since().length;
    const answers = [
      await scene.run('get-node-health', 'bos-w-3', '--json'),
      await scene.run('get-fleet-overview', '--json'),
      await scene.run('flash-firmware', 'bos-w-3', scene.image),
      await scene.run('get-firmware-compliance', 'boston', '--json'),
      await scene.run('get-node-health', 'bos-w-3', '--json'),
      await scene.run('drain-node', 'bos-w-1'),
      await scene.run('plan-firmware-rollout', 'boston'),
    ];
    const refused = scene.stack.lab.effects
      .since(from)
      .filter(({ path, status }) => path.endsWith('/Sessions') && status === 401);
    expect(refused.length).toBeGreaterThan(0);
    for (const { name } of scene.stack.lab.sites[0]?.nodes ?? [])
      expect(refused.filter(effect => effect.name === name).length, name).toBeLessThanOrEqual(2);
    expect(answers.map(({ code }) => code)).toEqual([0, 0, unreachable, 0, 0, unreachable, failed]);
    expect(answers[0]?.stdout).toMatch(/"health": "unknown"/);
    expect(answers[4]?.stdout).toMatch(/refused the credential twice; no further log-in before/);
    for (const { stdout, stderr } of answers) {
      expect(stdout + stderr).not.toContain('hunter2');
      expect(stdout + stderr).not.toContain(right);
    }
    await scene.stack.service().stop();
    await writeFile(scene.stack.lab.account.passwordFile, right);
    await scene.stack.start();
    expect((await scene.run('get-node-health', 'bos-w-3', '--json')).stdout).toMatch(/"health": "ok"/);
  });
});
