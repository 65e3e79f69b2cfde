/** What a captured machine offers, one short phrase a column, read from its documents wherever they lie. */
import type { Resource, Tree } from './capture-server.ts';
import { type NaiveSensor, naiveSensors } from './naive-sensors.ts';

export const columns = [
  'Resets',
  'Update',
  '`$expand` levels',
  'Temperatures',
  'Sensors',
  'Sensor health',
  'Supply watts',
  'ECC counters',
  'Secure erase',
  'SSE',
  'Virtual media',
  'Boot override',
  'HTTP boot',
  'BIOS settings',
  'Push events',
  'Last BMC start',
] as const;

/** The cells of one machine, in the order of {@link columns}. `system` is the URI of its ComputerSystem, lower case. */
export function vendorFacts(tree: Tree, system: string): string[] {
  const computer = tree.get(system) ?? {};
  const update = tree.get('/redfish/v1/updateservice') ?? {};
  const boot = part(computer, 'Boot');
  const sensors = naiveSensors(tree, neighbours(tree, system));
  const targets = texts(boot['BootSourceOverrideTarget@Redfish.AllowableValues']);
  return [
    joined(ours.filter(type => resetTypes(tree, computer).includes(type))),
    joined([
      ...(part(update, 'Actions')['#UpdateService.SimpleUpdate'] === undefined ? [] : ['SimpleUpdate']),
      ...(text(update.MultipartHttpPushUri) ? ['multipart'] : []),
      ...(text(update.HttpPushUri) ? ['push'] : []),
    ]),
    expandLevels(tree.get('/redfish/v1') ?? {}),
    joined(['Thermal', 'ThermalSubsystem'].filter(type => of(tree, type).length > 0)),
    kinds(sensors),
    sensors.length === 0 ? 'none' : `${sensors.filter(each => each.health !== '-').length} of ${sensors.length}`,
    supplyWatts(tree),
    counters(of(tree, 'MemoryMetrics')),
    secureErase(of(tree, 'Drive')),
    yes(text(tree.get('/redfish/v1/eventservice')?.ServerSentEventUri)),
    joined(['systems', 'managers'].filter(place => [...tree.keys()].some(uri => mediaUnder(uri, place)))),
    yes(targets.some(target => target !== 'None')),
    yes(targets.includes('UefiHttp')),
    biosSettings(tree, system),
    yes(text(part(tree.get('/redfish/v1/eventservice') ?? {}, 'Subscriptions')['@odata.id'])),
    yes(of(tree, 'Manager').some(each => text(each.LastResetTime))),
  ];
}

const ours = ['On', 'ForceOff', 'GracefulShutdown', 'GracefulRestart', 'ForceRestart'];

function resetTypes(tree: Tree, computer: Resource): string[] {
  const action = part(part(computer, 'Actions'), '#ComputerSystem.Reset');
  const info = tree.get(String(action['@Redfish.ActionInfo']).toLowerCase());
  const parameters = (info?.Parameters ?? []) as Resource[];
  const inInfo = parameters.find(each => each.Name === 'ResetType')?.AllowableValues;
  return texts(action['ResetType@Redfish.AllowableValues'] ?? inInfo);
}

function expandLevels(root: Resource): string {
  const offer = part(part(root, 'ProtocolFeaturesSupported'), 'ExpandQuery');
  if (offer.NoLinks !== true && offer.ExpandAll !== true) return 'none';
  return String(offer.MaxLevels ?? 1);
}

/** Chassis of other systems behind the same BMC. */
function neighbours(tree: Tree, system: string): RegExp {
  const others = [...tree.keys()].filter(uri => /^\/redfish\/v1\/systems\/[^/]+$/.test(uri) && uri !== system);
  const names = others.map(uri => uri.split('/').at(-1));
  return new RegExp(`/chassis/(${names.join('|') || 'none'})(/|$)`);
}

/** The most frequent first; those that are as frequent by their names. */
function kinds(sensors: NaiveSensor[]): string {
  const counts = [...Map.groupBy(sensors, each => each.kind)].map(([kind, all]) => ({ kind, count: all.length }));
  const sorted = counts.toSorted((a, b) => b.count - a.count || (a.kind < b.kind ? -1 : 1));
  return joined(sorted.map(({ kind, count }) => `${count} ${kind}`));
}

/** What goes through a power supply now. */
function supplyWatts(tree: Tree): string {
  const supplies = of(tree, 'Power').flatMap(body => (body.PowerSupplies as Resource[] | undefined) ?? []);
  if (supplies.length === 0) return 'no supplies';
  const has = (...keys: string[]) => supplies.some(each => keys.some(key => typeof each[key] === 'number'));
  return joined([
    ...(has('PowerInputWatts') ? ['in'] : []),
    ...(has('PowerOutputWatts', 'LastPowerOutputWatts') ? ['out'] : []),
  ]);
}

function counters(metrics: Resource[]): string {
  const counts = metrics.some(each =>
    ['LifeTime', 'CurrentPeriod'].some(period => typeof part(each, period).CorrectableECCErrorCount === 'number'),
  );
  if (counts) return 'yes';
  const trips = metrics.some(each => 'CorrectableECCError' in part(part(each, 'HealthData'), 'AlarmTrips'));
  return trips ? 'alarms only' : 'no';
}

function secureErase(drives: Resource[]): string {
  if (drives.length === 0) return 'no drives';
  return yes(drives.some(each => '#Drive.SecureErase' in part(each, 'Actions')));
}

/** Whether they can be set, and what they may be is known. */
function biosSettings(tree: Tree, system: string): string {
  const bios = tree.get(`${system}/bios`) ?? {};
  const scalars = Object.values(part(bios, 'Attributes')).some(value => typeof value !== 'object');
  if (!scalars) return 'none';
  if (part(part(bios, '@Redfish.Settings'), 'SettingsObject')['@odata.id'] === undefined) return 'read only';
  const registries = [...tree].filter(([, body]) => String(body['@odata.type']).includes('AttributeRegistry.'));
  const judged = registries.some(([, body]) => /bios/i.test(String(body.Id)));
  return judged ? 'with registry' : 'no registry';
}

function mediaUnder(uri: string, place: string): boolean {
  return uri.startsWith(`/redfish/v1/${place}/`) && /\/virtualmedia\/[^/]+$/.test(uri);
}

function of(tree: Tree, type: string): Resource[] {
  return [...tree.values()].filter(body => String(body['@odata.type']).startsWith(`#${type}.`));
}

function part(body: Resource, key: string): Resource {
  const value = body[key];
  return typeof value === 'object' && value !== null ? (value as Resource) : {};
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter(each => typeof each === 'string') : [];
}

function text(value: unknown): boolean {
  return typeof value === 'string' && value !== '';
}

function joined(words: string[]): string {
  return words.length === 0 ? 'none' : words.join(', ');
}

function yes(is: boolean): string {
  return is ? 'yes' : 'no';
}
