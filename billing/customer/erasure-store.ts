/**
 * Statements of an erasure: reading a batch of a customer's rows, by the list of `domain/personal-data.ts`, blanking it, and
 * how far the erasure has come.
 *
 * Invariant: a batch reads at most its size of rows of one table, by key; a table is never read as a whole, save dead
 * letters and the webhooks that name no payment, which are looked through in batches, too.
 */
import type { Owner, PersonalTable } from '../../domain/personal-columns';
import { personalData, type PersonalTableName } from '../../domain/personal-data';
import type { Database, Transaction } from '../../prisma/client';
import { Prisma } from '../../prisma/generated/client';
import { sql } from '../../prisma/sql';
import { ofErasure } from '../locks';
import { selectionOf } from './whose-rows';

/** A table and one of its owners; the name stands in the erasure's row and in cursors. */
export interface Step {
  name: string;
  table: PersonalTableName;
  list: PersonalTable;
  owner: Owner;
}

/** All steps, in the list's order. */
export const steps: readonly Step[] = Object.entries(personalData).flatMap(([table, list]) =>
  list.owners.map((owner) => ({ name: `${table}/${owner}`, table: table as PersonalTableName, list, owner })),
);

/** The key of a row, as texts. */
export type Position = readonly string[];
export type ReadRow = Readonly<Record<string, unknown>>;

/** The rows of a batch, and the position that the next one comes after; null: the step is done. */
export interface Batch {
  rows: ReadRow[];
  next: Position | null;
}

const name = (column: string): Prisma.Sql => Prisma.raw(`"${column}"`);
const ofRow = (column: string): Prisma.Sql => Prisma.raw(`t."${column}"`);

/** Which batch is read. */
export interface Wanted {
  after: Position | null;
  /** Of tables that are looked through: rows that were written from then on; null: all. */
  since: Date | null;
  limit: number;
}

/** Rows of a table that is looked through for those of a customer, at once. */
const lookedThrough = 500;

/** The rows of a batch, in the order of their keys, before their columns are read. */
function foundRows({ table, list, owner }: Step, customerId: string, { after, since, limit }: Wanted) {
  const keys = Object.entries(list.key);
  const tuple = Prisma.join(keys.map(([column]) => ofRow(column)));
  const values = Prisma.join(
    keys.map(([, type], at) => Prisma.sql`${after?.[at] ?? null}::text::${Prisma.raw(type)}`),
  );
  const beyond =
    after === null || after.length !== keys.length ? Prisma.empty : Prisma.sql`AND (${tuple}) > (${values})`;
  const { ctes, candidates, match } = selectionOf(owner, customerId, since);
  const looked = Prisma.sql`
    SELECT ${tuple}, ${match ?? Prisma.sql`true`} AS is_mine FROM ${name(table)} AS t
    WHERE ${candidates} ${beyond}`;
  // Of a customer's rows all keys that are left are read: the planner would walk through everybody's otherwise.
  const most = match === undefined ? limit + 1 : lookedThrough;
  const found =
    match === undefined
      ? Prisma.sql`looked AS MATERIALIZED (${looked})`
      : Prisma.sql`looked AS MATERIALIZED (${looked} ORDER BY ${tuple} LIMIT ${most})`;
  return { ctes: Prisma.sql`${ctes}, ${found}`, keys: keys.map(([column]) => column), most };
}

/** Reads a batch of a customer's rows. */
export async function readBatch(
  on: Database | Transaction,
  step: Step,
  customerId: string,
  wanted: Wanted & { columns: Prisma.Sql; lock: boolean },
): Promise<Batch> {
  const { limit, columns, lock } = wanted;
  const { ctes, keys, most } = foundRows(step, customerId, wanted);
  const order = Prisma.join(keys.map(name));
  const position = Prisma.join(keys.map((key) => Prisma.sql`${name(key)}::text`));
  const looked = await sql(on).query<{ position: string[]; is_mine: boolean }[]>`
    WITH ${ctes} SELECT ARRAY[${position}] AS position, is_mine FROM looked ORDER BY ${order} LIMIT ${most}`;
  const positions = looked.filter(({ is_mine }) => is_mine).map((row) => row.position);
  const given = positions.slice(0, limit);
  const rows = given.length === 0 ? [] : await readRows(on, step, given, columns, lock);
  if (positions.length > limit) return { rows, next: given.at(-1) ?? null };
  return { rows, next: looked.length === most ? (looked.at(-1)?.position ?? null) : null };
}

async function readRows(
  on: Database | Transaction,
  { table, list }: Step,
  positions: readonly Position[],
  columns: Prisma.Sql,
  lock: boolean,
): Promise<ReadRow[]> {
  const keys = Object.entries(list.key);
  const wanted = positions.map((position) =>
    Object.fromEntries(keys.map(([column], at) => [`key_${column}`, position[at]])),
  );
  const position = Prisma.join(keys.map(([column]) => Prisma.sql`${ofRow(column)}::text`));
  const order = Prisma.join(keys.map(([column]) => ofRow(column)));
  return sql(on).query<ReadRow[]>`
    SELECT ARRAY[${position}] AS position, ${columns}
    FROM json_to_recordset(${JSON.stringify(wanted)}::json) AS given(${keyTypes(keys)})
      JOIN ${name(table)} AS t ON ${sameKey(keys)}
    ORDER BY ${order} ${lock ? ofErasure : Prisma.empty}`;
}

type Keys = readonly (readonly [column: string, type: string])[];

