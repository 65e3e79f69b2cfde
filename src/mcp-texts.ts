/** What MCP clients are told, as it stands in `prompts/`. */
import { readFile } from 'node:fs/promises';
import type { McpTexts } from './surfaces/mcp/server.ts';

export async function mcpTexts(): Promise<McpTexts> {
  const [instructions, triage, review, handover] = await Promise.all(
    ['mcp', 'mcp-triage', 'mcp-review', 'mcp-handover'].map(name =>
      readFile(new URL(`../prompts/${name}.md`, import.meta.url), 'utf8'),
    ),
  );
  return { instructions: instructions ?? '', triage: triage ?? '', review: review ?? '', handover: handover ?? '' };
}
