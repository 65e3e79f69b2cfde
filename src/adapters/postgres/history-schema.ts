/**
 * Readings over time. One row holds all values of one look, in the order that
 * its layout names; a day is a partition, so that forgetting one is no work.
 */
export const historySchema = [
  `create table reading_layout (id int generated always as identity primary key, digest text not null unique,
     names text[] not null, units text[] not null)`,
  `create table reading (node text not null, at timestamptz not null, layout int references reading_layout, numbers real[], missing text,
     primary key (node, at)) partition by range (at)`,
  `create table reading_rollup (node text not null, at timestamptz not null, layout int not null references reading_layout,
     low real[] not null, mean real[] not null, high real[] not null, primary key (node, at, layout))`,
  `create table reading_rolled (one boolean primary key default true check (one), upto timestamptz not null)`,
];
