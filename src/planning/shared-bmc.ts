/**
 * Nodes behind one BMC are one blast radius: while it restarts nothing reaches any of them, and what goes wrong with the power of
 * one blade may take the other. They are named to whoever approves, and counted.
 */
import type { ServerMakeup } from '../core/bmc.ts';
import type { FleetNode } from '../core/fleet.ts';

/** The other nodes that are reached through the same BMC, of whatever cluster. */
export function alongside(fleet: FleetNode[], entry: FleetNode): FleetNode[] {
  return fleet.filter(({ name, server }) => name !== entry.name && server.bmcUrl === entry.server.bmcUrl);
}

/** Names of the others, and servers of the BMC that nobody declared; undefined where it serves none. */
export function othersText(others: FleetNode[], { neighbours }: Pick<ServerMakeup, 'neighbours'>): string | undefined {
  const declared = new Set(others.map(({ server }) => plain(server.systemUri ?? '')));
  const strangers = neighbours.filter(uri => !declared.has(plain(uri))).map(uri => `${uri} (no node here)`);
  const all = [...others.map(({ name }) => name), ...strangers];
  return all.length === 0 ? undefined : all.join(', ');
}

function plain(uri: string): string {
  return uri.replace(/\/+$/, '').toLowerCase();
}
