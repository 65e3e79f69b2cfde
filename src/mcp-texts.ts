/** What MCP clients are told, as it stands in `prompts/`. */
import { promptText } from './assistant/prompts.ts';
import type { McpTexts } from './surfaces/mcp/server.ts';

export async function mcpTexts(): Promise<McpTexts> {
  const [instructions, triage, review, handover] = await Promise.all([
    promptText('mcp'),
    promptText('mcp-triage'),
    promptText('mcp-review'),
    promptText('mcp-handover'),
  ]);
  return { instructions, triage, review, handover };
}
