import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Tool } from '../../src/core/tool.ts';
import { commandLine, commandName, inputFields } from '../../src/gateway/command-form.ts';
import { inputOf, outputOf } from '../../src/gateway/gateway.ts';
import { reference } from '../../src/gateway/reference.ts';
import { actionRisks } from '../../src/guard/policy/action-risks.ts';
import { sharedCedar } from '../../src/guard/policy/cedar.ts';
import { planOf } from '../../src/operations/plan-for-health.ts';
import { catalog } from '../../tools/index.ts';

const inRoot = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));

function camelCase(kebab: string): string {
  return kebab.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

describe('the names of the catalog', () => {
  it('are unique, verb first, and the same whether written for a model, a shell or a file', () => {
    const names = catalog.map(tool => tool.name);
    expect(new Set(names).size).toBe(names.length);
    for (const name of names) {
      expect(name).toMatch(
        /^(get|list|plan|start|cancel|cordon|uncordon|drain|flash|simulate|taint|set|reset|identify|acknowledge|explain|resume|pause|advance|freeze)([A-Z][a-z]+)+$/,
      );
      expect(camelCase(commandName({ name }))).toBe(name);
    }
  });

  it('each have one file that exports that very tool', async () => {
    const files = readdirSync(inRoot('tools')).filter(file => file.endsWith('.ts') && file !== 'index.ts');
    expect(files.sort()).toEqual(catalog.map(tool => `${commandName(tool)}.ts`).sort());
    for (const tool of catalog) {
      const module = (await import(`../../tools/${commandName(tool)}.ts`)) as Record<string, unknown>;
      expect(module[tool.name]).toBe(tool);
      expect(Object.keys(module)).toEqual([tool.name]);
    }
  });
});

describe.each(catalog.map(tool => [tool.name, tool] as const))('%s', (_name, tool: Tool) => {
  it('is told in full: title, sentence, and a meaning for every field', () => {
    expect(tool.title).toMatch(/^[A-Z][^.]+$/);
    expect(tool.description).toMatch(/^[A-Z].+\.$/s);
    expect(tool.description.length).toBeGreaterThan(20);
    for (const field of inputFields(tool)) expect(field.description, field.name).toMatch(/^[A-Z].{5,}/);
  });

  it('takes nothing that it does not name', () => {
    expect(tool.input.safeParse({ ...tool.example, surprise: 1 }).success).toBe(false);
    expect(inputOf(tool).safeParse({ ...tool.example, surprise: 1 }).success).toBe(false);
    expect(z.toJSONSchema(inputOf(tool), { io: 'input' })).toMatchObject({ additionalProperties: false });
  });

  it('is told no address, path or secret by its caller', () => {
    for (const name of Object.keys(inputOf(tool).shape))
      expect(name).not.toMatch(/ur[il]|address|host|path|file|password|passphrase|token|secret|approve|vote/i);
  });

  it('has an example that fits, as JSON and as a command', () => {
    expect(Object.keys(tool.example).filter(key => !(key in tool.input.shape))).toEqual([]);
    expect(inputOf(tool).safeParse(tool.example).success).toBe(true);
    const words = commandLine(tool, tool.example);
    for (const key of tool.positional ?? []) {
      expect(Object.keys(tool.input.shape)).toContain(key);
      if (key in tool.example) expect(words).toContain(String(tool.example[key]));
    }
  });

  it('takes all that it needs before what it can do without', () => {
    const places = inputFields(tool).filter(field => field.position !== undefined);
    const firstOptional = places.findIndex(field => !field.required);
    if (firstOptional >= 0) expect(places.slice(firstOptional).some(field => field.required)).toBe(false);
  });

  it('answers an object that has a JSON form', () => {
    expect(z.toJSONSchema(outputOf(tool))).toMatchObject({ type: 'object' });
  });

  it('has a scope that fits its risk', () => {
    const fitting: Record<Tool['risk'], string[]> = {
      read: ['read/read', 'read/plan'],
      control: ['read/execute'],
      disruptive: ['change/execute'],
      destructive: ['change/execute'],
    };
    expect(fitting[tool.risk]).toContain(`${tool.kind}/${tool.scope}`);
  });
});

describe('policy', () => {
  const schema = { name: 'schema.cedarschema', text: readFileSync(inRoot('policies/schema.cedarschema'), 'utf8') };
  const { risks, problems } = actionRisks(schema, sharedCedar);
  const actionOf = (tool: Tool) => tool.action ?? tool.name;

  it('knows every tool under its own name and with its risk', () => {
    expect(problems).toEqual([]);
    for (const tool of catalog) expect(risks.get(actionOf(tool)), tool.name).toBe(tool.risk);
  });

  it('knows no action beside the tools, the plans of rollouts and of BIOS settings, those of switching on and of taking a taint back, what no tool asks for, and what the watch may', () => {
    const known = catalog.map(actionOf);
    const asked = (['cordon', 'drain', 'mark', 'release'] as const).map(act => planOf(act).action);
    const others = [...risks.keys()].filter(action => !known.includes(action));
    const ofPlans = ['biosChange', 'firmwareRollout', 'switchOnServer', 'untaintNode'];
    // Going on takes a person who is there; wiping comes later.
    const goingOn = ['unfreezeChanges', 'resumeOperation', 'advanceOperation'];
    expect(others.sort()).toEqual([...asked, ...ofPlans, ...goingOn, 'wipeServer'].sort());
  });
});

describe('the reference page', () => {
  it('is what the catalog gives', () => {
    expect(readFileSync(inRoot('tools/README.md'), 'utf8')).toBe(reference(catalog));
  });
});
