import { describe, expect, it } from 'vitest';
import { cluster, document, hash, image, loadText, node, problemsOf, site } from './config-fixture.ts';

/** Lists of etcd endpoints of a cluster whose only control-plane node is n1. */
function etcdMistakes(): [string, object, string][] {
  const nodes = [{ ...node('n1', '10.1.0.11'), role: 'control-plane' }, node('n2', '10.1.0.12')];
  const url = 'http://10.0.0.1:2381';
  const listed = (...etcd: object[]) => ({ sites: [site({ clusters: [cluster({ nodes, etcd })] })] });
  const at = (index: number, key: string) => `sites[0].clusters[0].etcd[${index}].${key}`;
  return [
    ['an etcd endpoint of a worker', listed({ node: 'n2', url }), at(0, 'node')],
    ['an etcd endpoint of a node elsewhere', listed({ node: 'n3', url }), at(0, 'node')],
    ['two etcd endpoints of one node', listed({ node: 'n1', url }, { node: 'n1', url: `${url}0` }), at(1, 'node')],
    ['one etcd endpoint twice', listed({ node: 'n1', url }, { node: 'n1', url: `${url}/` }), at(1, 'url')],
    ['an etcd endpoint with a path', listed({ node: 'n1', url: `${url}/metrics` }), at(0, 'url')],
    ['an etcd endpoint with a password', listed({ node: 'n1', url: 'http://a:hunter2@10.0.0.1:2381' }), at(0, 'url')],
    ['an etcd endpoint without address', listed({ node: 'n1' }), at(0, 'url')],
  ];
}

/** Checks of one's own that are not what they should be. */
function gateMistakes(): [string, object, string][] {
  const promql = { url: 'https://prometheus.example', query: 'up', expect: { op: '==', value: 1 } };
  const good = { name: 'ceph', after: 'wave', promql };
  const gates = (...list: object[]) => ({ rollout: { gates: list } });
  const asked = (change: object) => gates({ ...good, promql: { ...promql, ...change } });
  const at = (key: string) => `rollout.gates[0]${key}`;
  return [
    ['a gate that asks nothing', gates({ name: 'ceph', after: 'wave' }), at('')],
    ['a gate that asks twice', gates({ ...good, https: { url: 'https://shop.example' } }), at('')],
    ['a gate over plain HTTP', asked({ url: 'http://10.1.0.9' }), at('.promql.url')],
    ['a gate with a password in its address', asked({ url: 'https://a:hunter2@prom.example' }), at('.promql.url')],
    ['a comparison that nobody knows', asked({ expect: { op: '=', value: 1 } }), at('.promql.expect.op')],
    ['a comparison with a text', asked({ expect: { op: '==', value: '1' } }), at('.promql.expect.value')],
    ['a node after a wave', asked({ query: 'up{node="$node"}' }), at('.promql.query')],
    ['a gate without a limit', gates({ ...good, timeout: '0s' }), at('.timeout')],
    ['a gate of a site that is not there', gates({ ...good, sites: ['paris'] }), at('.sites[0]')],
    ['a gate of no site', gates({ ...good, sites: [] }), at('.sites')],
    ['a token that stands in the file', gates({ ...good, bearer: 'hunter2' }), at('.bearer')],
    ['a token that is not there', gates({ ...good, bearer: 'env:NOWHERE' }), at('.bearer')],
    ['an authority that is no certificate', gates({ ...good, ca: 'password' }), at('.ca')],
    ['a name where an address should be', gates({ ...good, address: 'prometheus' }), at('.address')],
    ['two gates of one name', gates(good, good), 'rollout.gates[1].name'],
  ];
}

function directoryMistakes(): [string, object, string][] {
  const directory = (change: object) => ({ directory: { file: 'groups.yaml', accept: ['operators'], ...change } });
  return [
    ['a directory that is not there', directory({}), 'directory.file'],
    ['a directory that is none', directory({ file: 'kubeconfig' }), 'directory.file'],
    ['a directory that may give nothing', directory({ accept: [] }), 'directory.accept'],
    [
      "a directory that may give the program's own group",
      directory({ accept: ['groundskeeper'] }),
      'directory.accept[0]',
    ],
  ];
}

