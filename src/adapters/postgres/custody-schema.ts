/**
 * The custody log's tables and the one function that appends to them. Hashing
 * happens in the database, under the lock of the single head row, so that
 * every writer sees the tree as the last one left it and one call is enough.
 * The triggers stop mistakes and a stolen application role, not the owner of
 * the database: that takes checkpoints kept elsewhere.
 */

const tables = [
  `create table custody_entry (
     seq bigint primary key,
     bytes bytea not null check (octet_length(bytes) between 1 and 65535),
     leaf bytea not null check (octet_length(leaf) = 32),
     written timestamptz not null default now())`,
  // frontier: roots of the perfect subtrees, largest first.
  `create table custody_head (
     one boolean primary key default true check (one),
     size bigint not null,
     root bytea not null check (octet_length(root) = 32),
     frontier bytea[] not null)`,
  `insert into custody_head (size, root, frontier) values (0, sha256(''::bytea), '{}')`,
  `create table custody_checkpoint (size bigint primary key, note text not null, written timestamptz not null default now())`,
];

// The waiting limit keeps one stalled writer from freezing everyone: the others fail, and without an intent there is no effect.
const append = `create function custody_append(entries bytea[]) returns table (seq bigint, leaf bytea)
  language plpgsql set lock_timeout = '10s' as $$
  #variable_conflict use_column
  declare
    head custody_head%rowtype;
    entry bytea;
    hash bytea;
    digits bigint;
    peaks int;
  begin
    select * into strict head from custody_head for update;
    foreach entry in array entries loop
      hash := sha256('\\x00'::bytea || entry);
      insert into custody_entry (seq, bytes, leaf) values (head.size, entry, hash);
      seq := head.size;
      leaf := hash;
      return next;
      digits := head.size;
      while digits & 1 = 1 loop
        peaks := cardinality(head.frontier);
        hash := sha256('\\x01'::bytea || head.frontier[peaks] || hash);
        head.frontier := head.frontier[1:peaks - 1];
        digits := digits >> 1;
      end loop;
      head.frontier := array_append(head.frontier, hash);
      head.size := head.size + 1;
    end loop;
    peaks := cardinality(head.frontier);
    if peaks > 0 then
      head.root := head.frontier[peaks];
      while peaks > 1 loop
        peaks := peaks - 1;
        head.root := sha256('\\x01'::bytea || head.frontier[peaks] || head.root);
      end loop;
    end if;
    update custody_head set size = head.size, root = head.root, frontier = head.frontier;
  end $$`;

const triggers = [
  `create function custody_refuse() returns trigger language plpgsql as $$
   begin raise exception 'the custody log is append-only' using errcode = 'insufficient_privilege'; end $$`,
  `create trigger custody_entry_append_only before update or delete or truncate on custody_entry
     for each statement execute function custody_refuse()`,
  `create trigger custody_checkpoint_append_only before update or delete or truncate on custody_checkpoint
     for each statement execute function custody_refuse()`,
  `create trigger custody_head_stays before insert or delete or truncate on custody_head
     for each statement execute function custody_refuse()`,
  `create trigger custody_head_grows before update on custody_head
     for each row when (new.size < old.size) execute function custody_refuse()`,
];

/** Statements for an empty database, in order. */
export const custodySchema: string[] = [...tables, append, ...triggers];
