/**
 * What each BIOS attribute may be, by the registry that the BMC serves. Its
 * name in the Bios resource and in the list of registries is rarely the same.
 */
import { z } from 'zod';
import type { BiosAttribute, BiosCondition, BiosDependency, BiosRegistry } from '../../core/bios.ts';
import { FleetError } from '../../core/errors.ts';
import { readResource } from './bios.ts';
import { offersNone } from './change-request.ts';
import type { Connection } from './connection.ts';
import { lastSegment } from './links.ts';
import { flag, list, number, object, serviceRoot, text } from './schema.ts';
import type { Topology } from './topology.ts';

const registryFile = z.object({ Location: list(z.object({ Language: text, Uri: z.string() })) });
const value = z.union([z.string(), z.number(), z.boolean()]);
const entry = z.object({
  /** Names appear on cards; one that is more than a name is no attribute. */
  AttributeName: z.string().regex(/^[\w.:/-]{1,120}$/),
  Type: text,
  ReadOnly: flag,
  Immutable: flag,
  GrayOut: flag,
  Hidden: flag,
  LowerBound: number,
  UpperBound: number,
  ScalarIncrement: number,
  MinLength: number,
  MaxLength: number,
  Value: list(z.object({ ValueName: z.union([z.string(), z.number()]), ValueDisplayName: text })),
});
const condition = z.object({
  MapFromAttribute: z.string(),
  MapFromProperty: z.literal('CurrentValue'),
  MapFromCondition: z.enum(['EQU', 'NEQ', 'GTR', 'GEQ', 'LSS', 'LEQ']),
  MapFromValue: value,
  MapTerms: text,
});
const dependency = z.object({
  Dependency: z.object({
    // With one condition that is not understood the whole dependency is left out: the BMC judges it then.
    MapFrom: z.array(condition),
    MapToAttribute: z.string(),
    MapToProperty: z.enum(['ReadOnly', 'GrayOut', 'Hidden', 'CurrentValue']),
    MapToValue: value,
  }),
});
const registry = z.object({
  RegistryEntries: object({ Attributes: list(entry), Dependencies: list(dependency) }),
});

/** Throws bmc_refused where there is none: without it nobody knows what a value may be. */
export async function readBiosRegistry(connection: Connection, topology: Topology): Promise<BiosRegistry> {
  const [bios, root] = await Promise.all([
    readResource(connection, topology),
    connection.read('/redfish/v1/', serviceRoot),
  ]);
  const files = root.Registries == null ? [] : (await connection.members(root.Registries)).members;
  const uri = nearest(
    files.map(file => file.uri),
    bios.AttributeRegistry ?? '',
  );
  const places = uri === undefined ? [] : (await connection.read(uri, registryFile)).Location;
  const place = places.find(each => /^en/i.test(each.Language ?? '')) ?? places[0];
  const entries = place === undefined ? undefined : await readEntries(connection, place.Uri);
  if (entries == null || entries.Attributes.length === 0)
    throw offersNone(connection, 'registry of its BIOS attributes', 'What a value may be is not known; use its setup.');
  const bootsFrom = Object.keys(topology.profile.httpBoot?.('') ?? {});
  return {
    attributes: entries.Attributes.map(each => attributeOf(each, bootsFrom)),
    dependencies: entries.Dependencies.flatMap(({ Dependency: each }) => dependencyOf(each) ?? []),
  };
}

/** Some list a registry that they do not serve. */
async function readEntries(connection: Connection, uri: string) {
  try {
    return (await connection.read(uri, registry, { slow: true })).RegistryEntries;
  } catch (error) {
    if (FleetError.from(error).code === 'not_found') return undefined;
    throw error;
  }
}

/** The one of that very name, else the only one of BIOS attributes. */
function nearest(files: string[], name: string): string | undefined {
  const ofBios = files.filter(uri => /^biosattributeregistry/i.test(lastSegment(uri)));
  const same = ofBios.find(uri => lastSegment(uri).toLowerCase() === name.toLowerCase());
  return same ?? (ofBios.length === 1 ? ofBios[0] : undefined);
}

function attributeOf(read: z.infer<typeof entry>, bootsFrom: string[]): BiosAttribute {
  const fixed = bootsFrom.includes(read.AttributeName) ? 'it is part of an HTTP boot, and is set together with it' : '';
  return {
    name: read.AttributeName,
    takes: takesOf(read),
    ...(fixed === '' ? {} : { fixed }),
    readOnly: read.ReadOnly === true || read.Immutable === true,
    grayedOut: read.GrayOut === true,
    hidden: read.Hidden === true,
  };
}

function takesOf(read: z.infer<typeof entry>): BiosAttribute['takes'] {
  switch ((read.Type ?? '').toLowerCase()) {
    case 'enumeration':
      return {
        type: 'enumeration',
        values: read.Value.map(each => String(each.ValueName)),
        labels: read.Value.map(each => each.ValueDisplayName ?? ''),
      };
    case 'integer': {
      const { LowerBound: lower, UpperBound: upper, ScalarIncrement: step } = read;
      // Written by firmware that took an unsigned limit for a signed one.
      const overflown = upper != null && upper < (lower ?? 0);
      return { type: 'integer', ...limits({ lower, upper: overflown ? null : upper, step }) };
    }
    case 'string':
      if (/secret|password/i.test(read.AttributeName)) return { type: 'password' };
      return { type: 'string', ...limits({ minLength: read.MinLength, maxLength: read.MaxLength }) };
    case 'boolean':
      return { type: 'boolean' };
    case 'password':
      return { type: 'password' };
    default:
      return { type: 'unknown' };
  }
}

function limits<K extends string>(given: Record<K, number | null | undefined>): { [P in K]?: number } {
  return Object.fromEntries(Object.entries(given).filter(([, limit]) => limit != null)) as { [P in K]?: number };
}

const becomes = { ReadOnly: 'readOnly', GrayOut: 'grayedOut', Hidden: 'hidden' } as const;

function dependencyOf(read: z.infer<typeof dependency>['Dependency']): BiosDependency | undefined {
  const attribute = read.MapToAttribute;
  const when = read.MapFrom.map(
    (each): BiosCondition => ({
      attribute: each.MapFromAttribute,
      is: each.MapFromCondition,
      value: each.MapFromValue,
      joined: /^and$/i.test(each.MapTerms ?? '') ? 'and' : 'or',
    }),
  );
  if (when.length === 0) return undefined;
  if (read.MapToProperty === 'CurrentValue') return { attribute, when, becomes: 'value', so: read.MapToValue };
  return { attribute, when, becomes: becomes[read.MapToProperty], so: /^true$/i.test(String(read.MapToValue)) };
}
