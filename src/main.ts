/**
 * The program: the command line in front, and the parts that run as processes of their own behind it. A part is loaded
 * when it is run, so that a question to a running service does not wait for an engine to load.
 */
import { mkdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { catalog } from '../tools/index.ts';
import { type ClientEnvironment, clientEnvironment, directoryOf, loadConfig } from './config.ts';
import { FleetError } from './core/errors.ts';
import { runPart } from './demo/child.ts';
import { withDemo } from './demo/demo.ts';
import { hashPassphrase } from './guard/passphrase.ts';
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
const standbyMs = 2_000;
const say = (text: string): void => void terminal.output.write(`${text}\n`);

/** What another process took over is not ours any more, down to the steps that still run: nothing is tidied up. */
function endNow(log: { fatal(fields: object, message: string): void }): (error: FleetError) => void {
  return error => {
    log.fatal({ error }, error.message);
    process.exit(1);
  };
}

/** Answers the configuration, or throws every problem of it at once. */
function configured(file: string) {
  const result = loadConfig(file);
  if (result.ok) return result.config;
  const lines = result.problems.map(({ path, expected, found, hint }) => {
    const place = path === '' ? '' : `${path}: `;
    return `  ${place}expected ${expected}, found ${found}${hint ? ` (${hint})` : ''}`;
  });
  throw new FleetError({
    code: 'invalid_config',
    message: `${file} has ${lines.length} problem${lines.length === 1 ? '' : 's'}:\n${lines.join('\n')}`,
    hint: `correct the file and look again: groundskeeper check --config ${file}`,
  });
}

/** The key stays where it is: the configuration names the variable alone. */
function modelOf({ modelUrl, model }: { modelUrl: string; model?: string }) {
  if (!model)
    throw new FleetError({ code: 'invalid_input', message: '--model-url needs --model, the name of a model there' });
  return { baseUrl: modelUrl, model, ...(settings.hasModelKey && { apiKey: 'env:GROUNDSKEEPER_MODEL_KEY' }) };
}

const processes: Processes = {
  async serve({ config: file, logLevel }) {
    const [{ default: pino }, { startService }] = await Promise.all([import('pino'), import('./service.ts')]);
    const lines = pino.destination(2);
    lines.on('error', () => {}); // the terminal is gone; what is left to do does not need it
    const log = pino({ level: logLevel, base: null }, lines);
    await runPart(
      async () => {
        const service = await startService({ config: configured(file), log, onReplaced: endNow(log) });
        // To one in a terminal it means that the terminal is gone.
        if (!process.stdin.isTTY) process.on('SIGHUP', () => void service.reloadPolicy());
        const waiting = setTimeout(
          () => say('Another process serves; this one works beside it, and serves when it is gone.'),
          standbyMs,
        );
        const ready = service.serving.then(url => ({ url })).finally(() => clearTimeout(waiting));
        return { ready, close: () => service.close() };
      },
      ({ url }) =>
        say(
          `Groundskeeper serves on ${url}. Log in with: groundskeeper login --url ${url}\nCtrl-C stops it; operations in flight go on at the next start.`,
        ),
    );
  },

  async worker({ config: file, logLevel }) {
    const [{ default: pino }, { startWorker }] = await Promise.all([import('pino'), import('./worker.ts')]);
    const log = pino({ level: logLevel, base: null }, pino.destination(2));
    await runPart(
      async () => {
        const worker = await startWorker({ config: configured(file), log, onReplaced: endNow(log) });
        return { ready: { executor: worker.executor }, close: () => worker.close() };
      },
      ({ executor }) => say(`Worker ${executor} takes part. Ctrl-C stops it; others go on with what it had begun.`),
    );
  },

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
      client: await userClient(settings, url),
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
