/**
 * The facts of the analytics projection: what every version of a subscription is worth a month.
 *
 * Invariants: a version is written once, whatever is repeated; it is computed from our own history, and a record that
 * states other money is refused.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Subscription } from '../../contracts/http/subscriptions';
import { isRecurring, monthlyAmount } from '../../domain/subscription/recurring-revenue';
import { createBatcher } from '../../prisma/batch';
import { isRefusal, type Database } from '../../prisma/client';
import { sql } from '../../prisma/sql';
import type { Stored } from '../row-types';
import { Unprocessable } from '../unprocessable';

/** What of a version is worth something. */
type Worth = Pick<Subscription, 'currency' | 'plan_id' | 'status' | 'amount' | 'interval'>;

/** A version as a record has it. */
export type ReportedVersion = Worth & Pick<Subscription, 'id' | 'version'>;

type Outcome = 'recorded' | 'unknown' | 'contradicts';

/** Versions in one statement. */
const maxBatch = 200;

/**
 * Creates the function that records a version; versions that come at once share their statements.
 * The function throws Unprocessable `unknown_subscription`, `contradicts_subscription`.
 */
export function createRevenueRecorder(db: Database): (reported: ReportedVersion) => Promise<void> {
  const record = createBatcher({
    run: (versions: readonly ReportedVersion[]) => recordVersions(db, versions),
    isDueToItem: isRefusal,
    weightOf: () => 1,
    maxItems: maxBatch,
    maxWeight: maxBatch,
    maxInFlight: 1,
  });
  return async (reported) => {
    const outcome = await record(reported);
    if (outcome === 'recorded') return;
    const version = `version ${reported.version} of subscription ${reported.id}`;
    if (outcome === 'unknown') throw new Unprocessable('unknown_subscription', `there is no ${version}`);
    throw new Unprocessable('contradicts_subscription', `${version} is worth something else`);
  };
}

interface Version {
  subject_id: string;
  version: number;
  at: Date;
  result: Stored<Worth>;
}

async function recordVersions(db: Database, reported: readonly ReportedVersion[]): Promise<Outcome[]> {
  const found = await findVersions(db, reported);
  const versions = new Map(found.map((row) => [nameOf(row.subject_id, row.version), row]));
  const outcomes = reported.map((one): Outcome => {
    const version = versions.get(nameOf(one.id, one.version));
    if (version === undefined) return 'unknown';
    return isDeepStrictEqual(worthOf(version.result), worthOf(one)) ? 'recorded' : 'contradicts';
  });
  const confirmed = reported.flatMap((one, at) =>
    outcomes[at] === 'recorded' ? (versions.get(nameOf(one.id, one.version)) ?? []) : [],
  );
  if (confirmed.length > 0) await insertVersions(db, confirmed);
  return outcomes;
}

function nameOf(id: string, version: number): string {
  return `${id}/v${version}`;
}

function worthOf({ currency, plan_id, status, amount, interval: { unit, count } }: Worth) {
  return { currency, plan_id, status, amount, unit, count };
}

function findVersions(db: Database, reported: readonly ReportedVersion[]): Promise<Version[]> {
  return sql(db).query<Version[]>`
    SELECT subject_id, changes.version, at, result
    FROM unnest(${reported.map(({ id }) => id)}::text[], ${reported.map(({ version }) => version)}::bigint[])
      AS reported(id, version)
    JOIN changes ON subject_id = reported.id AND changes.version = reported.version`;
}

async function insertVersions(db: Database, versions: readonly Version[]): Promise<void> {
  const of = <T>(column: (version: Version) => T): T[] => versions.map(column);
  await sql(db).execute`
    INSERT INTO subscription_revenue (subscription_id, version, at, currency, plan_id, status, monthly_amount)
    SELECT * FROM unnest(
      ${of((row) => row.subject_id)}::text[], ${of((row) => row.version)}::int[], ${of(({ at }) => at.toISOString())}::timestamptz[],
      ${of(({ result }) => result.currency)}::text[], ${of(({ result }) => result.plan_id)}::text[],
      ${of(({ result }) => result.status)}::text[], ${of(({ result }) => monthly(result))}::bigint[])
    ON CONFLICT DO NOTHING`;
}

function monthly({ status, amount, interval }: Worth): number {
  return isRecurring(status) ? monthlyAmount(amount, interval) : 0;
}
