/** Processors of the server. */
import type { Controller } from '../controller.ts';
import type { ProcessorSpec } from '../profiles/hardware.ts';
import { type Body, collection, link } from '../reply.ts';
import type { Resources } from './tree.ts';

export function processorResources(bmc: Controller): Resources {
  const { system, chassis } = bmc.uris;
  return processorsUnder({ system, chassis, processors: bmc.profile.processors });
}

/** The collection under a system, with its members. */
export function processorsUnder(parts: { system: string; chassis: string; processors: ProcessorSpec[] }): Resources {
  const { system, chassis, processors } = parts;
  const base = `${system}/Processors`;
  return {
    [base]: () =>
      collection({
        uri: base,
        type: 'ProcessorCollection',
        name: 'Processors',
        members: processors.map(({ id }) => `${base}/${id}`),
      }),
    ...Object.fromEntries(
      processors.map(spec => [`${base}/${spec.id}`, () => processorBody(`${base}/${spec.id}`, chassis, spec)]),
    ),
  };
}

/** What the system says of all its CPUs together. */
export function processorSummary(processors: ProcessorSpec[]): Body {
  const cpus = processors.filter(({ kind }) => kind === 'CPU');
  return {
    Count: cpus.length,
    Model: cpus[0]?.model ?? null,
    CoreCount: cpus.reduce((sum, { cores }) => sum + cores, 0),
    Status: { Health: 'OK', HealthRollup: 'OK', State: 'Enabled' },
  };
}

const instructionSets = { x86: 'x86-64', ARM: 'ARM-A64', OEM: 'OEM' } as const;

function processorBody(uri: string, chassis: string, spec: ProcessorSpec): Body {
  const { id, name, kind, socket, manufacturer, model, architecture, cores, threads, maxMhz } = spec;
  return {
    '@odata.id': uri,
    '@odata.type': '#Processor.v1_12_0.Processor',
    Id: id,
    Name: name,
    ...(socket === undefined ? {} : { Socket: socket }),
    ProcessorType: kind,
    ProcessorArchitecture: architecture,
    InstructionSet: instructionSets[architecture],
    Manufacturer: manufacturer,
    Model: model,
    TotalCores: cores,
    TotalThreads: threads,
    MaxSpeedMHz: maxMhz,
    Status: { Health: 'OK', State: 'Enabled' },
    Links: { Chassis: link(chassis) },
  };
}