function calendarMistakes(): [string, object, string][] {
  const night = { from: '22:00', to: '05:00' };
  const rest = { from: '2026-12-20', to: '2027-01-03', reason: 'year end' };
  const windows = (change: object) => ({ sites: [site({ windows: [{ ...night, ...change }] })] });
  const freezes = (change: object) => ({ sites: [site({ changeFreezes: [{ ...rest, ...change }] })] });
  return [
    ['a window on a day that nobody knows', windows({ days: ['Monday'] }), 'sites[0].windows[0].days[0]'],
    ['a window on no day', windows({ days: [] }), 'sites[0].windows[0].days'],
    ['a window from an hour that is none', windows({ from: '24:00' }), 'sites[0].windows[0].from'],
    ['a window without an end', windows({ to: undefined }), 'sites[0].windows[0].to'],
    ['a change freeze that ends before it begins', freezes({ to: '2026-12-19' }), 'sites[0].changeFreezes[0].to'],
    ['a change freeze on a day that is none', freezes({ to: '2027-02-30' }), 'sites[0].changeFreezes[0].to'],
    ['a change freeze without a reason', freezes({ reason: undefined }), 'sites[0].changeFreezes[0].reason'],
    [
      'a change freeze of the fleet without an end',
      { changeFreezes: [{ ...rest, to: undefined }] },
      'changeFreezes[0].to',
    ],
  ];
}

/** An issuer, and people who log in there, with one thing wrong each. */
function oidcMistakes(): [string, object, string][] {
  const publicUrl = 'https://gk.example';
  const issuer = { issuer: 'https://issuer.example/realm', clientId: 'gk' };
  const ana = { name: 'ana', groups: ['operators'], oidc: { subject: 'sub-ana' } };
  const whole = (oidc: object, url: string | undefined = publicUrl, people: object[] = [ana]) => ({
    service: { origin: 'groundskeeper.example/test', ...(url === '' ? {} : { publicUrl: url }) },
    people,
    oidc: { ...issuer, ...oidc },
  });
  const groups = (change: object) => whole({ groups: { claim: 'groups', accept: ['operators'], ...change } });
  return [
    ['an issuer in the clear', whole({ issuer: 'http://issuer.example' }), 'oidc.issuer'],
    ['an issuer with a query', whole({ issuer: 'https://issuer.example/?x=1' }), 'oidc.issuer'],
    ['an issuer with a password', whole({ issuer: 'https://a:b@issuer.example' }), 'oidc.issuer'],
    ['a client secret in the file', whole({ clientSecret: 'hunter2' }), 'oidc.clientSecret'],
    ['a client secret that is missing', whole({ clientSecret: 'file:./none' }), 'oidc.clientSecret'],
    ['an unknown key beside the issuer', whole({ scopes: ['email'] }), 'oidc.scopes'],
    ['no claimed groups to accept', groups({ accept: [] }), 'oidc.groups.accept'],
    ['a claim of the group of the program itself', groups({ accept: ['Groundskeeper'] }), 'oidc.groups.accept[0]'],
    ['claimed groups without age', groups({ maxAge: '0s' }), 'oidc.groups.maxAge'],
    ['an issuer, and no address for browsers', whole({}, ''), 'service.publicUrl'],
    ['an address for browsers in the clear', whole({}, 'http://gk.example'), 'service.publicUrl'],
    ['an address for browsers with a path', whole({}, 'https://gk.example/x'), 'service.publicUrl'],
    [
      'a person whom nobody vouches for',
      whole({}, publicUrl, [ana, { name: 'ben', groups: [] }]),
      'people[1].passphrase',
    ],
    ['one subject for two names', whole({}, publicUrl, [ana, { ...ana, name: 'ben' }]), 'people[1].oidc.subject'],
    ['a subject without issuer', { people: [ana] }, 'people[0].oidc.subject'],
  ];
}

