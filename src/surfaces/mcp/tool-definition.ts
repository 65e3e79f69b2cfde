/** A tool of the catalog as MCP describes it. Nothing is written twice: schemas, risk and title come from the tool. */
import type { StandardSchemaWithJSON, ToolAnnotations } from '@modelcontextprotocol/server';
import type { z } from 'zod';
import { isPlainRead, type Scope, type Tool, toolsWithin } from '../../core/tool.ts';
import { descriptionOf, inputOf, outputOf } from '../../gateway/gateway.ts';

export type McpToolDefinition = {
  name: string;
  title: string;
  description: string;
  inputSchema: StandardSchemaWithJSON<Record<string, unknown>>;
  outputSchema: StandardSchemaWithJSON;
  annotations: ToolAnnotations;
};

/** Those within `scope`, in the catalog's order. */
export function mcpTools(catalog: Tool[], scope: Scope): McpToolDefinition[] {
  return toolsWithin(catalog, scope)
    .map(mcpTool)
    .map(({ inputSchema, outputSchema, ...rest }) => ({
      ...rest,
      inputSchema: convertedOnce(inputSchema),
      outputSchema: convertedOnce(outputSchema),
    }));
}

/** Checks what `schema` checks. The SDK wants its JSON Schema, of one dialect, at each call; what it remembers goes with the server of that call. */
export function convertedOnce<T extends z.ZodObject>(schema: T): StandardSchemaWithJSON<z.input<T>, z.output<T>> {
  const { jsonSchema, ...standard } = schema['~standard'];
  const once = (convert: typeof jsonSchema.input): typeof convert => {
    let converted: ReturnType<typeof convert> | undefined;
    return options => {
      converted ??= convert(options);
      return converted;
    };
  };
  return {
    '~standard': { ...standard, jsonSchema: { input: once(jsonSchema.input), output: once(jsonSchema.output) } },
  };
}

export function mcpTool(tool: Tool) {
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
