/**
 * The program: the command line in front, and the parts that run as processes of their own behind it. A part is loaded
 * when it is run, so that a question to a running service does not wait for an engine to load.
 */
import { mkdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { catalog } from '../tools/index.ts';
import { type ClientEnvironment, clientEnvironment, directoryOf } from './config.ts';
import { configured } from './configured.ts';
import { FleetError } from './core/errors.ts';
import { runPart } from './demo/child.ts';
import { withDemo } from './demo/demo.ts';
import { hashPassphrase } from './guard/passphrase.ts';
import { serviceProcesses } from './service-processes.ts';
import { buildCli, type CliDeps, runCli } from './surfaces/cli/cli.ts';
import { commandWords } from './surfaces/cli/completion.ts';
import type { Processes } from './surfaces/cli/process-commands.ts';
import { userClient } from './surfaces/cli/session.ts';
import { processTerminal } from './surfaces/cli/terminal.ts';

// The engine's use of its pool trips a deprecation of pg that nobody who runs this program can act on.
process.noDeprecation = true;

const { version } = createRequire(import.meta.url)('../package.json') as { version: string };
const settings: ClientEnvironment = clientEnvironment();
const terminal = processTerminal();
const say = (text: string): void => void terminal.output.write(`${text}\n`);

/** The key stays where it is: the configuration names the variable alone. */
function modelOf({ modelUrl, model }: { modelUrl: string; model?: string }) {
  if (!model)
    throw new FleetError({ code: 'invalid_input', message: '--model-url needs --model, the name of a model there' });
  return { baseUrl: modelUrl, model, ...(settings.hasModelKey && { apiKey: 'env:GROUNDSKEEPER_MODEL_KEY' }) };
}

const processes: Processes = {
  ...serviceProcesses(say),

  async lab({ nodes, dir, machines: named, modelUrl, model, ...options }) {
    const { labAddresses, machinesOf, startLabPart } = await import('./demo/lab-part.ts');
    const machines = named && machinesOf(named);
    const folder = resolve(dir);
    await mkdir(folder, { recursive: true });
    const service = {
      port: 7420,
      database: 'embedded',
      mcpScope: 'read',
      rollout: { soak: '3s', pollInterval: '500ms' },
      sampleEvery: '5s',
      ...(modelUrl && { assistant: modelOf({ modelUrl, model }) }),
    } as const;
    await runPart(
      () => startLabPart({ ...options, ...(machines && { machines }), workers: nodes, dir: folder, service }),
      ready => {
        say(labAddresses(ready));
        for (const { name, passphrase } of ready.config.people)
          say(`  ${name} logs in with the passphrase ${passphrase}`);
        say('Ctrl-C stops the lab.');
      },
    );
  },

  async check({ config: file }) {
    const config = configured(file);
    const { loadPolicy } = await import('./guard/policy/load-policy.ts');
    const policy = loadPolicy(config.policiesDir, directoryOf(config));
    const clusters = config.fleet.sites.flatMap(site => site.clusters);
    const nodes = clusters.flatMap(cluster => cluster.nodes).length;
    say(
      `${file} is good: ${config.fleet.sites.length} sites, ${clusters.length} clusters, ${nodes} nodes, ${config.people.length} people, ${config.fleet.images.length} images.`,
    );
    say(`Policy ${policy.digest}`);
    for (const notice of policy.notices) say(`Never allowed, for want of voters: ${notice}`);
  },

  async mcp({ url }) {
    const stop = new AbortController();
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
    const { serveMcp } = await import('./surfaces/mcp/stdio.ts');
    const { mcpTexts } = await import('./mcp-texts.ts');
    await serveMcp({
      client: () => userClient(settings, url),
      catalog,
      texts: await mcpTexts(),
      version,
      errors: process.stderr,
      stop: stop.signal,
    });
  },

  async demo({ tour, speed, modelUrl, model }) {
    const interactive = !tour && process.stdin.isTTY === true && process.stdout.isTTY === true;
    const stop = new AbortController();
    const release = terminal.onInterrupt(() => stop.abort());
    process.once('SIGTERM', () => stop.abort());
    // A command that the tour is watching takes the interrupt for itself; on a tour it is meant for all of it.
    if (!interactive) process.once('SIGINT', () => stop.abort());
    const chosen = modelUrl === undefined ? [] : ['--model-url', modelUrl, '--model', model ?? ''];
    await withDemo({ speed, tell: say, stopped: stop.signal, chosen }, async parts => {
      const execute = (words: string[], configDir: string) => {
        const prompted: CliDeps = { ...deps, settings: { configDir, url: parts.url }, processes: undefined };
        return runCli(prompted, words);
      };
      if (interactive) {
        const { demoPrompt } = await import('./demo/demo-prompt.ts');
        await demoPrompt({ parts, terminal, execute, program: commandWords(buildCli(deps)), say });
      } else {
        const { playTour } = await import('./demo/tour.ts');
        await playTour({ parts, execute, say });
      }
    });
    release();
    if (stop.signal.aborted) say('Stopped; nothing is left running.');
  },
};

const peopleIn = (file: string) => directoryOf(configured(file));
const deps: CliDeps = { catalog, version, settings, terminal, hashPassphrase, peopleIn, processes };

process.exitCode = await runCli(deps, process.argv.slice(2));
