/** Events: nothing committed is missing from Kafka, out of order for its key, or repeated in its effects. */
import type { Facts, LetterFact, RecordFact } from '../facts';
import { groupsOf } from '../poison';
import { differences, type Invariant } from './invariant';
import { isLateSuccess } from './webhooks';

const placeOf = ({
  topic,
  partition,
  offset,
}: {
  topic: string;
  partition: number | null;
  offset: number | null;
}) => `${topic}/${partition}/${offset}`;

const originOf = (letter: LetterFact): string => `${letter.group} ${placeOf(letter)}`;

/** The first occurrence of each event, in the order of the partition. */
function firstOccurrences(records: readonly RecordFact[]): Map<string, RecordFact> {
  const first = new Map<string, RecordFact>();
  for (const record of records) {
    const id = record.event === null ? null : `${record.topic} ${record.event.id}`;
    if (id !== null && !first.has(id)) first.set(id, record);
  }
  return first;
}

function rowsAreWhereTheyClaim({ outbox, records }: Facts): string[] {
  const byPlace = new Map(records.map((record) => [placeOf(record), record]));
  return outbox.flatMap((row) => {
    if (!row.published) return [`${row.event_id} is not published`];
    const record = byPlace.get(placeOf(row));
    if (record === undefined) return [`${row.event_id} says ${placeOf(row)}, where nothing is`];
    const isSame =
      record.event?.id === row.event_id && record.key === row.key && record.value === row.payload;
    return isSame ? [] : [`${row.event_id} says ${placeOf(row)}, where ${record.event?.id ?? 'no event'} is`];
  });
}

function everyRecordHasItsRow({ outbox, records }: Facts): string[] {
  const written = new Map(outbox.map((row) => [`${row.topic} ${row.event_id}`, row]));
  return records
    .filter(({ poison }) => poison === null)
    .filter(({ topic, event, value }) => written.get(`${topic} ${event?.id}`)?.payload !== value)
    .map((record) => `${placeOf(record)} holds ${record.event?.id}, which was never committed so`);
}

function orderPerKey({ outbox, records }: Facts): string[] {
  const first = firstOccurrences(records);
  const last = new Map<string, { offset: number; partition: number; event: string }>();
  const violations: string[] = [];
  for (const { topic, key, event_id: event } of outbox) {
    const record = first.get(`${topic} ${event}`);
    if (record === undefined) continue;
    const { offset, partition } = record;
    const sequence = `${topic} ${key}`;
    const before = last.get(sequence);
    if (before !== undefined && before.partition !== partition) {
      violations.push(`${event} is on partition ${partition}, ${before.event} on ${before.partition}`);
    } else if (before !== undefined && before.offset > offset) {
      violations.push(`${event} came before ${before.event}`);
    }
    last.set(sequence, { offset, partition, event });
  }
  return violations;
}

interface Snapshot {
  id: string;
  version: number;
  status: string;
}

const snapshotOf = ({ event }: RecordFact): Snapshot | undefined =>
  event?.data['subscription'] as Snapshot | undefined;

function onceInAnalytics({ records, revenue }: Facts): string[] {
  const reported = [...firstOccurrences(records).values()]
    .filter(({ topic }) => topic.startsWith('subscriptions.'))
    .map(snapshotOf)
    .filter((snapshot) => snapshot !== undefined)
    .map(({ id, version, status }) => `${id} v${version} ${status}`);
  return differences(
    reported,
    revenue.map(({ subscription_id: id, version, status }) => `${id} v${version} ${status}`),
  );
}

const stillOpen = new Set(['requested', 'processing', 'requires_action', 'pending', 'unknown']);

/** A first payment is announced exactly when `subscriptions.created` told of it while it was open. */
function announcedOnce({ records, payments }: Facts): string[] {
  const reported = records
    .filter(({ topic }) => topic === 'subscriptions.created')
    .map(
      ({ event }) =>
        event?.data['first_payment'] as { payment_id: string; status: string } | null | undefined,
    )
    .filter((first) => first !== null && first !== undefined && stillOpen.has(first.status))
    .map((first) => first?.payment_id ?? '');
  const announced = payments.filter((payment) => payment.kind === 'first' && payment.announced);
  return differences(
    reported,
    announced.map(({ id }) => id),
  );
}

/** What is said again on purpose is said of the same. */
const originalEventId = (eventId: string): string => eventId.replace(/\/again\/.*$/, '');

/**
 * Each settled attempt whose payment is announced has its event, and no other attempt has any. An attempt that
 * succeeded late may have told its failure before.
 */
function outcomesOnce({ outbox, payments, attempts, charges }: Facts): string[] {
  const published = new Set(
    payments
      .filter(({ kind, announced }) => announced || kind === 'renewal' || kind === 'manual')
      .map(({ id }) => id),
  );
  const wanted = attempts
    .filter(({ payment_id, status }) => published.has(payment_id) && ['completed', 'failed'].includes(status))
    .map(({ payment_id, number, status }) => `payments.${status} ${payment_id}/attempt/${number}/${status}`);
  const found = outbox
    .filter(({ topic }) => topic === 'payments.completed' || topic === 'payments.failed')
    .map(({ topic, event_id }) => `${topic} ${originalEventId(event_id)}`);
  const late = new Set(charges.filter(isLateSuccess).map(({ idempotency_key }) => idempotency_key));
  const failedBefore = attempts
    .filter(({ idempotency_key }) => late.has(idempotency_key))
    .map(({ payment_id, number }) => `payments.failed ${payment_id}/attempt/${number}/failed`);
  const expected = failedBefore.filter((outcome) => found.includes(outcome));
  return differences([...wanted, ...expected], found);
}

const poisoned = ({ records }: Facts): string[] =>
  records
    .filter(({ poison }) => poison !== null)
    .flatMap((record) => groupsOf(record.topic).map((group) => `${group} ${placeOf(record)}`));

const misfits = ({ records }: Facts): string[] =>
  records
    .filter(({ misfit }) => misfit !== null)
    .map((record) => `${placeOf(record)} holds ${record.event?.id}: ${record.misfit}`);

export const eventInvariants: readonly Invariant[] = [
  { name: 'every committed event is on Kafka where its row says', violations: rowsAreWhereTheyClaim },
  { name: 'nothing is on Kafka that was not committed', violations: everyRecordHasItsRow },
  { name: 'every record is of its published schema', violations: misfits },
  { name: 'the events of a key are in the order of their commits', violations: orderPerKey },
  { name: 'each version has one effect in analytics', violations: onceInAnalytics },
  { name: 'each open first payment is announced once', violations: announcedOnce },
  { name: 'each announced outcome is told once', violations: outcomesOnce },
  {
    name: 'dead letters are the injected poison',
    violations: (facts) => differences(poisoned(facts), facts.letters.map(originOf)),
  },
  {
    name: 'every dead letter is on its topic',
    violations: (facts) => differences(facts.letters.map(originOf), facts.deadRecords.map(originOf)),
  },
];
