/** Network adapters with their ports, and the interfaces that the host has of them. */

import { seededText } from '../../random.ts';
import type { Controller } from '../controller.ts';
import type { AdapterSpec, PortSpec } from '../profiles/hardware.ts';
import { type Body, collection, link } from '../reply.ts';
import type { Resources } from './tree.ts';

export function networkResources(bmc: Controller): Resources {
  return {
    ...(hasInterfaces(bmc) ? interfaceResources(bmc) : {}),
    ...(hasAdapters(bmc) ? adapterResources(bmc) : {}),
  };
}

export function hasInterfaces({ profile }: Controller): boolean {
  return profile.adapters.some(({ ports }) => ports.some(port => port.interfaceId !== undefined));
}

export function hasAdapters({ profile }: Controller): boolean {
  return profile.adapters.some(({ form }) => form !== 'none');
}

function interfaceResources(bmc: Controller): Resources {
  const base = `${bmc.uris.system}/EthernetInterfaces`;
  const interfaces = bmc.profile.adapters.flatMap(adapter =>
    adapter.ports.flatMap(port =>
      port.interfaceId === undefined ? [] : [{ uri: `${base}/${port.interfaceId}`, adapter, port }],
    ),
  );
  return {
    [base]: () =>
      collection({
        uri: base,
        type: 'EthernetInterfaceCollection',
        name: 'Ethernet Interfaces',
        members: interfaces.map(({ uri }) => uri),
      }),
    ...Object.fromEntries(
      interfaces.map(({ uri, adapter, port }) => [uri, () => interfaceBody(bmc, uri, adapter, port)]),
    ),
  };
}

function interfaceBody(bmc: Controller, uri: string, adapter: AdapterSpec, port: PortSpec): Body {
  const mac = macOf(bmc, adapter, port);
  return {
    '@odata.id': uri,
    '@odata.type': '#EthernetInterface.v1_6_4.EthernetInterface',
    Id: port.interfaceId,
    Name: `${adapter.name} Port ${port.id}`,
    MACAddress: mac,
    PermanentMACAddress: mac,
    LinkStatus: isUp(bmc) ? 'LinkUp' : 'LinkDown',
    SpeedMbps: isUp(bmc) ? port.speedMbps : null,
    Status: { Health: 'OK', State: 'Enabled' },
  };
}

function adapterResources(bmc: Controller): Resources {
  const base = `${bmc.uris.chassis}/NetworkAdapters`;
  const adapters = bmc.profile.adapters.filter(({ form }) => form !== 'none');
  const resources: Resources = {
    [base]: () =>
      collection({
        uri: base,
        type: 'NetworkAdapterCollection',
        name: 'Network Adapters',
        members: adapters.map(({ id }) => `${base}/${id}`),
      }),
  };
  for (const adapter of adapters) {
    const uri = `${base}/${adapter.id}`;
    const ports = `${uri}/${adapter.form}`;
    const newer = adapter.form === 'Ports';
    resources[uri] = () => adapterBody(bmc, uri, adapter);
    resources[ports] = () =>
      collection({
        uri: ports,
        type: newer ? 'PortCollection' : 'NetworkPortCollection',
        name: 'Ports',
        members: adapter.ports.map(({ id }) => `${ports}/${id}`),
      });
    for (const port of adapter.ports) {
      const body = newer ? portBody : networkPortBody;
      resources[`${ports}/${port.id}`] = () => body(bmc, `${ports}/${port.id}`, adapter, port);
    }
  }
  return resources;
}

function adapterBody({ host, seed }: Controller, uri: string, adapter: AdapterSpec): Body {
  return {
    '@odata.id': uri,
    '@odata.type': '#NetworkAdapter.v1_7_0.NetworkAdapter',
    Id: adapter.id,
    Name: adapter.name,
    Manufacturer: adapter.manufacturer,
    Model: adapter.model,
    SerialNumber: seededText(seed, `${host.name}/${adapter.id}/serial`, '0123456789ABCDEF', 12),
    [adapter.form]: link(`${uri}/${adapter.form}`),
    Status: { Health: 'OK', State: 'Enabled' },
  };
}

function portBody(bmc: Controller, uri: string, adapter: AdapterSpec, port: PortSpec): Body {
  return {
    '@odata.id': uri,
    '@odata.type': '#Port.v1_6_0.Port',
    Id: port.id,
    Name: `Port ${port.id}`,
    PortId: port.id,
    PortProtocol: 'Ethernet',
    LinkStatus: isUp(bmc) ? 'LinkUp' : 'LinkDown',
    CurrentSpeedGbps: isUp(bmc) ? port.speedMbps / 1000 : 0,
    MaxSpeedGbps: port.speedMbps / 1000,
    Ethernet: { AssociatedMACAddresses: [macOf(bmc, adapter, port)] },
    Status: { Health: 'OK', State: 'Enabled' },
  };
}

function networkPortBody(bmc: Controller, uri: string, adapter: AdapterSpec, port: PortSpec): Body {
  return {
    '@odata.id': uri,
    '@odata.type': '#NetworkPort.v1_4_1.NetworkPort',
    Id: port.id,
    Name: `Port ${port.id}`,
    PhysicalPortNumber: port.id,
    ActiveLinkTechnology: 'Ethernet',
    LinkStatus: isUp(bmc) ? 'Up' : 'Down',
    CurrentLinkSpeedMbps: isUp(bmc) ? port.speedMbps : null,
    AssociatedNetworkAddresses: [macOf(bmc, adapter, port)],
    Status: { Health: 'OK', State: 'Enabled' },
  };
}

function isUp({ host }: Controller): boolean {
  return host.poweredOn;
}

/** Locally administered, so that it can never be that of a real card. */
function macOf({ host, seed }: Controller, adapter: AdapterSpec, port: PortSpec): string {
  const text = seededText(seed, `${host.name}/${adapter.id}/${port.id}/mac`, '0123456789ABCDEF', 10);
  return ['02', ...(text.match(/../g) ?? [])].join(':');
}
