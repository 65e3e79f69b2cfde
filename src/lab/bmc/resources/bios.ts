/** BIOS settings: what is in force, what waits, and the registry that says what each attribute may be. */
import type { Controller } from '../controller.ts';
import type { BiosAttribute, BiosSpec } from '../profiles/acts.ts';
import { type Body, collection, link } from '../reply.ts';
import type { Resources } from './tree.ts';

const registriesUri = '/redfish/v1/Registries';

export function biosUri({ profile, uris }: Controller): string {
  return `${uris.system}/${profile.acts.bios.id}`;
}

/** Undefined where nothing can be set. */
export function biosSettingsUri(bmc: Controller): string | undefined {
  const { settings } = bmc.profile.acts.bios;
  return settings === undefined ? undefined : `${biosUri(bmc)}/${settings}`;
}

/** Dell's action that drops what waits. */
export function clearPendingUri(bmc: Controller): string {
  return `${biosSettingsUri(bmc)}/Actions/Oem/DellManager.ClearPending`;
}

export function biosResources(bmc: Controller): Resources {
  const settings = biosSettingsUri(bmc);
  return {
    [biosUri(bmc)]: () => biosBody(bmc),
    ...(settings === undefined ? {} : { [settings]: () => settingsBody(bmc, settings) }),
    ...registryResources(bmc),
  };
}

function biosBody(bmc: Controller): Body {
  const { bios, profile } = bmc;
  const { settings, registry, applyTimes } = profile.acts.bios;
  const uri = biosUri(bmc);
  return {
    '@odata.id': uri,
    '@odata.type': '#Bios.v1_2_0.Bios',
    Id: profile.acts.bios.id,
    Name: 'BIOS Configuration Current Settings',
    ResetBiosToDefaultsPending: bios.resetPending,
    ...(registry === undefined ? {} : { AttributeRegistry: registry.id, Attributes: bios.attributes() }),
    ...(settings === undefined
      ? {}
      : {
          '@Redfish.Settings': {
            '@odata.type': '#Settings.v1_3_3.Settings',
            SettingsObject: link(`${uri}/${settings}`),
            ...(applyTimes === undefined ? {} : { SupportedApplyTimes: applyTimes }),
          },
        }),
    Actions: { '#Bios.ResetBios': { target: `${uri}/Actions/Bios.ResetBios` } },
  };
}

function settingsBody(bmc: Controller, uri: string): Body {
  const { bios, profile } = bmc;
  const { settings, registry, jobs } = profile.acts.bios;
  return {
    '@odata.id': uri,
    '@odata.type': '#Bios.v1_2_0.Bios',
    Id: settings,
    Name: 'BIOS Configuration Pending Settings',
    AttributeRegistry: registry?.id ?? null,
    Attributes: bios.pending(),
    ...(jobs === undefined
      ? {}
      : { Actions: { Oem: { '#DellManager.ClearPending': { target: clearPendingUri(bmc) } } } }),
  };
}

function registryResources({ profile }: Controller): Resources {
  const { bios } = profile.acts;
  const { registry } = bios;
  const file = registry === undefined ? undefined : `${registriesUri}/${registry.id}`;
  return {
    [registriesUri]: () =>
      collection({
        uri: registriesUri,
        type: 'MessageRegistryFileCollection',
        name: 'Registries',
        members: file === undefined ? [] : [file],
      }),
    ...(registry === undefined || file === undefined
      ? {}
      : { [file]: () => registryFile(file, registry), [registry.uri]: () => registryBody(registry, bios) }),
  };
}

type Registry = NonNullable<BiosSpec['registry']>;

function registryFile(uri: string, registry: Registry): Body {
  return {
    '@odata.id': uri,
    '@odata.type': '#MessageRegistryFile.v1_1_3.MessageRegistryFile',
    Id: registry.id,
    Name: 'BIOS Attribute Registry File',
    Languages: ['en'],
    Registry: registry.id,
    Location: [{ Language: 'en', Uri: registry.uri }],
  };
}

function registryBody(registry: Registry, { attributes, readOnlyWhile = [], labelled = false }: BiosSpec): Body {
  return {
    '@odata.id': registry.uri,
    '@odata.type': '#AttributeRegistry.v1_3_9.AttributeRegistry',
    Id: registry.id,
    Name: 'BIOS Attribute Registry',
    Language: 'en',
    OwningEntity: registry.owner,
    RegistryVersion: '1.0.0',
    RegistryEntries: {
      Attributes: attributes.map(attribute => entryOf(attribute, labelled)),
      Dependencies: readOnlyWhile.map(({ attribute, other, is }) => ({
        Type: 'Map',
        DependencyFor: attribute,
        Dependency: {
          MapFrom: [
            {
              MapFromAttribute: other,
              MapFromProperty: 'CurrentValue',
              MapFromCondition: 'EQU',
              MapFromValue: is,
            },
          ],
          MapToAttribute: attribute,
          MapToProperty: 'ReadOnly',
          MapToValue: true,
        },
      })),
    },
  };
}

function entryOf(attribute: BiosAttribute, labelled: boolean): Body {
  return {
    AttributeName: attribute.name,
    DisplayName: attribute.label,
    Type: attribute.type,
    DefaultValue: attribute.default,
    ReadOnly: attribute.reports !== undefined,
    ResetRequired: true,
    ...(attribute.type === 'Enumeration'
      ? {
          Value: attribute.values.map((value, index) => ({
            ValueName: labelled ? String(index) : value,
            ValueDisplayName: value,
          })),
        }
      : {}),
    ...(attribute.type === 'Integer' ? { LowerBound: attribute.lower, UpperBound: attribute.upper } : {}),
    ...(attribute.type === 'String' ? { MinLength: 0, MaxLength: attribute.maxLength } : {}),
  };
}
