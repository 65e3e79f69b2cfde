/**
 * False and missed alarms over seeded histories, as a table for the README: all
 * of them given to the rules as they are, and some of them, where it is asked
 * for, played by BMCs of the lab and read over Redfish.
 *
 *   npm run bench:health -- [--histories 1000] [--played 60]
 */
import { parseArgs } from 'node:util';
import { type Outcome, outcomesOf, type Row, rowsOf } from '../test/support/health-outcomes.ts';
import { type Played, playedOutcomes, told } from '../test/support/played-histories.ts';
import { numberFlag } from './parts/number-flag.ts';

const { values } = parseArgs({
  options: { histories: { type: 'string', default: '1000' }, played: { type: 'string', default: '0' } },
});
const histories = numberFlag(values, 'histories');
const toPlay = Math.min(numberFlag(values, 'played'), histories);

type Cell = string | number;
const minutes = (value: number | undefined) => (value === undefined ? '' : `${value} min`);
const saidOf = (outcome: Outcome) => JSON.stringify(told(outcome));

const began = performance.now();
const direct = outcomesOf(histories);
const directSeconds = secondsSince(began);
const rows = rowsOf(direct);
const playBegan = performance.now();
const played: Played[] = await playedOutcomes(toPlay, '127.126.1.1');
const playedRows = new Map(rowsOf(played.map(({ outcome }) => outcome)).map(row => [row.story, row]));
const otherwise = played.filter(({ outcome }) => saidOf(outcome) !== saidOf(direct[outcome.seed] as Outcome));

function secondsSince(from: number): number {
  return Math.round((performance.now() - from) / 100) / 10;
}

function ofRow(row: Row): Cell[] {
  return [
    row.histories,
    row.falseWarnings,
    row.falseCritical,
    row.missed,
    row.late,
    minutes(row.medianMinutes),
    row.story.cordon,
    row.falseCordons,
    row.missedCordons,
    minutes(row.cordonMinutes),
  ];
}

/** Histories that were played, with what was false and missed among them, and those that went otherwise than directly. */
function ofPlayed(row: Row): Cell[] {
  const own = playedRows.get(row.story);
  if (own === undefined) return [0, '', '', '', '', ''];
  return [
    own.histories,
    own.falseWarnings + own.falseCritical,
    own.missed,
    own.falseCordons,
    own.missedCordons,
    otherwise.filter(({ outcome }) => outcome.story === row.story).length,
  ];
}

const heads = 'history,histories,false warnings,false critical,missed,late,told after,cordon,false,missed,after'.split(
  ',',
);
const playedHeads = 'played,false,missed,false cordons,missed cordons,other than directly'.split(',');
const withPlayed = toPlay > 0;
const body = rows.map(row => [row.story.name, ...ofRow(row), ...(withPlayed ? ofPlayed(row) : [])]);
const columns = withPlayed ? [...heads, ...playedHeads] : heads;
const summed = columns.map((_, column) =>
  body.every(cells => typeof cells[column] === 'number' || (column > 10 && cells[column] === ''))
    ? body.reduce((total, cells) => total + Number(cells[column]), 0)
    : '',
);
const all = ['all', ...summed.slice(1)];
for (const row of [columns, columns.map(() => '---'), ...body, all]) process.stdout.write(`| ${row.join(' | ')} |\n`);
process.stdout.write(`\nThree hours each, a look a minute; counted are histories. ${directSeconds} s.\n`);
if (withPlayed) {
  const requests = played.reduce((total, each) => total + each.requests, 0);
  process.stdout.write(`${toPlay} of them played over Redfish, ${requests} requests: ${secondsSince(playBegan)} s.\n`);
  for (const { outcome, machine } of otherwise)
    process.stdout.write(
      `otherwise: ${outcome.story.name}, seed ${outcome.seed} on ${machine}\n  played ${saidOf(outcome)}\n  direct ${saidOf(direct[outcome.seed] as Outcome)}\n`,
    );
}
