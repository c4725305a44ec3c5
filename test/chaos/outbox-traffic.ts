/**
 * Events in numbers, written as a service writes them: in transactions, through the outbox.
 *
 * Played ones tell of subscriptions that exist nowhere else, version after version; what consumers make of them is
 * counted by version. Others say again what the system has said, or that a subscription is due which is not; consumers
 * judge by the rows, so those change nothing. Invariant: one lane alone writes a played subscription's events.
 */
import { randomUUID } from 'node:crypto';
import type { Subscription } from '../../contracts/http/subscriptions';
import type { NewEvent } from '../../contracts/topics/envelope';
import { subscriptionEventId } from '../../domain/event-ids';
import { inTransaction, type Transaction } from '../../prisma/client';
import { sql } from '../../prisma/sql';
import { appendToOutbox } from '../../billing/outbox';
import { eventually } from '../support/eventually';
import { snapshotOf } from '../support/kafka/subscription-records';
import { writtenCustomer, rows, type Chaos } from './context';
import type { Random } from './random';
import { someTrace } from '../support/trace';

const playedPrefix = 'sub_played_';
const playingActor = { kind: 'system' as const, id: 'chaos', reason: null };
const eventsPerTransaction = 20;
const burstLanes = 8;
const burstTransactions = 8;

interface Traffic {
  /** Played subscriptions that live at a time. */
  subscriptions: number;
  /** The share of played events after which another subscription begins, 0 to 1. */
  ends: number;
  /** The share of each kind of event. */
  kinds: readonly (readonly ['played' | 'again' | 'due', number])[];
}

const usual: Traffic = { subscriptions: 40, ends: 0.02, kinds: [['played', 1]] };
/** Every topic that is consumed, and with it nearly every partition. */
const mixed: Traffic = {
  subscriptions: 20,
  ends: 0.35,
  kinds: [
    ['played', 12],
    ['again', 5],
    ['due', 3],
  ],
};

/** More at once than is handled in a moment. */
export async function writeBurst(chaos: Chaos, random: Random): Promise<void> {
  const writers = Array.from({ length: burstLanes }, (_, lane) =>
    makeEventWriter(chaos, random.fork(String(lane)), mixed),
  );
  for (let times = 0; times < burstTransactions; times += 1) {
    await Promise.all(writers.map((write) => write()));
  }
}

export function makeEventWriter(chaos: Chaos, random: Random, traffic: Traffic = usual): () => Promise<void> {
  const { db, figures } = chaos;
  const played = startPlayedEvents(chaos.its.plan, random, traffic);
  return async () => {
    const kinds = Array.from({ length: eventsPerTransaction }, () => random.weighted(traffic.kinds));
    const published = kinds.includes('again') ? await publishedBefore(chaos) : [];
    const events = kinds
      .map((kind) => {
        if (kind === 'again' && published.length > 0) return publishAgain(random.pick(published));
        return (kind === 'due' ? notYetDue(chaos, random) : undefined) ?? played();
      })
      // Writers of the same keys take turns instead of waiting for each other.
      .toSorted((a, b) => (a.key < b.key ? -1 : Number(a.key > b.key)));
    // Written once however often it is tried: the ids are fixed.
    await eventually(
      'a batch of events to be committed',
      async () => {
        await inTransaction(db, async (tx) => {
          const now = new Date();
          for (const event of events) {
            if (isPlayed(event)) enqueueHistory(tx, event.data.subscription, now);
            appendToOutbox(tx, event, now);
          }
        });
        return true;
      },
      { timeoutMs: 240_000 },
    );
    figures.add('events written in batches', events.length);
  };
}

/** The next version of one of them, each time. */
function startPlayedEvents(planId: string, random: Random, { subscriptions, ends }: Traffic): () => NewEvent {
  const living = Array.from({ length: subscriptions }, () => newSubscription(planId));
  return () => {
    const place = random.int(0, living.length - 1);
    const current = living[place] as Subscription;
    const subscription = { ...current, version: current.version + 1 };
    living[place] = random.next() < ends ? newSubscription(planId) : subscription;
    const envelope = {
      id: subscriptionEventId(subscription.id, subscription.version),
      source: '/subscription-service' as const,
      subject: subscription.id,
      key: subscription.id,
      trace: someTrace,
    };
    if (subscription.version === 1) {
      return { ...envelope, topic: 'subscriptions.created', data: { subscription, first_payment: null } };
    }
    const changes = ['metadata_changed' as const];
    const data = { subscription, changes, previous: {}, actor: playingActor };
    return { ...envelope, topic: 'subscriptions.updated', data };
  };
}

/** About to be made: its first event makes it version 1. */
function newSubscription(planId: string): Subscription {
  const at = new Date();
  const id = `${playedPrefix}${randomUUID().replaceAll('-', '')}`;
  const period = { index: 1, start: at.toISOString(), end: at.toISOString(), paid: true };
  return { ...snapshotOf(id, 0, at), customer_id: writtenCustomer, plan_id: planId, period };
}

type PlayedEvent = NewEvent<'subscriptions.created'> | NewEvent<'subscriptions.updated'>;

function isPlayed(event: NewEvent): event is PlayedEvent {
  return event.key.startsWith(playedPrefix);
}

/** As the transaction that makes a version does: analytics believes the history alone. Written before: nothing happens. */
function enqueueHistory(tx: Transaction, subscription: Subscription, at: Date): void {
  const { id, version } = subscription;
  sql(tx).enqueue`
    INSERT INTO changes (subject_id, version, command_id, changes, actor, result, at)
    VALUES (${id}, ${version}, ${`${id}/played/v${version}`}, ARRAY['metadata_changed'],
      ${JSON.stringify(playingActor)}::jsonb, ${JSON.stringify(subscription)}::jsonb, ${at})
    ON CONFLICT DO NOTHING`;
}

interface Published {
  topic: string;
  key: string;
  payload: string;
}

/** What the system itself has said of late. */
function publishedBefore(chaos: Chaos): Promise<Published[]> {
  return rows<Published>(
    chaos,
    `SELECT topic, key, payload FROM outbox_events
     WHERE key NOT LIKE 'sub\\_played\\_%' AND event_id NOT LIKE '%/again/%' ORDER BY id DESC LIMIT 200`,
  );
}

/** As an operator's repair does. */
function publishAgain({ topic, key, payload }: Published): NewEvent {
  const { id, source, subject, data } = JSON.parse(payload) as NewEvent;
  const again = { id: `${id}/again/${randomUUID()}`, trace: someTrace };
  return { topic, key, source, subject, data, ...again } as NewEvent;
}

/** As a company's own scheduler does that is too early. Undefined while there is no subscription. */
function notYetDue({ reported }: Chaos, random: Random): NewEvent | undefined {
  const paid = reported.orders.filter(({ status }) => status === 201);
  if (paid.length === 0) return undefined;
  const { subscriptionId, customer } = random.pick(paid);
  const id = subscriptionId ?? '';
  return {
    topic: 'subscriptions.renew_required',
    id: `${id}/period/2/v1/again/${randomUUID()}`,
    source: '/retry-service',
    subject: id,
    key: id,
    trace: someTrace,
    data: {
      subscription_id: id,
      customer_id: customer,
      period_index: 2,
      due_at: new Date().toISOString(),
      cause: 'period_end',
    },
  };
}
