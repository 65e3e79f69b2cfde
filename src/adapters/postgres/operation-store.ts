/** Operations in Postgres; every change of state is a compare-and-set. */
import {
  type Expression,
  type ExpressionBuilder,
  type Kysely,
  type Selectable,
  type SqlBool,
  sql,
  type Updateable,
} from 'kysely';
import { type ErrorCode, FleetError } from '../../core/errors.ts';
import {
  hasEnded,
  type NodeState,
  type OperationEvent,
  type OperationHead,
  type OperationNode,
  type OperationState,
} from '../../core/operation.ts';
import type { PlanKind } from '../../core/plan.ts';
import type { OperationStore } from '../../core/records.ts';
import { storable, storableJson } from '../../core/storable.ts';
import type { Tables } from './schema.ts';

type Db = Kysely<Tables>;

type OperationRow = Selectable<Tables['operation']>;
type NodeRow = Selectable<Tables['operation_node']>;
type Where = (eb: ExpressionBuilder<Tables, 'operation'>) => Expression<SqlBool>;

function headOf(row: OperationRow): OperationHead {
  return {
    id: row.id,
    plan: row.plan,
    digest: row.digest,
    kind: row.kind as PlanKind,
    site: row.site,
    cluster: row.cluster,
    state: row.state as OperationState,
    reason: row.reason,
    requester: row.requester,
    channel: row.channel,
    approval: row.approval ?? undefined,
    cancelRequestedBy: row.cancel_requested_by ?? undefined,
    revoked: row.revoked,
    executeUntil: row.execute_until.toISOString(),
    pausedBy: row.paused_by ?? undefined,
    advancedTo: row.advanced_to ?? undefined,
    halting: row.halting ?? undefined,
    createdAt: row.created_at.toISOString(),
    endedAt: row.ended_at?.toISOString(),
  };
}

function partOf(row: NodeRow): OperationNode {
  return {
    node: row.node,
    site: row.site,
    cluster: row.cluster,
    wave: row.wave,
    state: row.state as NodeState,
    step: row.step,
    message: row.message,
    code: (row.code as ErrorCode | null) ?? undefined,
    stepSince: row.step_since?.toISOString(),
    updatedAt: row.updated_at.toISOString(),
    begunAt: row.begun_at?.toISOString(),
  };
}

