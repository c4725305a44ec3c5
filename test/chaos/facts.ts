/**
 * Everything that the invariants are judged by, gathered once: rows, records, the provider's list, workflows.
 *
 * Owns no judgement. Amounts, versions and offsets are numbers: a test's are small.
 */
import type { Charge } from '../../providers/sandbox/charge';
import { rows, type Chaos, type Reported } from './context';
import { gatherLedger, type LedgerFacts } from './ledger-facts';
import { poisonHeader } from './poison';
import { openWithoutNextLook } from '../support/next-look';
import { misfitOf } from './published-schemas';
import { dumpTopics, type DumpedRecord } from './topic-dump';

export interface OutboxFact {
  id: number;
  event_id: string;
  topic: string;
  key: string;
  payload: string | null;
  published: boolean;
  partition: number | null;
  offset: number | null;
}

/** A record of one of the contract's topics. */
export interface RecordFact extends DumpedRecord {
  /** Null: it is no event. */
  event: EventFact | null;
  /** Null: it is not poison. */
  poison: string | null;
  /** What the published schema of its topic has against it; null when nothing, or it is poison. */
  misfit: string | null;
}

export interface EventFact {
  id: string;
  data: Record<string, unknown>;
}

export interface LetterFact {
  group: string;
  topic: string;
  partition: number;
  offset: number;
}

export interface SubscriptionFact {
  id: string;
  customer_id: string;
  version: number;
  status: string;
  cancelled_at: Date | null;
  /** What the customer's test clock shows; null: they live in real time. */
  clock_now: Date | null;
}

/** A period, or a trial, that a subscription has begun. */
export interface PeriodFact {
  subscription_id: string;
  index: number;
  start: Date;
  end: Date;
  paid: boolean;
  payment_id: string | null;
}

export interface PaymentFact {
  id: string;
  customer_id: string;
  kind: string;
  status: string;
  subscription_id: string | null;
  period_index: number | null;
  amount: number;
  currency: string;
  announced: boolean;
}

export interface AttemptFact {
  payment_id: string;
  number: number;
  idempotency_key: string;
  status: string;
  amount: number;
  currency: string;
  provider_reference: string | null;
  /** By the customer's time. */
  started_at: Date;
}

export interface ProviderRefundFact {
  id: string;
  /** Null: made by hand. */
  idempotency_key: string | null;
  status: string;
  amount: number;
  currency: string;
}

export interface RefundFact extends Omit<ProviderRefundFact, 'id'> {
  payment_id: string;
  provider_reference: string | null;
  /** Of the charge that paid its payment, not of one beside it. */
  of_payment: boolean;
}

/** As it stands at the provider. */
export interface ProviderDisputeFact {
  id: string;
  status: string;
}

/** A version of a subscription. */
export interface ChangeFact {
  subject_id: string;
  version: number;
  status: string;
}

export interface RevenueFact {
  subscription_id: string;
  version: number;
  status: string;
}

/** A webhook that was taken. */
export interface DeliveryFact {
  id: string;
  /** Null: it is about nothing of ours, or that is not known. */
  payment_id: string | null;
  provider_event_id: string;
  event_type: string;
  status: string;
  outcome: string | null;
  /** What it is about, as the provider calls it. */
  reference: string | null;
}

/** A person's wish to try a payment again. */
export interface RetryRequestFact {
  id: string;
  payment_id: string;
  status: string;
}

export interface WorkflowFact {
  id: string;
  runId: string;
  status: string;
  /** By a fault, whatever it was about to do. */
  terminated: boolean;
}

export interface Facts {
  reported: Reported;
  outbox: OutboxFact[];
  records: RecordFact[];
  /** Of the dead-letter topics, by where each came from. */
  deadRecords: LetterFact[];
  letters: LetterFact[];
  /** When they were gathered, by PostgreSQL's clock. */
  now: Date;
  subscriptions: SubscriptionFact[];
  periods: PeriodFact[];
  payments: PaymentFact[];
  attempts: AttemptFact[];
  refunds: RefundFact[];
  refundsAtProvider: ProviderRefundFact[];
  disputesAtProvider: ProviderDisputeFact[];
  deliveries: DeliveryFact[];
  /** Webhooks that never arrived, on purpose: event type and subject. */
  lostWebhooks: ReadonlySet<string>;
  /** What operators are asked, by what it is about. */
  openTasks: { kind: string; subject_id: string }[];
  retryRequests: RetryRequestFact[];
  changes: ChangeFact[];
  revenue: RevenueFact[];
  charges: Charge[];
  workflows: WorkflowFact[];
  /** What is open and will never be looked at again. */
  withoutNextLook: string[];
  ledger: LedgerFacts;
}

