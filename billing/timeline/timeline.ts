/**
 * A page of a timeline: its rows, read and made into entries.
 *
 * Owns reading the rows of one page, one statement for each table. Does not own their order (`index-query.ts`) nor the
 * entries (`entries.ts`).
 */
import type { TimelineEntry } from '../../contracts/http/timeline';
import { timelineSources, type TimelinePlace, type TimelineSource } from '../../domain/timeline/timeline';
import type { Database } from '../../prisma/client';
import { attemptRow, refundRow, retryPlanRow, retryRequestRow, taskRow } from '../rows';
import { entryOf, type EntryBody } from './entries';
import { readLedgerEntries } from './ledger-entries';
import { timelinePlaces, type ReadableEntries, type TimelineSubject } from './index-query';

/** At most `limit` entries, oldest first, each with its place. @param after null: from the first one on */
export async function readTimeline(
  db: Database,
  subject: TimelineSubject,
  readable: ReadableEntries,
  after: TimelinePlace | null,
  limit: number,
): Promise<{ places: TimelinePlace[]; entryAt(place: TimelinePlace): TimelineEntry | null }> {
  const places = await timelinePlaces(db, subject, readable, after, limit);
  const entries = new Map<string, EntryBody>();
  await Promise.all(
    timelineSources.map(async (source) => {
      const wanted = places.filter((place) => place.source === source);
      if (wanted.length === 0) return;
      for (const { place, entry } of await readers[source](db, wanted)) entries.set(keyOf(place), entry);
    }),
  );
  // A task that was asked again meanwhile is not resolved any more.
  const entryAt = (place: TimelinePlace): TimelineEntry | null => {
    const body = entries.get(keyOf(place));
    return body === undefined ? null : { ...instantsOf(place), ...body };
  };
  return { places, entryAt };
}

function instantsOf({ atMs, recordedMs }: TimelinePlace): Pick<TimelineEntry, 'at' | 'recorded_at'> {
  return { at: new Date(atMs).toISOString(), recorded_at: new Date(recordedMs).toISOString() };
}

type Key = Pick<TimelinePlace, 'source' | 'id' | 'number'>;
interface Read {
  place: Key;
  entry: EntryBody;
}

function keyOf({ source, id, number }: Key): string {
  return `${source}/${id}/${number}`;
}

type Reader = (db: Database, places: readonly TimelinePlace[]) => Promise<Read[]>;

const idsOf = (places: readonly TimelinePlace[]) => ({ in: places.map(({ id }) => id) });
const numbersOf = (places: readonly TimelinePlace[]) => ({ in: places.map(({ number }) => number) });

const readers: Readonly<Record<TimelineSource, Reader>> = {
  async webhook_delivery(db, places) {
    const omit = { body: true, headers: true, event: true } as const;
    const rows = await db.webhookDelivery.findMany({ where: { id: idsOf(places) }, omit });
    return rows.map((row) => read('webhook_delivery', row.id, 0n, entryOf.webhook_delivery(row)));
  },
  async retry_request(db, places) {
    const rows = await db.retryRequest.findMany({ where: { id: idsOf(places) } });
    return rows.map((row) => read('retry_request', row.id, 0n, entryOf.retry_request(retryRequestRow(row))));
  },
  async attempt(db, places) {
    const OR = places.map(({ id, number }) => ({ payment_id: id, number: Number(number) }));
    const include = { payment: { select: { renewal_run_id: true } } };
    const rows = await db.paymentAttempt.findMany({ where: { OR }, include });
    return rows.map(({ payment: { renewal_run_id: runId }, ...row }) =>
      read('attempt', row.payment_id, BigInt(row.number), entryOf.attempt(attemptRow(row), runId)),
    );
  },
  async refund(db, places) {
    const rows = await db.refund.findMany({ where: { id: idsOf(places) } });
    return rows.map((row) => read('refund', row.id, 0n, entryOf.refund(refundRow(row))));
  },
  async change(db, places) {
    const OR = places.map(({ id, number }) => ({ subject_id: id, version: Number(number) }));
    const rows = await db.change.findMany({ where: { OR } });
    return rows.map((row) => read('change', row.subject_id, BigInt(row.version), entryOf.change(row)));
  },
  async ledger_transaction(db, places) {
    const found = await readLedgerEntries(db, places);
    return found.map(({ customerId, seq, entry }) => read('ledger_transaction', customerId, seq, entry));
  },
  async retry_plan(db, places) {
    const OR = places.map(({ id, number }) => ({ payment_id: id, sequence: Number(number) }));
    const rows = await db.retryPlan.findMany({ where: { OR } });
    return rows.map((row) =>
      read('retry_plan', row.payment_id, BigInt(row.sequence), entryOf.retry_plan(retryPlanRow(row))),
    );
  },
  async retry_refusal(db, places) {
    const rows = await db.retryRequest.findMany({ where: { id: idsOf(places) } });
    return rows.map((row) => read('retry_refusal', row.id, 0n, entryOf.retry_refusal(retryRequestRow(row))));
  },
  async operator_task(db, places) {
    const rows = await db.operatorTask.findMany({ where: { id: idsOf(places) } });
    return rows.map((row) => read('operator_task', row.id, 0n, entryOf.operator_task(taskRow(row))));
  },
  async task_resolution(db, places) {
    const rows = await db.operatorTask.findMany({ where: { id: idsOf(places), status: 'resolved' } });
    return rows.map((row) => read('task_resolution', row.id, 0n, entryOf.task_resolution(taskRow(row))));
  },
  async event(db, places) {
    const rows = await db.outboxEvent.findMany({
      where: { id: numbersOf(places) },
      omit: { payload: true },
    });
    return rows.map((row) => read('event', places[0]?.id ?? '', row.id, entryOf.event(row)));
  },
  async audit(db, places) {
    const rows = await db.auditLog.findMany({ where: { id: numbersOf(places) } });
    return rows.map((row) => read('audit', places[0]?.id ?? '', row.id, entryOf.audit(row)));
  },
};

function read(source: TimelineSource, id: string, number: bigint, entry: EntryBody): Read {
  return { place: { source, id, number }, entry };
}
