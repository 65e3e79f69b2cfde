/**
 * The conversation that the README shows: played by two people and a scripted model over a real service, lab and Bolt, in a
 * Slack of ours; what that Slack holds at each moment is drawn. Nothing in the pictures is written by hand but the two
 * questions and the model's sentences.
 *
 *   npm run pictures                  needs Chromium: apt-get install chromium, or CHROMIUM=<path>
 *   npm run pictures -- --only-draw   draws the newest recording again
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { lastResult, type Reply, repliesSoFar } from '../test/support/model-server.ts';
import type { SlackMessage } from '../test/support/slack/workspace.ts';
import { openCamera } from './parts/camera.ts';
import { pageOf, pageWidth, type Recorded } from './parts/slack-html.ts';
import { openSlackScene, type SlackScene, until } from './parts/slack-scene.ts';

type Scene = { name: string; recorded: Recorded[] };
type Recording = { scenes: Scene[]; uploads: Map<string, { name: string; bytes: Buffer }> };

const { values } = parseArgs({ options: { 'only-draw': { type: 'boolean', default: false } } });
const folder = new URL('../docs/pictures/', import.meta.url);
const kept = new URL('../.cache/slack-recording.json', import.meta.url);
/** Pixels of the page; the whole plan is longer. */
const tallest = 1_000;
/** Of readings, before anybody asks for their history. */
const watchedMs = 60_000;

const recording = values['only-draw'] ? revived(await readFile(kept, 'utf8')) : await record();
await mkdir(folder, { recursive: true });
const camera = await openCamera({ width: pageWidth, zoom: 1.5 });
for (const { name, recorded } of recording.scenes) {
  const file = fileURLToPath(new URL(`slack-${name}.png`, folder));
  await camera.shoot(pageOf(recorded, recording.uploads), { file, tallest });
  console.log(`${file}: ${Math.round((await readFile(file)).length / 1000)} kB`);
}
await camera.close();

async function record(): Promise<Recording> {
  const scene = await openSlackScene();
  try {
    const scenes = await play(scene);
    const all = { scenes, uploads: scene.slack.workspace.uploads };
    await mkdir(new URL('.', kept), { recursive: true });
    await writeFile(
      kept,
      JSON.stringify(all, (_key, value) => (value instanceof Map ? { map: [...value] } : value)),
    );
    return all;
  } finally {
    await scene.close();
  }
}

async function play({ lab, slack, model }: SlackScene): Promise<Scene[]> {
  const { workspace, people } = slack;
  const scenes: Scene[] = [];
  const keep = (name: string, ...recorded: Recorded[]) => {
    scenes.push({ name: `${scenes.length + 1}-${name}`, recorded: structuredClone(recorded) });
    console.log(`recorded: ${name}`);
  };
  const ours = (thread?: string) =>
    workspace.messages.filter(
      ({ user, thread_ts }) => user === 'U0KEEPER' && (thread === undefined || thread_ts === thread),
    );
  const says = ({ blocks }: SlackMessage) => JSON.stringify(blocks);
  const ask = async (text: string) => {
    const { ts } = people.mention({ user: 'U0DAY', text });
    const question = workspace.find('C0OPS', ts) as SlackMessage;
    const answer = await until(`an answer to ${text}`, () => ours(ts).find(each => says(each).includes('scripted ·')));
    return { question: { message: question }, answer: { message: answer, threaded: true }, ts };
  };
  const plotIn = async (thread: string) => ({
    message: await until('a plot', () => ours(thread).find(({ files }) => files.length > 0)),
    threaded: true,
  });

  await until('the connection', () => slack.sockets.connections || undefined);
  const sick = 'chi-w-2';
  await delay(watchedMs - 25_000);
  lab.node(sick).server.faults.set({ kind: 'fan-failing' });
  await delay(25_000);

  model.says((asked): Reply => {
    const step = repliesSoFar(asked);
    if (step === 0)
      return {
        calls: [
          { tool: 'getNodeHealth', input: { node: sick } },
          { tool: 'getSensorHistory', input: { node: sick } },
        ],
      };
    if (step === 1)
      return {
        calls: [
          {
            tool: 'getSensorHistory',
            input: { node: sick, sensor: fanIn(JSON.stringify(asked.messages)), hours: 0.015 },
          },
        ],
      };
    return {
      text: `Kubernetes sees nothing, but a fan of ${sick} is failing [r1]; its speed fell within the last minute [r3].`,
    };
  });
  const first = await ask(`pods on ${sick} are slow. Is it the hardware?`);
  keep('question', first.question, first.answer, await plotIn(first.ts));

  model.says((asked): Reply => {
    const step = repliesSoFar(asked);
    if (step === 0)
      return { calls: [{ tool: 'planFirmwareRollout', input: { site: 'boston', deleteEmptyDir: true } }] };
    if (step === 1) return { calls: [{ tool: 'startPlan', input: planIn(JSON.stringify(lastResult(asked))) }] };
    return { text: 'I planned it and asked for its start; another operator has to approve [r2].' };
  });
  const second = await ask('bring the firmware of boston to its baseline; emptyDir volumes may go');
  keep('plan', second.question, second.answer);

  const card = await until('the card', () => ours().find(each => says(each).includes('approval-approve')));
  keep('card', { message: card });

  await people.click('U0DAY', card, 'approval-approve').acknowledged;
  const refused = await until('the refusal', () => ours().find(({ ephemeralTo }) => ephemeralTo === 'U0DAY'));
  keep('refusal', { message: refused });

  await people.click('U0NIGHT', card, 'approval-approve').acknowledged;
  const operation = () => ours().find(each => says(each).includes('operation-pause'));
  await until('the vote on the card', () => (says(card).includes('night-shift: approve') ? true : undefined));
  keep('approval', { message: card });
  const progress = await until('a wave that works after one that is done', () => {
    const seen = operation();
    return seen && /1\/1.*Under way.*(?:drain|flash|transfer): /.test(says(seen)) ? seen : undefined;
  });
  keep('progress', { message: progress });
  await until('its end', () => (/: (?:done|halted|cancelled)"/.test(says(progress)) ? true : undefined));
  keep('result', { message: progress }, await plotIn(progress.ts));
  return scenes;
}

/** The name of a fan among what the model was shown. */
function fanIn(shown: string): string {
  const name = /(?:\\n|- |")([^|"\\]*fan[^|"\\]*?) \| rpm/i.exec(shown)?.[1];
  if (name === undefined) throw new Error(`no fan was measured: ${shown.slice(-2_000)}`);
  return name;
}

function planIn(shown: string): { plan: string; digest: string } {
  const [plan, digest] = [/plan-[0-9a-z]+/.exec(shown)?.[0], /sha256:[0-9a-f]{64}/.exec(shown)?.[0]];
  if (plan === undefined || digest === undefined) throw new Error(`no plan was made: ${shown.slice(0, 2_000)}`);
  return { plan, digest };
}

function revived(text: string): Recording {
  return JSON.parse(text, (_key, value) => {
    if (Array.isArray(value?.map)) return new Map(value.map);
    return value?.type === 'Buffer' ? Buffer.from(value.data) : value;
  });
}
