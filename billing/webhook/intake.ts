/**
 * The ordinary way of a webhook into the ledger, which has to be fast: what comes at the same time is stored by one
 * statement, which is the transaction, each delivery with its event on webhooks.received.
 *
 * Owns: that statement, and who shares one. Does not own what a delivery and its event say (`webhook-deliveries.ts`).
 * Invariants: answered only when committed; a repeat writes nothing, also one that comes together with the first, by
 * whichever of its two keys that is seen; all deliveries are written, in one order, before the first turn at the outbox
 * is taken, so that neither two of these nor one of these and another writer wait for each other; a row that PostgreSQL
 * refuses harms no other.
 */
import { isRefusal, type Database } from '../../prisma/client';
import { sql } from '../../prisma/sql';
import { hintSoon, outboxCtes } from '../outbox';
import type { NewDelivery } from './store';
import { createBatcher } from '../../prisma/batch';

export interface DeliveryToStore extends NewDelivery {
  /** Of the event; also its key where the payment is not known. */
  event_id: string;
  /** The event in its envelope. */
  payload: string;
}

type Stored = 'stored' | 'duplicate';

/** Also keeps short how long one has to wait for the others. */
const maxBatch = 50;
const maxBatchBytes = 512 * 1024;
/** One is parsed and planned here while another commits. */
const maxInFlight = 2;

const storing = `
  WITH given AS MATERIALIZED (
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bytea[], $7::text[],
      $8::text[], $9::timestamptz[], $10::text[], $11::text[], $12::text[]) WITH ORDINALITY
      AS given(id, provider, provider_event_id, event_type, payment_id, body, headers, event, created_at, event_id,
        payload, trace, place)
  ),
  stored AS (
    INSERT INTO webhook_deliveries
      (id, provider, provider_event_id, event_type, payment_id, body, headers, event, trace, created_at)
    SELECT id, provider, provider_event_id, event_type, payment_id, body, headers::jsonb, event::jsonb, trace::jsonb,
      created_at
    FROM given ORDER BY id
    ON CONFLICT DO NOTHING
    RETURNING id
  ),
  caused AS MATERIALIZED (
    SELECT id AS subject, event_id, payload, created_at, place,
      coalesce((SELECT coalesce(p.subscription_id, p.id) FROM payments p WHERE p.id = payment_id), event_id) AS key
    FROM given JOIN stored USING (id)
  ),
  ${outboxCtes('webhooks.received', 'caused')}
  SELECT event_id, shard FROM written`;

const intakes = new WeakMap<Database, (row: DeliveryToStore) => Promise<Stored>>();

/** Stores a delivery together with those that come at the same time. */
export function storeDelivery(db: Database, row: DeliveryToStore): Promise<Stored> {
  let intake = intakes.get(db);
  if (intake === undefined) {
    intake = createBatcher({
      run: (rows: readonly DeliveryToStore[]) => storeAll(db, rows),
      isDueToItem: isRefusal,
      weightOf: ({ body }) => body.length,
      maxItems: maxBatch,
      maxWeight: maxBatchBytes,
      maxInFlight,
    });
    intakes.set(db, intake);
  }
  return intake(row);
}

async function storeAll(db: Database, given: readonly DeliveryToStore[]): Promise<Stored[]> {
  // Of one event that came several times the first is stored, as the key says that keeps its place.
  const rows = [...new Map(given.toReversed().map((row) => [row.id, row])).values()].toReversed();
  const written = await sql(db).query<{ event_id: string; shard: number }[]>({
    text: storing,
    values: columnsOf(rows),
  });
  if (written.length > 0) {
    hintSoon(
      db,
      written.map(({ shard }) => shard),
    );
  }
  const fresh = new Set(written.map(({ event_id }) => event_id));
  // Taken out when it was told: the next ones are repeats.
  return given.map(({ event_id }) => (fresh.delete(event_id) ? 'stored' : 'duplicate'));
}

function columnsOf(rows: readonly DeliveryToStore[]): unknown[] {
  return [
    rows.map(({ id }) => id),
    rows.map(({ provider }) => provider),
    rows.map(({ provider_event_id }) => provider_event_id),
    rows.map(({ event_type }) => event_type),
    rows.map(({ payment_id }) => payment_id),
    rows.map(({ body }) => body),
    rows.map(({ headers }) => JSON.stringify(headers)),
    rows.map(({ event }) => JSON.stringify(event)),
    rows.map(({ created_at }) => created_at.toISOString()),
    rows.map(({ event_id }) => event_id),
    rows.map(({ payload }) => payload),
    rows.map(({ trace }) => (trace === null ? null : JSON.stringify(trace))),
  ];
}
