/**
 * False and missed alarms over seeded histories, as a table for the README.
 *
 *   npm run bench:health -- [--histories 1000]
 */
import { parseArgs } from 'node:util';
import { outcomesOf, type Row, rowsOf } from '../test/support/health-outcomes.ts';

const { values } = parseArgs({ options: { histories: { type: 'string', default: '1000' } } });
const began = performance.now();
const rows = rowsOf(outcomesOf(Number(values.histories)));
const sum = (of: (row: Row) => number) => rows.reduce((total, row) => total + of(row), 0);
const minutes = (value: number | undefined) => (value === undefined ? '' : `${value} min`);

const cells = [
  [
    'history',
    'histories',
    'false warnings',
    'false critical',
    'missed',
    'late',
    'told after',
    'cordon',
    'false',
    'missed',
    'after',
  ],
  Array<string>(11).fill('---'),
  ...rows.map(row => [
    row.story.name,
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
  ]),
  [
    'all',
    sum(row => row.histories),
    sum(row => row.falseWarnings),
    sum(row => row.falseCritical),
    sum(row => row.missed),
    sum(row => row.late),
    '',
    '',
    sum(row => row.falseCordons),
    sum(row => row.missedCordons),
    '',
  ],
];
for (const row of cells) process.stdout.write(`| ${row.join(' | ')} |\n`);
process.stdout.write(
  `\nThree hours each, a look a minute; counted are histories. ${Math.round((performance.now() - began) / 100) / 10} s.\n`,
);
