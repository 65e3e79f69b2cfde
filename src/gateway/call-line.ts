/** A call that a model chose, as a person would type it. */
import type { Tool } from '../core/tool.ts';
import { commandLine } from './command-form.ts';

/** The tool's name alone where the call is none that it could take. */
export function callLine({ tool: name, input }: { tool: string; input: string }, catalog: Tool[]): string {
  const tool = catalog.find(each => each.name === name);
  try {
    return tool ? commandLine(tool, JSON.parse(input)).replace(/^groundskeeper /, '') : name;
  } catch {
    return name;
  }
}
