/** The reference page of the tools, written from the catalog so that it cannot say anything else. */
import type { Tool } from '../core/tool.ts';
import { commandLine, commandName, fieldType, type InputField, inputFields } from './command-form.ts';

/** Markdown for every tool of the catalog, in its order; the same catalog gives the same text. */
export function reference(catalog: Tool[]): string {
  const index = table(
    ['tool', 'command', 'risk', 'scope', 'what it is'],
    catalog.map(tool => [
      `[${tool.name}](#${tool.name.toLowerCase()})`,
      `\`${commandName(tool)}\``,
      tool.risk,
      tool.scope,
      escaped(tool.title),
    ]),
  );
  return `${[
    '# Tools',
    '<!-- Generated from the catalog by `npm run generate`; edit the tools instead. -->',
    'Every tool is one file in this folder. The CLI, the MCP server and this page are made from it.',
    '**Risk** is what policy decides by: `read` changes nothing, `control` starts or stops what was decided elsewhere, `disruptive` takes capacity away, `destructive` loses data. **Scope** is what a log-in must carry to see the tool: `read`, `plan` or `execute`.',
    index,
    ...catalog.flatMap(section),
  ].join('\n\n')}\n`;
}

function section(tool: Tool): string[] {
  const fields = inputFields(tool);
  const change =
    tool.kind === 'change'
      ? [
          'This tool only makes a plan. Policy then starts it, asks people for approval, or denies it with reasons; with `dryRun` it stops after the plan.',
        ]
      : [];
  return [
    `## ${tool.name}`,
    `**${escaped(tool.title)}** · risk \`${tool.risk}\` · scope \`${tool.scope}\``,
    escaped(tool.description),
    ...change,
    fields.length > 0
      ? table(['input', 'on the command line', 'type', 'default', 'meaning'], fields.map(fieldRow))
      : 'It takes no input.',
    `\`\`\`sh\n${commandLine(tool, tool.example)}\n\`\`\``,
    `\`\`\`json\n${JSON.stringify(tool.example)}\n\`\`\``,
  ];
}

function fieldRow(field: InputField): string[] {
  const place = field.position === undefined ? `\`${field.flag}\`` : `\`<${field.flag.slice(2)}>\``;
  const fallback = field.defaultValue === undefined ? '' : `\`${JSON.stringify(field.defaultValue)}\``;
  return [
    `\`${field.name}\``,
    place,
    escaped(fieldType(field)),
    field.required ? 'required' : fallback,
    escaped(field.description),
  ];
}

function table(columns: string[], rows: string[][]): string {
  const line = (cells: string[]) => `| ${cells.join(' | ')} |`;
  return [line(columns), line(columns.map(() => '---')), ...rows.map(line)].join('\n');
}

function escaped(text: string): string {
  return text
    .replace(/[\\|<>]/g, '\\$&')
    .replace(/\s+/g, ' ')
    .trim();
}
