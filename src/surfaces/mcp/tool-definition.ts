/** A tool of the catalog as MCP describes it. Nothing is written twice: schemas, risk and title come from the tool. */
import type { ToolAnnotations } from '@modelcontextprotocol/server';
import type { z } from 'zod';
import { isPlainRead, type Scope, type Tool, toolsWithin } from '../../core/tool.ts';
import { descriptionOf, inputOf, outputOf } from '../../gateway/gateway.ts';

export type McpToolDefinition = {
  name: string;
  title: string;
  description: string;
  inputSchema: z.ZodObject;
  outputSchema: z.ZodObject;
  annotations: ToolAnnotations;
};

/** Those within `scope`, in the catalog's order. */
export function mcpTools(catalog: Tool[], scope: Scope): McpToolDefinition[] {
  return toolsWithin(catalog, scope).map(mcpTool);
}

export function mcpTool(tool: Tool): McpToolDefinition {
  return {
    name: tool.name,
    title: tool.title,
    description: descriptionOf(tool),
    inputSchema: inputOf(tool).strict(),
    outputSchema: outputOf(tool),
    annotations: annotationsOf(tool),
  };
}

function annotationsOf(tool: Tool): ToolAnnotations {
  const readOnly = isPlainRead(tool);
  return {
    title: tool.title,
    readOnlyHint: readOnly,
    destructiveHint: tool.risk !== 'read',
    // Each call makes a plan of its own, so that repeating one is not the same as doing it once.
    idempotentHint: readOnly || tool.risk === 'control',
    openWorldHint: false,
  };
}
