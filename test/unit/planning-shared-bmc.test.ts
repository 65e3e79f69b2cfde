import { describe, expect, it } from 'vitest';
import type { FleetNode } from '../../src/core/fleet.ts';
import { alongside, othersText } from '../../src/planning/shared-bmc.ts';

function node(name: string, host: string, more: { cluster?: string; systemUri?: string } = {}): FleetNode {
  const { cluster = 'a', systemUri } = more;
  const server = { bmcUrl: `https://${host}`, credential: 'c', ...(systemUri ? { systemUri } : {}) };
  return { name, site: 's', cluster, role: 'worker', server };
}

const first = node('n1', '10.1.0.1', { systemUri: '/redfish/v1/Systems/Node0' });
const second = node('n2', '10.1.0.1', { cluster: 'b', systemUri: '/redfish/v1/systems/node1/' });

describe('nodes behind one BMC', () => {
  it('are those of the same address, whatever their cluster', () => {
    expect(alongside([first, second, node('n3', '10.1.0.2')], first)).toEqual([second]);
    expect(alongside([first], first)).toEqual([]);
  });

  it('are named, and so are servers of the BMC that nobody declared', () => {
    const neighbours = ['/redfish/v1/Systems/Node1', '/redfish/v1/Systems/Node2'];
    expect(othersText([second], { neighbours })).toBe('n2, /redfish/v1/Systems/Node2 (no node here)');
    expect(othersText([], { neighbours: [] })).toBeUndefined();
  });
});
