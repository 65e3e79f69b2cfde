import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { clientEnvironment, loadConfig } from '../../src/config.ts';
import { allNodes } from '../../src/core/fleet.ts';
import { cluster, configOf, dir, loadText, node, problemsOf, site } from './config-fixture.ts';

it('takes people whom an issuer vouches for, with groups that it may tell, and no passphrase', () => {
  const config = configOf({
    service: { origin: 'groundskeeper.example/test', publicUrl: 'https://gk.example' },
    people: [{ name: 'ana', groups: [], oidc: { subject: 'sub-ana' } }],
    oidc: {
      issuer: 'https://issuer.example/realm',
      clientId: 'gk',
      clientSecret: 'file:./password',
      groups: { claim: 'groups', accept: ['operators'], maxAge: '8h' },
    },
  });
  expect(config.people).toEqual([{ name: 'ana', groups: [], subject: 'sub-ana' }]);
  expect(config.oidc?.clientSecret?.reveal()).toBe('hunter2secret');
  expect(config.oidc).toMatchObject({
    callback: 'https://gk.example/auth/callback',
    groups: { claim: 'groups', accept: ['operators'], maxAgeMs: 8 * 3600_000 },
  });
  expect(JSON.stringify(config)).not.toContain('hunter2secret');
});

describe('a sound configuration', () => {
  it('becomes the fleet, with absolute paths and milliseconds', () => {
    const config = configOf({ rollout: { soak: '1m', planTtl: '2h' }, mcp: { scope: 'plan' } });
    expect(allNodes(config.fleet).map(({ name, site: place }) => [name, place])).toEqual([
      ['n1', 'boston'],
      ['n2', 'boston'],
    ]);
    expect(allNodes(config.fleet)[1]?.server).toEqual({ bmcUrl: 'https://10.1.0.12:8443', credential: 'lab' });
    expect(config.fleet.images[0]?.source).toEqual({ file: join(dir, 'bios.bin') });
    expect(config.kubeconfigs.get('prod')).toEqual({ file: join(dir, 'kubeconfig') });
    expect(config.imageListeners.get('boston')?.bind).toEqual({ host: '0.0.0.0', port: 7480 });
    expect(config.rollout).toMatchObject({ canary: 1, soakMs: 60_000, planTtlMs: 7_200_000, pollIntervalMs: 2000 });
    expect(config.mcp.scope).toBe('plan');
  });

  it('reads checks of gates with their limits, and their tokens wrapped', () => {
    const promql = { url: 'https://prometheus.example/prom', query: 'up', expect: { op: '==', value: 1 } };
    const https = { url: 'http://127.0.0.1:8080/healthz' };
    const gates = [
      { name: 'ceph', after: 'wave', sites: ['boston'], promql, for: '2m', bearer: 'file:password' },
      { name: 'shop', after: 'node', https, timeout: '1m', address: '127.0.0.2' },
    ];
    const { ownChecks, gateTimeoutMs, advance } = configOf({ rollout: { gates, advance: 'manual' } }).rollout;
    expect([gateTimeoutMs, advance]).toEqual([900_000, 'manual']);
    expect(ownChecks).toMatchObject([
      { name: 'ceph', sites: ['boston'], question: { promql }, forMs: 120_000, timeoutMs: 900_000 },
      {
        name: 'shop',
        question: { https: { ...https, expectStatus: 200 } },
        forMs: 0,
        timeoutMs: 60_000,
        address: '127.0.0.2',
      },
    ]);
    expect([ownChecks[0]?.bearer?.reveal(), inspect(ownChecks)]).toEqual([
      'hunter2secret',
      expect.not.stringContaining('hunter2'),
    ]);
  });

  it('lets nobody break glass unless a group is named for it', () => {
    expect(configOf().approvals).toEqual({ maxPendingPerPerson: 10, executeForMs: 28_800_000 });
    const set = { maxPendingPerPerson: 3, executeFor: '2d', breakGlassGroup: 'fire' };
    expect(configOf({ approvals: set }).approvals).toEqual({
      maxPendingPerPerson: 3,
      executeForMs: 172_800_000,
      breakGlassGroup: 'fire',
    });
  });

  it('looks at every server once a minute unless another pace is set, or none', () => {
    expect(configOf().health.sampleEveryMs).toBe(60_000);
    const set = { sampleEvery: '5m', keepSamples: '7d', keepHistory: '730d' };
    const days = 86_400_000;
    expect(configOf({ health: set }).health).toEqual({
      sampleEveryMs: 300_000,
      keepSamplesMs: 7 * days,
      keepHistoryMs: 730 * days,
      cordon: { maxPerCluster: 1, maxPerHour: 3, healthyForMs: 21_600_000, drain: false },
      events: 'on',
    });
    expect(configOf({ health: { sampleEvery: 'off' } }).health.sampleEveryMs).toBe('off');
  });

  it('hears of events unless told otherwise, and lets BMCs push only where a site has an address for it', () => {
    expect(configOf().eventListeners.size).toBe(0);
    const eventListener = { bind: '0.0.0.0:7481', advertise: 'https://10.1.0.1' };
    const config = configOf({ sites: [site({ eventListener })], health: { events: 'off' } });
    const bind = { host: '0.0.0.0', port: 7481 };
    expect([...config.eventListeners]).toEqual([['boston', { bind, advertise: 'https://10.1.0.1' }]]);
    expect(config.health.events).toBe('off');
  });

  it('names where checkpoints are kept outside, none unless told; each anchor is of one kind', () => {
    expect(configOf().custody).toEqual({ anchors: [], anchorEntries: 100, anchorEveryMs: 300_000 });
    const git = { repository: 'anchor.git', remote: 'ssh://git@git.example/custody.git' };
    const custody = { anchors: [{ file: 'checkpoint' }, { git }], maxAnchorAge: '24h' };
    expect(configOf({ custody }).custody).toMatchObject({
      anchors: [{ file: join(dir, 'checkpoint') }, { git: { ...git, repository: join(dir, 'anchor.git') } }],
      maxAnchorAgeMs: 86_400_000,
    });
    const bad = [
      {},
      { file: 'a', git },
      { file: 'a', slack: 'C024BE91L' },
      { git: { ...git, remote: 'https://me:secret@git.example/x' } },
    ];
    for (const anchor of bad) expect(problemsOf({ custody: { anchors: [anchor] } })).not.toEqual([]);
    expect(JSON.stringify(problemsOf({ custody: { anchors: bad } }))).not.toContain('secret');
  });

  it('says how many nodes may be cordoned for their hardware, or none', () => {
    const cordon = { maxPerCluster: 2, maxPerHour: 5, healthyFor: '12h', drain: true };
    expect(configOf({ health: { cordon } }).health.cordon).toEqual({
      maxPerCluster: 2,
      maxPerHour: 5,
      healthyForMs: 43_200_000,
      drain: true,
    });
    expect(configOf({ health: { cordon: 'off' } }).health.cordon).toBe('off');
  });

  it('takes the tighter of two budgets, and a percentage that comes to no node allows none', () => {
    const nodes = Array.from({ length: 9 }, (_, index) => node(`n${index}`, `10.1.0.${index + 1}`));
    const budgetFor = (budget: object) =>
      configOf({ sites: [site({ clusters: [cluster({ nodes, budget })] })] }).fleet.sites[0]?.clusters[0]?.budget;
    expect(budgetFor({ maxUnavailable: 5 })).toEqual({ maxUnavailable: 5 });
    expect(budgetFor({ maxUnavailable: 5, maxPercent: 34 })).toEqual({ maxUnavailable: 3 });
    expect(budgetFor({ maxUnavailable: 2, maxPercent: 100 })).toEqual({ maxUnavailable: 2 });
    expect(budgetFor({ maxUnavailable: 5, maxPercent: 10 })).toEqual({ maxUnavailable: 0 });
  });

  it('holds the etcd endpoints of each cluster', () => {
    const nodes = [{ ...node('n1', '10.1.0.11'), role: 'control-plane' }];
    const etcd = [{ node: 'n1', url: 'http://10.0.0.1:2381/' }];
    const config = configOf({ sites: [site({ clusters: [cluster({ nodes, etcd })] })] });
    expect(config.etcdEndpoints.get('prod')).toEqual([{ node: 'n1', url: 'http://10.0.0.1:2381' }]);
    expect(configOf().etcdEndpoints.get('prod')).toEqual([]);
  });

  it('has safe defaults', () => {
    const config = configOf();
    expect(config.service).toMatchObject({
      listen: { host: '127.0.0.1', port: 7420 },
      allowRemote: false,
      dataDir: join(dir, 'data'),
    });
    expect(config.databaseUrl).toBe('embedded');
    expect(config.policiesDir).toMatch(/policies$/);
    expect(config.mcp.scope).toBe('read');
  });

  it('takes a context of the kubeconfig, or in a Pod the service account that runs it', () => {
    const withContext = cluster({ kubeconfig: { file: 'kubeconfig', context: 'admin' } });
    const config = configOf({ sites: [site({ clusters: [withContext] })] });
    expect(config.kubeconfigs.get('prod')).toEqual({ file: join(dir, 'kubeconfig'), context: 'admin' });
    const inPod = { KUBERNETES_SERVICE_HOST: '10.96.0.1', KUBERNETES_SERVICE_PORT: '443' };
    const inside = cluster({ kubeconfig: { inCluster: true } });
    expect(configOf({ sites: [site({ clusters: [inside] })] }, inPod).kubeconfigs.get('prod')).toEqual({
      inCluster: true,
    });
  });

  it('keeps secrets out of every printed form', () => {
    const config = configOf({ database: 'env:DB' }, { DB: 'postgres://gk:pgsecret@db/gk' });
    expect(config.bmcCredentials.get('lab')?.password.reveal()).toBe('hunter2secret');
    const credentials = Object.fromEntries(config.bmcCredentials);
    for (const shown of [
      inspect(config, { depth: 9, showHidden: true }),
      JSON.stringify({ ...config, credentials }),
      `${config.databaseUrl}`,
    ]) {
      expect(shown).toContain('***');
      expect(shown).not.toMatch(/hunter2|pgsecret|AAAAAA/);
    }
  });
});