export async function gatherFacts(chaos: Chaos): Promise<Facts> {
  const dump = await dumpTopics(chaos.kafka, chaos.admin);
  const isDead = ({ topic }: DumpedRecord) => topic.endsWith('.dlq');
  const ask = <R extends object>(sql: string) => rows<R>(chaos, sql);
  const sandbox = chaos.its.system.environment['SANDBOX_DATABASE_URL'];
  const askProvider = <R extends object>(sql: string) => rows<R>(chaos, sql, [], sandbox);
  return {
    reported: chaos.reported,
    records: dump.filter((record) => !isDead(record)).map(recordFact),
    deadRecords: dump.filter(isDead).map(originOf),
    outbox: await ask(`SELECT id::int, event_id, topic, key, payload, published_at IS NOT NULL AS published,
      partition, "offset"::int FROM outbox_events ORDER BY id`),
    letters: await ask(`SELECT "group", topic, partition, "offset"::int FROM dead_letters`),
    now: ((await ask<{ now: Date }>('SELECT now()'))[0] as { now: Date }).now,
    subscriptions:
      await ask(`SELECT s.id, s.customer_id, s.version, s.status, s.cancelled_at, c.now AS clock_now
      FROM subscriptions s LEFT JOIN test_clocks c ON c.id = s.test_clock_id`),
    periods: await ask(`SELECT subscription_id, index, start, "end", paid_at IS NOT NULL AS paid, payment_id
      FROM subscription_periods ORDER BY subscription_id, index`),
    payments:
      await ask(`SELECT id, customer_id, kind, status, subscription_id, period_index, amount::int, currency, announced
      FROM payments`),
    attempts: await ask(`SELECT payment_id, number, idempotency_key, status, amount::int, currency,
      provider_reference, coalesce(began_at, started_at) AS started_at FROM payment_attempts`),
    refunds: await ask(`SELECT r.payment_id, r.idempotency_key, r.status, r.amount::int, r.currency,
      r.provider_reference, r.charge_reference IS NULL AND r.attempt = (
        SELECT a.number FROM payment_attempts a WHERE a.payment_id = r.payment_id AND a.status = 'completed'
        ORDER BY a.settled_at, a.number LIMIT 1) AS of_payment
      FROM refunds r`),
    refundsAtProvider: await askProvider(
      'SELECT id, idempotency_key, status, amount::int, currency FROM refunds',
    ),
    disputesAtProvider: await askProvider('SELECT id, status FROM charge_disputes'),
    deliveries: await ask(`SELECT id, payment_id, provider_event_id, event_type, status, outcome,
      coalesce(event -> 'outcome' ->> 'provider_reference', event -> 'refund' ->> 'provider_reference',
        event -> 'dispute' ->> 'dispute_reference') AS reference
      FROM webhook_deliveries`),
    lostWebhooks: chaos.lostWebhooks,
    openTasks: await ask(`SELECT kind, subject_id FROM operator_tasks WHERE status = 'open'`),
    retryRequests: await ask('SELECT id, payment_id, status FROM retry_requests'),
    changes: await ask(`SELECT subject_id, version, result ->> 'status' AS status FROM changes
      WHERE subject_id LIKE 'sub\\_%' ORDER BY subject_id, version`),
    revenue: await ask('SELECT subscription_id, version, status FROM subscription_revenue'),
    charges: await listCharges(chaos),
    workflows: await listWorkflows(chaos),
    withoutNextLook: await openWithoutNextLook(ask),
    ledger: await gatherLedger(ask, askProvider),
  };
}

function recordFact(record: DumpedRecord): RecordFact {
  const poison = record.headers[poisonHeader] ?? null;
  if (poison !== null) return { ...record, poison, event: null, misfit: null };
  const event = JSON.parse(record.value ?? 'null') as EventFact;
  return { ...record, poison, event, misfit: misfitOf(record.topic, event) };
}

function originOf({ headers }: DumpedRecord): LetterFact {
  return {
    group: headers['dlq-group'] ?? '',
    topic: headers['dlq-topic'] ?? '',
    partition: Number(headers['dlq-partition']),
    offset: Number(headers['dlq-offset']),
  };
}

/** The provider's own list, page by page. */
export async function listCharges({ its }: Chaos): Promise<Charge[]> {
  const charges: Charge[] = [];
  for (;;) {
    const last = charges.at(-1);
    const after = last === undefined ? '' : `&starting_after=${last.id}`;
    const response = await fetch(`${its.system.sandboxUrl}/v1/charges?limit=100${after}`);
    if (response.status !== 200) throw new Error(`the provider's list answered ${response.status}`);
    const page = (await response.json()) as { data: Charge[]; has_more: boolean };
    charges.push(...page.data);
    if (!page.has_more) return charges;
  }
}

async function listWorkflows({ temporal, terminatedRuns }: Chaos): Promise<WorkflowFact[]> {
  const facts: WorkflowFact[] = [];
  for await (const { workflowId, runId, status } of temporal.workflow.list()) {
    facts.push({ id: workflowId, runId, status: status.name, terminated: terminatedRuns.has(runId) });
  }
  return facts;
}
