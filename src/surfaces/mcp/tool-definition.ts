/** A tool of the catalog as MCP describes it. Nothing is written twice: schemas, risk and title come from the tool. */
import type { ToolAnnotations } from '@modelcontextprotocol/server';
import type { z } from 'zod';
import type { Scope, Tool } from '../../core/tool.ts';
import { inputOf, outputOf } from '../../gateway/gateway.ts';

export type McpToolDefinition = {
  name: string;
  title: string;
  description: string;
  inputSchema: z.ZodObject;
  outputSchema: z.ZodObject;
  annotations: ToolAnnotations;
};

const rank: Record<Scope, number> = { read: 0, plan: 1, execute: 2 };

const changeNote =
  'This makes a plan and asks policy to start it: the answer is started, approval_required (people vote elsewhere; you cannot) or denied. With dryRun it stops after the plan.';

/** The tools that a log-in of this scope may call, in the order of the catalog. */
export function toolsWithin(catalog: Tool[], scope: Scope): Tool[] {
  return catalog.filter(tool => rank[tool.scope] <= rank[scope]);
}

export function mcpTool(tool: Tool): McpToolDefinition {
  return {
    name: tool.name,
    title: tool.title,
    description: tool.kind === 'change' ? `${tool.description} ${changeNote}` : tool.description,
    inputSchema: inputOf(tool).strict(),
    outputSchema: outputOf(tool),
    annotations: annotationsOf(tool),
  };
}

/** A stored plan changes nothing outside, but it is a record: only the scope `read` is read-only. */
function annotationsOf(tool: Tool): ToolAnnotations {
  const readOnly = tool.risk === 'read' && tool.scope === 'read';
  return {
    title: tool.title,
    readOnlyHint: readOnly,
    destructiveHint: tool.risk !== 'read',
    // Each call makes a plan of its own, so that repeating one is not the same as doing it once.
    idempotentHint: readOnly || tool.risk === 'control',
    openWorldHint: false,
  };
}