describe('a configuration is refused', () => {
  const place = 'sites[0].clusters[0]';
  const nodes = (...list: object[]) => ({ sites: [site({ clusters: [cluster({ nodes: list })] })] });
  it.each<[string, object, string]>([
    ['an unknown key', { polices: './p' }, 'polices'],
    ['a key unknown further in', nodes({ ...node('n1', '10.1.0.11'), rack: 7 }), `${place}.nodes[0].rack`],
    [
      'a budget of zero',
      { sites: [site({ clusters: [cluster({ budget: { maxUnavailable: 0 } })] })] },
      `${place}.budget.maxUnavailable`,
    ],
    [
      'a budget that is left out',
      { sites: [site({ clusters: [cluster({ budget: {} })] })] },
      `${place}.budget.maxUnavailable`,
    ],
    ...[0, 101, 12.5, '10%'].map((maxPercent): [string, object, string] => [
      `a budget of ${maxPercent} percent`,
      { sites: [site({ clusters: [cluster({ budget: { maxUnavailable: 2, maxPercent } })] })] },
      `${place}.budget.maxPercent`,
    ]),
    [
      'a password that stands in the file',
      { credentials: { lab: { username: 'admin', password: 'hunter2' } } },
      'credentials.lab.password',
    ],
    [
      'a password file that is missing',
      { credentials: { lab: { username: 'admin', password: 'file:./none' } } },
      'credentials.lab.password',
    ],
    [
      'a variable that is not set',
      { credentials: { lab: { username: 'admin', password: 'env:NOWHERE' } } },
      'credentials.lab.password',
    ],
    ['a database URL that stands in the file', { database: 'postgres://gk:hunter2@db/gk' }, 'database'],
    [
      'a kubeconfig file beside inCluster',
      { sites: [site({ clusters: [cluster({ kubeconfig: { file: 'kubeconfig', inCluster: true } })] })] },
      `${place}.kubeconfig.inCluster`,
    ],
    [
      'a context beside inCluster',
      { sites: [site({ clusters: [cluster({ kubeconfig: { inCluster: true, context: 'admin' } })] })] },
      `${place}.kubeconfig.context`,
    ],
    [
      'inCluster where this is no Pod',
      { sites: [site({ clusters: [cluster({ kubeconfig: { inCluster: true } })] })] },
      `${place}.kubeconfig.inCluster`,
    ],
    [
      'inCluster that is no',
      { sites: [site({ clusters: [cluster({ kubeconfig: { inCluster: false } })] })] },
      `${place}.kubeconfig.inCluster`,
    ],
    [
      'a kubeconfig that is missing',
      { sites: [site({ clusters: [cluster({ kubeconfig: { file: 'none' } })] })] },
      `${place}.kubeconfig.file`,
    ],
    ['an image that is missing', { firmware: [image({ file: 'none.bin' })] }, 'firmware[0].file'],
    ['an image with another checksum', { firmware: [image({ sha256: 'a'.repeat(64) })] }, 'firmware[0].sha256'],
    ['an image with file and url', { firmware: [image({ url: 'https://example.com/x' })] }, 'firmware[0]'],
    ['an image with neither', { firmware: [image({ file: undefined })] }, 'firmware[0]'],
    [
      'an image over plain http',
      { firmware: [image({ file: undefined, url: 'http://example.com/x' })] },
      'firmware[0].url',
    ],
    ['a policies folder that is missing', { policies: './none' }, 'policies'],
    [
      'an unknown credential',
      nodes(node('n1', '10.1.0.11', { credential: 'other' })),
      `${place}.nodes[0].server.bmc.credential`,
    ],
    [
      'a credential named like a built-in',
      nodes(node('n1', '10.1.0.11', { credential: 'constructor' })),
      `${place}.nodes[0].server.bmc.credential`,
    ],
    ['an unknown baseline', { sites: [site({ baseline: 'autumn' })] }, 'sites[0].baseline'],
    ['an unknown image', { baselines: [{ name: 'spring', images: ['none'] }] }, 'baselines[0].images[0]'],
    [
      'a baseline that contradicts itself',
      {
        firmware: [image(), image({ id: 'bios-old' })],
        baselines: [{ name: 'spring', images: ['bios-new', 'bios-old'] }],
      },
      'baselines[0].images[1]',
    ],
    ['an image for drives of no model', { firmware: [image({ component: 'drive' })] }, 'firmware[0].drives'],
    ['an image of a BIOS for drives', { firmware: [image({ drives: ['PM9A3'] })] }, 'firmware[0].drives'],
    [
      'a baseline with two images for one drive',
      {
        firmware: [
          image({ component: 'drive', drives: ['PM9A3'] }),
          image({ id: 'others', component: 'drive', drives: ['CM6'] }),
          image({ id: 'again', component: 'drive', drives: ['CM7', 'PM9A3'] }),
        ],
        baselines: [{ name: 'spring', images: ['bios-new', 'others', 'again'] }],
      },
      'baselines[0].images[2]',
    ],
    ['a BMC outside of the network', nodes(node('n1', '10.2.0.11')), `${place}.nodes[0].server.bmc.url`],
    ['a BMC by name', nodes(node('n1', 'bmc.example.com')), `${place}.nodes[0].server.bmc.url`],
    [
      'a BMC over http',
      nodes({ ...node('n1', ''), server: { bmc: { url: 'http://10.1.0.11', credential: 'lab' } } }),
      `${place}.nodes[0].server.bmc.url`,
    ],
    ['a BMC with a path', nodes(node('n1', '10.1.0.11/redfish/v1')), `${place}.nodes[0].server.bmc.url`],
    [
      'one BMC twice, spelled differently',
      nodes(node('n1', '10.1.0.11'), node('n2', '10.1.11:443')),
      `${place}.nodes[1].server.bmc.url`,
    ],
    [
      'spki and ca together',
      nodes(node('n1', '10.1.0.11', { spki: `${'A'.repeat(43)}=`, ca: 'kubeconfig' })),
      `${place}.nodes[0].server.bmc`,
    ],
    [
      'a ca that is no certificate',
      nodes(node('n1', '10.1.0.11', { ca: 'kubeconfig' })),
      `${place}.nodes[0].server.bmc.ca`,
    ],
    ['one node name twice', nodes(node('n1', '10.1.0.11'), node('n1', '10.1.0.12')), `${place}.nodes[1].name`],
    [
      'one node name in two letter cases',
      nodes(node('n1', '10.1.0.11'), node('N1', '10.1.0.12')),
      `${place}.nodes[1].name`,
    ],
    ['a look-alike node name', nodes(node('nоde1', '10.1.0.11')), `${place}.nodes[0].name`],
    [
      'one person twice',
      { people: [0, 1].map(() => ({ name: 'ana', groups: ['operators'], passphrase: hash })) },
      'people[1].name',
    ],
    [
      'a passphrase that is no hash',
      { people: [{ name: 'ana', groups: ['operators'], passphrase: 'hunter2' }] },
      'people[0].passphrase',
    ],
    [
      'a person by the name of the program itself',
      { people: [{ name: 'groundskeeper', groups: ['operators'], passphrase: hash }] },
      'people[0].name',
    ],
    [
      'a person in the group of the program itself',
      { people: [{ name: 'ana', groups: ['operators', 'groundskeeper'], passphrase: hash }] },
      'people[0].groups[1]',
    ],
    ['no cordon for hardware at once', { health: { cordon: { maxPerCluster: 0 } } }, 'health.cordon.maxPerCluster'],
    ['no cordon for hardware an hour', { health: { cordon: { maxPerHour: 0 } } }, 'health.cordon.maxPerHour'],
    [
      'a cordon for hardware that is released at once',
      { health: { cordon: { healthyFor: '0s' } } },
      'health.cordon.healthyFor',
    ],
    ['a misspelt limit of such cordons', { health: { cordon: { maxPerHuor: 3 } } }, 'health.cordon.maxPerHuor'],
    ['a word for it that is not off', { health: { cordon: 'on' } }, 'health.cordon'],
    ...oidcMistakes(),
    ['no operators', { people: [{ name: 'ana', groups: [], passphrase: hash }] }, 'people'],
    [
      'one cluster name at two sites',
      {
        sites: [
          site(),
          site({ name: 'oslo', bmcNetwork: '10.2.0.0/16', clusters: [cluster({ nodes: [node('o1', '10.2.0.1')] })] }),
        ],
      },
      'sites[1].clusters[0].name',
    ],
    ...etcdMistakes(),
    ...calendarMistakes(),
    ...directoryMistakes(),
    ['a site with the name that stands for each', { sites: [site({ name: 'site' })] }, 'sites[0].name'],
    ['an unknown time zone', { sites: [site({ timeZone: 'Mars/Olympus' })] }, 'sites[0].timeZone'],
    ['a network that lets everything in', { sites: [site({ bmcNetwork: '0.0.0.0/0' })] }, 'sites[0].bmcNetwork'],
    ['a service for other machines', { service: { origin: 'x.example', listen: '0.0.0.0:7420' } }, 'service.listen'],
    ['a duration without unit', { rollout: { soak: '10' } }, 'rollout.soak'],
    ['a poll interval of zero', { rollout: { pollInterval: '0s' } }, 'rollout.pollInterval'],
    ['metrics for other machines', { metrics: { listen: '0.0.0.0:9464' } }, 'metrics.listen'],
    ['looks without a pause', { health: { sampleEvery: '0s' } }, 'health.sampleEvery'],
    ['samples that are kept for years', { health: { keepSamples: '400d' } }, 'health.keepSamples'],
    ['a scope that does not exist', { mcp: { scope: 'admin' } }, 'mcp.scope'],
    ...gateMistakes(),
    ['a canary of none', { rollout: { canary: 0 } }, 'rollout.canary'],
  ])('for %s', (_, change, path) => {
    const problems = problemsOf(change);
    expect(problems.map(problem => problem.path)).toContain(path);
    expect(JSON.stringify(problems)).not.toContain('hunter2');
    for (const { expected, found } of problems) expect([expected, found]).not.toContain('');
  });

  it('with every problem at once, also those inside entries that are malformed', () => {
    const broken = { ...node('n1', '10.2.0.11', { credential: 'other' }), role: 'boss' };
    const paths = problemsOf({
      people: [{ name: 'Ana', groups: [], passphrase: 'x' }],
      database: 'env:NOWHERE',
      sites: [
        site({ timeZone: 7, baseline: 'autumn', clusters: [cluster({ kubeconfig: {}, nodes: [broken, broken] })] }),
      ],
      mcp: { scope: 'all' },
    }).map(problem => problem.path);
    const bmc = (index: number) => `${place}.nodes[${index}].server.bmc`;
    expect(paths.toSorted()).toEqual(
      [
        'people[0].name',
        'people[0].passphrase',
        'people',
        'database',
        'mcp.scope',
        'sites[0].timeZone',
        'sites[0].baseline',
        `${place}.kubeconfig.file`,
        `${place}.nodes[0].role`,
        `${place}.nodes[1].role`,
        `${place}.nodes[1].name`,
        `${bmc(0)}.url`,
        `${bmc(1)}.url`,
        `${bmc(1)}.url`,
        `${bmc(0)}.credential`,
        `${bmc(1)}.credential`,
      ].toSorted(),
    );
  });

  it('with a hint where YAML turned a version into a number', () => {
    const problems = problemsOf({ firmware: [image({ version: 1.1 })] });
    expect(problems).toMatchObject([{ path: 'firmware[0].version', expected: 'text', found: '1.1', hint: /quotes/ }]);
  });

  it('without a secret, wherever it was written by mistake', () => {
    const bmc = (url: string) => nodes({ ...node('n1', ''), server: { bmc: { url, credential: 'lab' } } });
    const slips = [
      { credentials: { lab: 'hunter2' } },
      { credentials: ['hunter2'] },
      { database: ['hunter2'] },
      { people: [{ name: 'ana', groups: ['operators'], passphrase: ['hunter2'] }] },
      { people: [{ name: 'ana', groups: ['operators'], passphrase: hash, password: 'hunter2' }] },
      bmc('https://admin:hunter2@10.1.0.11'),
      bmc('https:admin:hunter2@10.1.0.11'),
      { firmware: [image({ file: undefined, url: 'https://me:hunter2@example.com/x' })] },
    ];
    for (const slip of slips) expect(JSON.stringify(problemsOf(slip))).not.toContain('hunter2');
  });

  it('or accepted, but never fails in another way, whatever stands in one place', () => {
    const paths = (value: unknown): string[][] =>
      typeof value !== 'object' || value === null
        ? [[]]
        : [[], ...Object.entries(value).flatMap(([key, inner]) => paths(inner).map(rest => [key, ...rest]))];
    const whole = document();
    for (const path of paths(whole).slice(1)) {
      for (const odd of [null, -1, '', [], { __proto__: null, x: 1 }]) {
        const changed = structuredClone(whole);
        const last = path.at(-1) ?? '';
        const parent = path.slice(0, -1).reduce<object>((value, key) => Reflect.get(value, key), changed);
        Reflect.set(parent, last, odd);
        const result = loadText(JSON.stringify(changed));
        if (!result.ok) expect(result.problems.length, path.join('.')).toBeGreaterThan(0);
      }
    }
    for (const key of ['__proto__', 'constructor']) {
      expect(loadText(JSON.stringify(whole).replace('"lab":', `"${key}":`)).ok).toBe(false);
      expect(loadText(JSON.stringify(whole).replace('"service":', `"${key}":{},"service":`)).ok).toBe(false);
    }
  });

  it('says what is missing', () => {
    expect(problemsOf({ sites: undefined })).toMatchObject([{ path: 'sites', found: 'nothing' }]);
  });
});