const keyTypes = (keys: Keys): Prisma.Sql =>
  Prisma.join(keys.map(([column, type]) => Prisma.raw(`"key_${column}" ${type}`)));
const sameKey = (keys: Keys): Prisma.Sql =>
  Prisma.join(
    keys.map(([column]) => Prisma.raw(`t."${column}" = given."key_${column}"`)),
    ' AND ',
  );

/** The columns that blanking reads: the personal ones, without bytes that only go, and the topic of a record. */
export function blankedColumns({ table, list }: Step): Prisma.Sql {
  const personal = Object.entries(list.personal).map(([column, { type, blank }]) =>
    type === 'bytea' && blank === 'null'
      ? Prisma.raw(`CASE WHEN t."${column}" IS NOT NULL THEN ''::bytea END AS "${column}"`)
      : ofRow(column),
  );
  return Prisma.join([...personal, ...(table === 'dead_letters' ? [ofRow('topic')] : [])]);
}

/** A row's key and its personal columns as they are to be. */
export interface BlankedRow {
  position: Position;
  values: Readonly<Record<string, unknown>>;
}

/** Writes the personal columns of rows whose locks are held. */
export function enqueueBlanked(tx: Transaction, { table, list }: Step, rows: readonly BlankedRow[]): void {
  const keys = Object.entries(list.key);
  const personal = Object.entries(list.personal);
  const given = rows.map(({ position, values }) => ({
    ...Object.fromEntries(keys.map(([column], at) => [`key_${column}`, position[at]])),
    ...Object.fromEntries(personal.map(([column]) => [column, sendable(values[column])])),
  }));
  const types = personal.map(([column, { type }]) => Prisma.raw(`"${column}" ${type}`));
  const settings = Prisma.join(personal.map(([column]) => Prisma.raw(`"${column}" = given."${column}"`)));
  // The audit log lets nobody else change what people wrote.
  sql(tx).enqueue`SELECT set_config('perennial.erasure', 'on', true)`;
  sql(tx).enqueue`
    UPDATE ${name(table)} AS t SET ${settings}
    FROM json_to_recordset(${JSON.stringify(given)}::json) AS given(${keyTypes(keys)}, ${Prisma.join(types)}) WHERE ${sameKey(keys)}`;
}

const sendable = (value: unknown): unknown =>
  value instanceof Uint8Array ? `\\x${Buffer.from(value).toString('hex')}` : value;

/** How far an erasure has come. */
export interface ErasureRow {
  customer_id: string;
  step: string | null;
  position: Position | null;
  rows: bigint;
  started_at: Date;
  finished_at: Date | null;
}

/** Writes the row of an erasure that begins; begun before: nothing happens. */
export function enqueueErasure(tx: Transaction, customerId: string, at: Date): void {
  sql(tx).enqueue`
    INSERT INTO customer_erasures (customer_id, started_at, next_pass_at) VALUES (${customerId}, ${at}, ${at})
    ON CONFLICT (customer_id) DO NOTHING`;
}

const erasureColumns = Prisma.raw('customer_id, step, position, rows, started_at, finished_at');

/** Reads how far an erasure has come; null: there is none. */
export async function findErasure(db: Database, customerId: string): Promise<ErasureRow | null> {
  const [row] = await sql(db).query<ErasureRow[]>`
    SELECT ${erasureColumns} FROM customer_erasures WHERE customer_id = ${customerId}`;
  return row ?? null;
}

/** Customers whose erasure has something to do, those that wait longest first. */
export async function dueErasures(db: Database, limit: number): Promise<string[]> {
  const rows = await sql(db).query<{ customer_id: string }[]>`
    SELECT customer_id FROM customer_erasures WHERE next_pass_at <= clock_timestamp()
    ORDER BY next_pass_at LIMIT ${limit}`;
  return rows.map(({ customer_id }) => customer_id);
}

/** Has an erasure that failed wait, so that others have their turn. */
export async function postponeErasure(db: Database, customerId: string): Promise<void> {
  await sql(db).execute`
    UPDATE customer_erasures SET next_pass_at = clock_timestamp() + interval '1 minute' WHERE customer_id = ${customerId}`;
}

/** Days in which what was written late is looked for. */
export const daysOfPasses = 40;

/** Moves an erasure on, whose lock is held. @param to null: the pass has ended, and the next one is planned */
export function enqueueProgress(
  tx: Transaction,
  customerId: string,
  to: { step: string; position: Position | null } | null,
  changedRows: number,
): void {
  const position = to?.position ?? null;
  sql(tx).enqueue`
    UPDATE customer_erasures SET
      rows = rows + CASE WHEN finished_at IS NULL THEN ${changedRows}::int ELSE 0 END,
      step = ${to?.step ?? null}, position = ${position === null ? null : JSON.stringify(position)}::jsonb
    WHERE customer_id = ${customerId}`;
  if (to !== null) return;
  // Soon at first, then at a quarter of the time that has passed, a day apart at most.
  sql(tx).enqueue`
    UPDATE customer_erasures SET finished_at = coalesce(finished_at, clock_timestamp()),
      next_pass_at = CASE WHEN clock_timestamp() - coalesce(finished_at, clock_timestamp()) < make_interval(days => ${daysOfPasses}::int)
        THEN clock_timestamp() + least(greatest((clock_timestamp() - coalesce(finished_at, clock_timestamp())) / 4,
          interval '1 minute'), interval '1 day') END
    WHERE customer_id = ${customerId}`;
}
