import { describe, expect, it } from 'vitest';
import { type FirmwareMember, known, unknown } from '../../src/core/bmc.ts';
import type { FirmwareImage, Fleet } from '../../src/core/fleet.ts';
import { activeVersion, complianceOf, type NodeFirmware } from '../../src/planning/compliance.ts';
import { firmwareDrift } from '../../src/planning/firmware-drift.ts';
import { serverHealth } from '../support/random-fleet.ts';

const image: FirmwareImage = {
  id: 'r750-bios',
  vendor: 'dell',
  models: ['PowerEdge R750'],
  component: 'bios',
  version: '1.12.1',
  source: { file: '/images/bios.bin' },
  sha256: 'a'.repeat(64),
};

function member(version: string, state: FirmwareMember['state'] = 'active'): FirmwareMember {
  return {
    uri: `/inventory/${state}-${version}`,
    id: version,
    name: 'BIOS',
    version: known(version),
    state,
    component: 'bios',
  };
}

function verdict(change: Partial<NodeFirmware>) {
  const node = {
    name: 'n1',
    model: known('PowerEdge R750'),
    vendor: 'dell' as const,
    firmware: known([member('1.12.1')]),
  };
  return complianceOf({ ...node, ...change }, [image])[0] ?? expect.fail('one image gives one verdict');
}

describe('compliance', () => {
  it('compares the active member and ignores every other copy', () => {
    const firmware = known([member('1.99.9', 'inactive'), member('1.8.2'), member('1.12.1', 'inactive')]);
    expect(verdict({ firmware })).toMatchObject({ have: known('1.8.2'), want: '1.12.1', status: 'behind' });
  });

  it('tells compliant from ahead', () => {
    expect(verdict({}).status).toBe('compliant');
    expect(verdict({ firmware: known([member('1.13.0')]) }).status).toBe('ahead');
  });

  it('is unknown with no active member, with several, and with one of unknown state', () => {
    for (const members of [
      [],
      [member('1.8.2'), member('1.12.1')],
      [member('1.12.1'), member('1.12.1')],
      [member('1.12.1', 'unknown')],
    ]) {
      const { status, have, reason } = verdict({ firmware: known(members) });
      expect(status).toBe('unknown');
      expect(have).toHaveProperty('unknown');
      expect(reason).toContain('active bios');
    }
  });

  it('knows a network card by all its ports, and cards of two kinds not at all', () => {
    const port = (version: string) => ({ ...member(version), component: 'nic' as const });
    const told = (...versions: string[]) => activeVersion(known(versions.map(port)), 'nic');
    expect(told('21.80', '21.80')).toEqual(known('21.80'));
    expect(told('21.80', '22.31')).toHaveProperty('unknown');
  });

  it('is unknown, never compliant, where the inventory or model could not be read', () => {
    expect(verdict({ firmware: unknown('BMC unreachable') })).toMatchObject({
      status: 'unknown',
      reason: 'BMC unreachable',
    });
    const unread = { ...member('1.12.1'), version: unknown('it has none') };
    expect(verdict({ firmware: known([unread]) })).toMatchObject({ status: 'unknown', have: unknown('it has none') });
    expect(verdict({ model: unknown('not reported') }).status).toBe('unknown');
    expect(verdict({ vendor: 'generic' }).status).toBe('unknown');
  });

  it('is unknown where the order of the versions is', () => {
    expect(verdict({ firmware: known([member('1.12.1-beta')]) })).toMatchObject({
      status: 'unknown',
      have: known('1.12.1-beta'),
    });
  });

  it('does not apply to other models, not even similar ones, nor to other vendors', () => {
    expect(verdict({ model: known('PowerEdge R750xs') }).status).toBe('not-applicable');
    expect(verdict({ vendor: 'hpe' }).status).toBe('not-applicable');
  });
});

describe('the drift of a server', () => {
  const site = (name: string, node: string, baseline?: string) => ({
    name,
    ...(baseline ? { baseline } : {}),
    clusters: [{ name, nodes: [{ name: node, site: name }] }],
  });
  const fleet = {
    sites: [site('boston', 'n1', 'winter'), site('austin', 'n2')],
    baselines: [{ name: 'winter', images: ['wanted', 'strange'] }],
    images: [
      { ...image, id: 'wanted', models: ['R750'] },
      { ...image, id: 'strange', models: ['R640'] },
      { ...image, id: 'unwanted', models: ['R750'], version: '2.0.0' },
    ],
  } as unknown as Fleet;
  const driftOf = (node: string, version: string) => {
    const server = serverHealth({ name: node, server: { bmcUrl: '', credential: '' } }, version);
    return firmwareDrift(fleet)(node, { ...server, drives: known([]), logFilled: known(0) });
  };

  it('is told against the images of its site that are made for it', () => {
    const told = { component: 'bios', want: '1.12.1' };
    expect(driftOf('n1', '1.8.2')).toEqual([{ ...told, have: '1.8.2', differs: known(true) }]);
    expect(driftOf('n1', '1.12.1')).toEqual([{ ...told, have: '1.12.1', differs: known(false) }]);
    expect(driftOf('n1', '1.13.0')).toEqual([{ ...told, have: '1.13.0', differs: known(true) }]);
    expect(driftOf('n1', 'beta')).toMatchObject([{ differs: { unknown: expect.stringContaining('order') } }]);
    expect(driftOf('n2', '1.8.2')).toEqual([]);
  });
});
