/**
 * The sensors of a captured machine, told from the types of its documents and
 * their place in the tree, as {@link ./naive-inventory.ts} tells its parts.
 */
import type { Resource, Tree } from './capture-server.ts';

/** `health` is `-` where the machine says nothing that can be believed. */
export type NaiveSensor = { chassis: string; name: string; kind: string; reading: number | undefined; health: string };

const units: [RegExp, string][] = [
  [/^(Cel|C)$/, 'temperature'],
  [/^RPM$/, 'fan'],
  [/^W(atts)?$/, 'power'],
  [/^V$/, 'voltage'],
  [/^A$/, 'current'],
  [/^CFM$/, 'flow'],
  [/^Pa$/, 'pressure'],
  [/^(J|kW\.h)$/, 'energy'],
  [/^Hz$/, 'frequency'],
  [/^%$/, 'percent'],
];
/** Lists of the older resources: kind, and where the reading is. */
const lists: [list: string, kind: string, reading: string][] = [
  ['Temperatures', 'temperature', 'ReadingCelsius'],
  ['Fans', 'fan', 'Reading'],
  ['Voltages', 'voltage', 'ReadingVolts'],
  ['PowerControl', 'power', 'PowerConsumedWatts'],
];

export function naiveSensors(tree: Tree, strangers: RegExp): NaiveSensor[] {
  const own = [...tree].filter(([uri]) => uri.startsWith('/redfish/v1/chassis/') && !strangers.test(uri));
  const of = (type: string) => own.filter(([, body]) => String(body['@odata.type']).startsWith(`#${type}.`));
  const members = of('SensorCollection').flatMap(([, body]) => body.Members as Resource[]);
  const listed = new Set(members.map(each => String(each['@odata.id']).toLowerCase()));
  const leaks = new Map(of('LeakDetector').map(([, body]) => [body.Name, body]));
  const old = [...of('Thermal'), ...of('Power')].flatMap(olderEntries);
  const sensors = of('Sensor').filter(([uri, body]) => listed.has(uri) && stateOf(body) !== 'Absent');
  const said = sensors.map(([uri, body]) => {
    const twin = old.find(each => each.chassis === chassisOf(uri) && isTwin(body, each));
    return { ...newer(uri, body, leaks.get(body.Name), twin), twin };
  });
  const twins = new Set(said.map(each => each.twin));
  return [...said, ...old.filter(each => !twins.has(each))].map(({ chassis, name, kind, reading, health }) => {
    const hollow = health === 'ok' && reading === undefined && kind !== 'state';
    return { chassis, name, kind, reading, health: hollow ? '-' : health };
  });
}

function olderEntries([uri, body]: [string, Resource]): NaiveSensor[] {
  return lists.flatMap(([list, kind, key]) =>
    ((body[list] as Resource[] | undefined) ?? []).flatMap(entry => {
      const reading = entry[key];
      const silent = reading === undefined && (list === 'PowerControl' || entry.Name === '');
      if (stateOf(entry) === 'Absent' || silent) return [];
      const off = stateOf(entry) === 'Disabled';
      return [
        {
          chassis: chassisOf(uri),
          name: String(entry.Name ?? ''),
          kind,
          reading: typeof reading === 'number' && (!off || list === 'PowerControl') ? reading : undefined,
          health: off ? '-' : healthOf(entry),
        },
      ];
    }),
  );
}

function newer(uri: string, body: Resource, leak: Resource | undefined, twin: NaiveSensor | undefined): NaiveSensor {
  const kind = leak ? 'leak' : kindOf(body, twin);
  const off = stateOf(body) === 'Disabled';
  const measured = typeof body.Reading === 'number' && !off && kind !== 'state';
  const health = leak ? healthOf(leak) : healthOf(body);
  return {
    chassis: chassisOf(uri),
    name: String(body.Name),
    kind,
    reading: measured ? (body.Reading as number) : undefined,
    health: off ? '-' : health,
  };
}

function kindOf(body: Resource, twin: NaiveSensor | undefined): string {
  const unit = body.ReadingUnits ?? { Power: 'W', EnergyJoules: 'J' }[String(body.ReadingType)] ?? '';
  const kind = units.find(([pattern]) => pattern.test(String(unit)))?.[1];
  if (kind === 'percent' && /fan/i.test(String(body.Name))) return 'fan';
  return kind ?? twin?.kind ?? 'state';
}

/** The same name, but for spaces and for what is said of the kind; Cray tells input from output beside the name. */
function isTwin(body: Resource, { name, kind }: NaiveSensor): boolean {
  const bare = (text: unknown) =>
    String(text)
      .replace(/temperature|voltage|[^a-z0-9]/gi, '')
      .toLowerCase();
  const names = [`${body.Name}${body.PhysicalSubContext ?? ''}`, body.Id];
  return names.some(each => bare(each) === bare(name)) && ['state', kind].includes(kindOf(body, undefined));
}

function chassisOf(uri: string): string {
  return uri
    .split('/')
    .slice(0, -1)
    .join('/')
    .replace(/\/sensors$/, '');
}

function stateOf(body: Resource): unknown {
  return (body.Status as Resource | null | undefined)?.State;
}

function healthOf(body: Resource): string {
  const status = body.Status as Resource | null | undefined;
  return String(status?.Health ?? '-').toLowerCase();
}