/** `executor` is the life of this process, where it has one. */
export function operationStore(db: Db, executor?: string): OperationStore {
  const nodesInOrder = () => db.selectFrom('operation_node').selectAll().orderBy('wave').orderBy('node');
  /** Of an operation that goes on, where this holds of it; false when it was another. */
  const changed = async (id: string, change: Updateable<Tables['operation']>, where: Where): Promise<boolean> => {
    const result = await db
      .updateTable('operation')
      .set(change)
      .where('id', '=', id)
      .where('state', 'in', ['queued', 'running'])
      .where(where)
      .executeTakeFirst();
    return result.numUpdatedRows === 1n;
  };
  return {
    async insert(operation, nodes) {
      const inserted = await db
        .insertInto('operation')
        .values({
          id: operation.id,
          plan: operation.plan,
          digest: operation.digest,
          kind: operation.kind,
          site: operation.site,
          cluster: operation.cluster,
          state: operation.state,
          reason: operation.reason,
          requester: operation.requester,
          channel: operation.channel,
          approval: operation.approval ?? null,
          cancel_requested_by: null,
          revoked: false,
          execute_until: new Date(operation.executeUntil),
          paused_by: null,
          advanced_to: null,
          halting: null,
          created_at: new Date(operation.createdAt),
          ended_at: null,
        })
        .onConflict(conflict => conflict.doNothing())
        .executeTakeFirst();
      if (inserted.numInsertedOrUpdatedRows !== 1n) return false;
      const rows = nodes.map(node => ({
        operation: operation.id,
        ...node,
        state: 'waiting',
        step: '',
        message: '',
        code: null,
        step_since: null,
        begun_at: null,
      }));
      await db.insertInto('operation_node').values(rows).execute();
      return true;
    },
    async get(id) {
      const head = await this.head(id);
      const nodes = await nodesInOrder().where('operation', '=', id).execute();
      return { ...head, nodes: nodes.map(partOf) };
    },
    async head(id) {
      const row = await db.selectFrom('operation').selectAll().where('id', '=', id).executeTakeFirst();
      if (!row)
        throw new FleetError({
          code: 'not_found',
          message: `there is no operation ${id}`,
          hint: 'groundskeeper list-operations',
        });
      return headOf(row);
    },
    async part(id, node) {
      const row = await db
        .selectFrom('operation_node')
        .selectAll()
        .where('operation', '=', id)
        .where('node', '=', node)
        .executeTakeFirst();
      return row && partOf(row);
    },
    async list({ open, limit }) {
      let query = db.selectFrom('operation').selectAll().orderBy('created_at', 'desc').limit(limit);
      if (open) query = query.where('state', 'in', ['queued', 'running']);
      return (await query.execute()).map(headOf);
    },
    async queued() {
      // The words of the index: it is asked for each second.
      const { rows } = await sql<{ id: string }>`
        select id from operation where state = 'queued' order by created_at`.execute(db);
      return rows.map(({ id }) => id);
    },
    async progress(ids) {
      if (ids.length === 0) return [];
      const counted = await db
        .selectFrom('operation_node')
        .select(({ fn }) => ['operation', 'state', fn.countAll<string>().as('nodes')])
        .where('operation', 'in', ids)
        .groupBy(['operation', 'state'])
        .execute();
      const running = await nodesInOrder().where('operation', 'in', ids).where('state', '=', 'running').execute();
      const states = Map.groupBy(counted, ({ operation }) => operation);
      const atWork = Map.groupBy(running, ({ operation }) => operation);
      return ids.map(id => ({
        counts: Object.fromEntries((states.get(id) ?? []).map(({ state, nodes }) => [state, Number(nodes)])),
        atWork: (atWork.get(id) ?? []).map(partOf),
      }));
    },
    async ofPlan(plan) {
      const row = await db.selectFrom('operation').selectAll().where('plan', '=', plan).executeTakeFirst();
      return row && headOf(row);
    },
    async openOn(cluster) {
      const open = await db.selectFrom('operation').selectAll().where('state', 'in', ['queued', 'running']).execute();
      const ids = open.map(({ id }) => id);
      if (ids.length === 0) return [];
      const parts = await nodesInOrder().where('operation', 'in', ids).where('cluster', '=', cluster).execute();
      const byOperation = Map.groupBy(parts, part => part.operation);
      return open.flatMap(row => {
        const nodes = byOperation.get(row.id);
        return nodes ? [{ ...headOf(row), nodes: nodes.map(partOf) }] : [];
      });
    },
    async transition(id, from, to, reason) {
      const result = await db
        .updateTable('operation')
        .set({ state: to, reason: storable(reason), ...(hasEnded(to) ? { ended_at: new Date() } : {}) })
        .where('id', '=', id)
        .where('state', 'in', from)
        .executeTakeFirst();
      return result.numUpdatedRows === 1n;
    },
    requestCancel: (id, person, { revoked } = { revoked: false }) =>
      changed(id, { cancel_requested_by: person, revoked }, eb => eb('cancel_requested_by', 'is', null)),
    requestHalt: (id, reason) => changed(id, { halting: storable(reason) }, eb => eb('halting', 'is', null)),
    async nodesAtWork() {
      return db
        .selectFrom('operation_node')
        .innerJoin('operation', 'operation.id', 'operation_node.operation')
        .select(['operation_node.operation', 'operation.plan', 'operation_node.node'])
        .where('operation.state', 'in', ['queued', 'running'])
        .where('operation_node.state', '=', 'running')
        .execute();
    },
    async holdStarts() {
      await sql`select pg_advisory_xact_lock(hashtext('groundskeeper-starts'))`.execute(db);
    },
    setPaused: (id, pausedBy) =>
      changed(id, { paused_by: pausedBy }, eb => eb('paused_by', pausedBy === null ? 'is not' : 'is', null)),
    advance: (id, wave) =>
      changed(id, { advanced_to: wave }, eb => eb.or([eb('advanced_to', 'is', null), eb('advanced_to', '<', wave)])),
    async setNode(id, node) {
      await this.setNodes(id, [node]);
    },
    async showNode(id, { node, step, message }) {
      const lives = sql`exists (select from executor where id = ${executor} and ended_at is null)`;
      await sql`
        update operation_node set state = 'running', step = ${step}, message = ${storable(message)}, updated_at = now(),
          begun_at = coalesce(begun_at, now()),
          step_since = case when step = ${step} and step_since is not null then step_since else now() end
        where operation = ${id} and node = ${node} and state in ('waiting', 'running')
          and ${executor === undefined ? sql`true` : lives}`.execute(db);
    },
    async setNodes(id, nodes) {
      // What is told of a step meanwhile does not make it young again. The names stand there twice: from JSON
      // alone Postgres expects a hundred of them, and reads all nodes of the operation.
      await sql`
        update operation_node set state = told.state, step = told.step, message = told.message, updated_at = now(),
          code = coalesce(told.code, operation_node.code),
          begun_at = coalesce(begun_at, case when told.state = 'running' then now() end),
          step_since = case when operation_node.step = told.step and step_since is not null then step_since else now() end
        from jsonb_to_recordset(${storableJson(nodes)}::jsonb) as told (node text, state text, step text, message text, code text)
        where operation_node.operation = ${id} and operation_node.node = told.node
          and operation_node.node = any(${nodes.map(({ node }) => node)}::text[])`.execute(db);
    },
    async addEvent(id, key, event) {
      await db
        .insertInto('operation_event')
        .values({
          operation: id,
          key: storable(key),
          ...event,
          message: storable(event.message),
          node: event.node ?? null,
        })
        .onConflict(conflict => conflict.doNothing())
        .execute();
    },
    async events(id, after, limit) {
      let query = db
        .selectFrom('operation_event')
        .selectAll()
        // As a row: asked for by number alone, the events of earlier operations are read first.
        .where(sql<SqlBool>`(operation, seq) > (${id}, ${after})`)
        .where('operation', '<=', id)
        .orderBy('operation')
        .orderBy('seq');
      if (limit !== undefined) query = query.limit(limit);
      const rows = await query.execute();
      return rows.map(row => ({
        seq: Number(row.seq),
        time: row.time.toISOString(),
        node: row.node ?? undefined,
        step: row.step,
        status: row.status as OperationEvent['status'],
        message: row.message,
      }));
    },
  };
}
