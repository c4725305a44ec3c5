/**
 * Money that goes back: refunds that callers ask for, refunds and disputes that are made at the provider, and what is
 * decided there late.
 *
 * Owns: which charges. Does not own the pace (`load.ts`).
 */
import { randomUUID } from 'node:crypto';
import { eventually } from '../support/eventually';
import { rows, untilAnswered, type Chaos } from './context';
import type { Random } from './random';

/** What a run is to have of each, named as their figures are. */
export const moneyBackFigures = [
  'refunds here',
  'refunds at the provider',
  'disputes opened',
  'disputes won',
  'disputes lost',
] as const;

const withinMinutes = { timeoutMs: 240_000 };

interface Paid {
  id: string;
  amount: number;
  /** The provider's name of the charge. */
  charge: string;
}

async function anyPaid(chaos: Chaos, random: Random): Promise<Paid | undefined> {
  const found = await eventually(
    'payments that were made',
    () =>
      rows<Paid>(
        chaos,
        `SELECT p.id, a.amount::int, a.provider_reference AS charge
         FROM payments p JOIN payment_attempts a ON a.payment_id = p.id AND a.status = 'completed'
         WHERE p.status IN ('completed', 'partially_refunded') AND a.provider_reference IS NOT NULL
         ORDER BY p.created_at DESC, p.id LIMIT 40`,
      ),
    withinMinutes,
  );
  return found.length === 0 ? undefined : random.pick(found);
}

/** All that is left, or a part. */
const partOf = (random: Random, { amount }: Paid): { amount?: number } =>
  random.int(0, 2) === 0 ? {} : { amount: random.int(1, amount) };

/** A call at the provider's, again while it is away. @returns its answer; undefined when it was refused */
export function atProvider(chaos: Chaos, path: string, body: object): Promise<{ id: string } | undefined> {
  const call = async () => {
    const response = await fetch(`${chaos.its.system.sandboxUrl}/v1${path}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (response.status >= 500) return undefined;
    return { answer: response.status < 300 ? ((await response.json()) as { id: string }) : undefined };
  };
  return eventually(`the provider to answer ${path}`, call, { ...withinMinutes, everyMs: 500 }).then(
    ({ answer }) => answer,
  );
}

/** POST /payments/{id}/refunds. */
export function makeRefunder(chaos: Chaos, random: Random): () => Promise<void> {
  return async () => {
    const paid = await anyPaid(chaos, random);
    if (paid === undefined) return;
    const body = { ...partOf(random, paid), reason: 'goodwill' };
    const path = `/payments/${paid.id}/refunds`;
    const { status } = await untilAnswered(chaos, 'POST', path, body, randomUUID());
    chaos.figures.add(`refunds: answered ${status}`);
    if (status >= 500) chaos.reported.faults.push(`POST ${path}: ${status}`);
    if (status < 300) chaos.figures.add('refunds here');
  };
}

/** By hand, at the provider. */
export function makeProviderRefunder(chaos: Chaos, random: Random): () => Promise<void> {
  return async () => {
    const paid = await anyPaid(chaos, random);
    if (paid === undefined) return;
    const made = await atProvider(chaos, `/charges/${paid.charge}/refund`, partOf(random, paid));
    if (made !== undefined) chaos.figures.add('refunds at the provider');
  };
}

/** A dispute is opened, and mostly decided a while later, won or lost in turn. */
export function makeDisputer(chaos: Chaos, random: Random): () => Promise<void> {
  const open: string[] = [];
  const known = new Set<string>();
  let decided = 0;
  return async () => {
    if (open.length >= 3) {
      const [id] = open.splice(random.int(0, open.length - 1), 1);
      const status = decided % 2 === 0 ? 'won' : 'lost';
      if ((await atProvider(chaos, `/disputes/${id}`, { status })) === undefined) return;
      decided += 1;
      chaos.figures.add(`disputes ${status}`);
      return;
    }
    const paid = await anyPaid(chaos, random);
    if (paid === undefined) return;
    const dispute = await atProvider(chaos, `/charges/${paid.charge}/dispute`, partOf(random, paid));
    // A charge keeps the dispute that is open: decided twice, it would be lost and won.
    if (dispute === undefined || known.has(dispute.id)) return;
    known.add(dispute.id);
    open.push(dispute.id);
    chaos.figures.add('disputes opened');
  };
}

/** A refund that succeeded fails at the customer's bank. */
export function makeRefundFail(chaos: Chaos, random: Random): () => Promise<void> {
  return async () => {
    const found = await eventually(
      'refunds that were made',
      () =>
        rows<{ reference: string }>(
          chaos,
          `SELECT provider_reference AS reference FROM refunds
           WHERE status = 'succeeded' AND provider_reference IS NOT NULL ORDER BY created_at DESC, id LIMIT 20`,
        ),
      withinMinutes,
    );
    if (found.length === 0) return;
    const { reference } = random.pick(found);
    const failed = await atProvider(chaos, `/refunds/${reference}`, { status: 'failed' });
    if (failed !== undefined) chaos.figures.add('refunds that failed after they succeeded');
  };
}

/** A charge that is pending is decided now. */
export function makePendingSettle(chaos: Chaos, random: Random): () => Promise<void> {
  return async () => {
    const found = await eventually(
      'pending charges',
      () =>
        rows<{ id: string }>(
          chaos,
          `SELECT id FROM charges WHERE status = 'pending' ORDER BY sequence LIMIT 10`,
          [],
          chaos.its.system.environment['SANDBOX_DATABASE_URL'],
        ),
      withinMinutes,
    );
    if (found.length === 0) return;
    const { id } = random.pick(found);
    const settled = await atProvider(chaos, `/charges/${id}/settle`, { succeed: random.int(0, 1) === 1 });
    if (settled !== undefined) chaos.figures.add('pending charges that were decided');
  };
}

/** What there were fewer of than `wanted`. */
export const fewOf = ({ figures }: Chaos, wanted: number): string[] =>
  moneyBackFigures
    .filter((name) => figures.count(name) < wanted)
    .map((name) => `${name}: ${figures.count(name)} of ${wanted}`);
