/** The tools of the catalog as a model is shown them, and how one is handled when it is wished for. */
import { z } from 'zod';
import type { ToolOffer } from '../core/model.ts';
import type { Scope, Tool } from '../core/tool.ts';
import { inputOf } from '../gateway/gateway.ts';

const rank: Record<Scope, number> = { read: 0, plan: 1, execute: 2 };

const changeNote =
  'Makes a plan and asks policy to start it; people approve elsewhere. With dryRun it stops after the plan.';

/** Tools within the scope, in the order of the catalog. */
export function offered(catalog: Tool[], scope: Scope): Tool[] {
  return catalog.filter(tool => rank[tool.scope] <= rank[scope]);
}

export function offerOf(tool: Tool): ToolOffer {
  const { $schema: _, ...input } = z.toJSONSchema(inputOf(tool), { io: 'input' });
  const description = tool.kind === 'change' ? `${tool.description} ${changeNote}` : tool.description;
  return { name: tool.name, description, input };
}

/** Reads run beside each other; whatever makes a plan or asks for something runs alone, and after those before it. */
export function isPlainRead(tool: Tool): boolean {
  return tool.risk === 'read' && tool.scope === 'read';
}

export function makesPlan(tool: Tool): boolean {
  return tool.kind === 'change' || tool.scope === 'plan';
}