describe('a file that cannot be a configuration', () => {
  const found = (text: string) => {
    const result = loadText(text);
    return result.ok ? expect.fail('accepted') : result.problems;
  };

  it('is refused when it bombs the reader', () => {
    const levels = Array.from(
      { length: 12 },
      (_, level) => `l${level + 1}: &l${level + 1} [${Array(9).fill(`*l${level}`).join(',')}]`,
    );
    expect(found(['l0: &l0 [x]', ...levels].join('\n'))).toMatchObject([
      { path: '', found: 'too many aliases or levels' },
    ]);
    expect(found('['.repeat(50_000)).length).toBeLessThan(10);
    expect(found(`# ${'x'.repeat(1024 * 1024)}`)).toMatchObject([{ expected: 'a configuration of at most 1 MiB' }]);
  });

  it('is refused with the place of the mistake, and without its text', () => {
    const problems = found('people:\n  - passphrase: "hunter2\n');
    expect(problems[0]?.found).toMatch(/line \d+, column \d+/);
    expect(JSON.stringify(problems)).not.toContain('hunter2');
    expect(found('a: 1\na: 2')[0]?.found).toContain('line 2');
  });

  it('is refused when it is empty, a list, or missing', () => {
    expect(found('')).toHaveLength(1);
    expect(found('- a')).toHaveLength(1);
    expect(loadConfig(join(dir, 'none.yaml'))).toMatchObject({ ok: false, problems: [{ path: '' }] });
  });
});

describe('what the configuration points at', () => {
  it('is found from the folder of the file, also for policies', () => {
    mkdirSync(join(dir, 'rules'));
    writeFileSync(join(dir, 'rules', 'schema.cedarschema'), '');
    writeFileSync(join(dir, 'rules', 'a.cedar'), '');
    expect(configOf({ policies: './rules' }).policiesDir).toBe(join(dir, 'rules'));
  });

  it('is never shown by value when a secret is unusable', () => {
    const problems = problemsOf({ database: 'env:DB' }, { DB: 'mysql://root:hunter2@db' });
    expect(problems).toMatchObject([{ path: 'database' }]);
    expect(JSON.stringify(problems)).not.toContain('hunter2');
  });
});

describe('the environment of a client', () => {
  it('is its token, its service and its folder', () => {
    expect(clientEnvironment({ HOME: '/home/ana' })).toEqual({ configDir: '/home/ana/.config/groundskeeper' });
    const env = { XDG_CONFIG_HOME: '/x', GROUNDSKEEPER_URL: 'http://localhost:7420', GROUNDSKEEPER_TOKEN: 't' };
    expect(clientEnvironment(env)).toEqual({ url: 'http://localhost:7420', token: 't', configDir: '/x/groundskeeper' });
  });
});
