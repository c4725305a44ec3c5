/**
 * What callers make of their subscriptions: changes, pauses, ends, new cards, a second subscription; what operators
 * grant; and time that passes.
 *
 * Owns: what callers ask for and what they were told. Does not own the pace (`load.ts`).
 */
import { randomUUID } from 'node:crypto';
import { Client as PostgresClient } from 'pg';
import { moveBack } from '../support/due';
import { eventually } from '../support/eventually';
import type { Json } from '../support/system';
import { rows, untilAnswered, type Chaos } from './context';
import { behave } from './provider';
import type { Random } from './random';

const withinMinutes = { timeoutMs: 240_000 };

interface Candidate {
  id: string;
  customer_id: string;
  status: string;
}

/** One of the youngest subscriptions that are like this and that no fault has for itself. Undefined: there is none. */
async function anySubscription(chaos: Chaos, random: Random, where: string): Promise<Candidate | undefined> {
  const found = await eventually(
    'subscriptions',
    () =>
      rows<Candidate>(
        chaos,
        `SELECT id, customer_id, status FROM subscriptions WHERE ${where} ORDER BY created_at DESC, id LIMIT 30`,
      ),
    withinMinutes,
  );
  const candidates = found.filter(({ id }) => !chaos.reserved.has(id));
  return candidates.length === 0 ? undefined : random.pick(candidates);
}

/** Asks once, until there is an answer; what a product answers with 500 is held against it. */
export async function ask(
  chaos: Chaos,
  method: string,
  path: string,
  body: object | undefined,
  what: string,
) {
  const { status, body: answer } = await untilAnswered(chaos, method, path, body, randomUUID());
  chaos.figures.add(`${what}: answered ${status}`);
  if (status >= 500) chaos.reported.faults.push(`${method} ${path} ${JSON.stringify(body)}: ${status}`);
  return { status, answer };
}

const plansOfChaos = new WeakMap<Chaos, Promise<readonly string[]>>();

/** The plans of a change, made once: cheaper, dearer, of another interval, and free. */
function plansOf(chaos: Chaos): Promise<readonly string[]> {
  const known = plansOfChaos.get(chaos);
  if (known !== undefined) return known;
  const { its } = chaos;
  const made = Promise.all(
    (
      [
        ['silver', 400, 'month'],
        ['platinum', 3_000, 'month'],
        ['yearly', 9_900, 'year'],
        ['free', 0, 'month'],
      ] as const
    ).map(async ([name, amount, unit]) => {
      const id = `${its.plan}-${name}`;
      const body: Json = { id, name, currency: 'EUR', amount, interval: { unit, count: 1 } };
      // There already: the call before was lost.
      await untilAnswered(chaos, 'POST', '/plans', body, randomUUID());
      return id;
    }),
  ).then((ids) => [its.plan, its.plan, ...ids]);
  plansOfChaos.set(chaos, made);
  return made;
}

/** PUT: every effect and proration, to any plan or quantity. */
export function makeChanger(chaos: Chaos, random: Random): () => Promise<void> {
  return async () => {
    const found = await anySubscription(chaos, random, `status IN ('active', 'past_due', 'paused')`);
    if (found === undefined) return;
    const plans = await plansOf(chaos);
    const effective = random.weighted([
      ['now', 4],
      ['period_end', 1],
    ]);
    const proration = random.weighted([
      ['charge_now', 3],
      ['next_renewal', 2],
      ['none', 1],
    ]);
    const terms = random.weighted([
      ['plan', 3],
      ['quantity', 2],
      ['both', 1],
    ]);
    const change = {
      ...(terms !== 'quantity' && { plan_id: random.pick(plans) }),
      ...(terms !== 'plan' && { quantity: random.int(1, 4) }),
      effective,
      ...(effective === 'now' && { proration }),
    };
    await ask(chaos, 'PUT', `/subscriptions/${found.id}`, change, 'changes');
  };
}

/** POST pause, or resume of what is paused. */
export function makePauser(chaos: Chaos, random: Random): () => Promise<void> {
  return async () => {
    const status = random.pick(['active', 'paused', 'paused']);
    const found = await anySubscription(chaos, random, `status = '${status}'`);
    if (found === undefined) return;
    const verb = status === 'paused' ? 'resume' : 'pause';
    const answer = await ask(chaos, 'POST', `/subscriptions/${found.id}/${verb}`, {}, `${verb}s`);
    if (answer.status === 200) chaos.reported.paused.add(found.id);
  };
}

/** DELETE: in either mode, with each refund. */
export function makeEnder(chaos: Chaos, random: Random): () => Promise<void> {
  const { reported } = chaos;
  return async () => {
    const found = await anySubscription(chaos, random, `status IN ('active', 'past_due', 'paused')`);
    if (found === undefined || chaos.ending.has(found.id)) return;
    chaos.ending.add(found.id);
    const mode = random.weighted([
      ['now', 3],
      ['period_end', 1],
    ]);
    const refund = random.pick(['none', 'prorated', 'full']);
    const path = `/subscriptions/${found.id}?mode=${mode}&refund=${refund}`;
    const { status } = await ask(chaos, 'DELETE', path, undefined, `ends ${mode} with refund ${refund}`);
    reported.cancellations.push({ subscriptionId: found.id, status, mode });
  };
}

/** Cards that decide later, decline or pay. */
const cards = [
  ['tok_ok', 4],
  ['tok_pending_then_ok', 3],
  ['tok_pending_then_fail', 2],
  ['tok_declined_then_late_ok', 2],
  ['tok_insufficient_funds', 1],
  ['tok_fail_1_then_ok', 1],
  ['tok_ok_refunds_fail', 1],
] as const;

/** A card for the customer, which their subscription is charged with from now on. */
export function makeCardGiver(chaos: Chaos, random: Random): () => Promise<void> {
  return async () => {
    const found = await anySubscription(chaos, random, `status IN ('active', 'past_due', 'paused')`);
    if (found === undefined) return;
    // How long what is pending from now on takes.
    await behave(chaos, { pending_ms: random.int(1, 10) * 1_000 });
    const token = `${random.weighted(cards)}#chaos-${randomUUID()}`;
    const method = { provider: 'sandbox', token, default: true };
    const path = `/customers/${found.customer_id}/payment-methods`;
    const { status, answer } = await ask(chaos, 'POST', path, method, 'cards');
    if (status !== 201) return;
    const change = { payment_method_id: String(answer['id']) };
    await ask(chaos, 'PUT', `/subscriptions/${found.id}`, change, 'changes of a card');
  };
}

/** Another subscription of a customer who has one. */
export function makeSecondOrderer(chaos: Chaos, random: Random): () => Promise<void> {
  return async () => {
    const found = await anySubscription(chaos, random, `status = 'active'`);
    if (found === undefined) return;
    const order = { customer_id: found.customer_id, plan_id: random.pick(await plansOf(chaos)) };
    const { status, answer } = await ask(chaos, 'POST', '/subscriptions', order, 'second orders');
    const id = status === 402 ? answer['subscription_id'] : answer['id'];
    const subscriptionId = typeof id === 'string' ? id : null;
    const token = 'a card on file';
    chaos.reported.orders.push({ customer: found.customer_id, token, status, subscriptionId });
  };
}

/** Granted, and sometimes taken back. */
export function makeCreditor(chaos: Chaos, random: Random): () => Promise<void> {
  return async () => {
    const found = await anySubscription(chaos, random, `status IN ('active', 'past_due')`);
    if (found === undefined) return;
    const amount = random.int(0, 4) === 0 ? -random.int(1, 300) : random.int(1, 1_500);
    const credit = { currency: 'EUR', amount, reason: 'goodwill' };
    await ask(chaos, 'POST', `/customers/${found.customer_id}/credits`, credit, 'credits');
  };
}

/**
 * Days pass for a subscription, and it is not due afterwards; or a period, when it is to end with it. None of a change
 * that is being paid: its money is reckoned for an instant.
 */
export function makeTimePass(chaos: Chaos, random: Random): () => Promise<void> {
  return async () => {
    const days = random.int(1, 20);
    const found = await anySubscription(
      chaos,
      random,
      `status = 'active' AND period_paid AND (cancel_at < now() + interval '32 days'
         OR next_due_at > now() + interval '21 days') AND ${noOpenChange}`,
    );
    if (found === undefined) return;
    await eventually('days to pass', () => pass(chaos, found.id, days), withinMinutes);
  };
}

const noOpenChange = `NOT EXISTS (SELECT FROM payments p WHERE p.subscription_id = subscriptions.id
  AND p.kind = 'proration' AND p.status IN ('requested', 'processing', 'requires_action', 'pending', 'unknown', 'failed'))`;

async function pass({ its }: Chaos, id: string, days: number): Promise<true> {
  const client = new PostgresClient({ connectionString: its.system.environment['DATABASE_URL'] });
  client.on('error', () => undefined);
  await client.connect();
  try {
    await client.query('BEGIN');
    const { rows: found } = await client.query<{ ends: boolean }>(
      `SELECT cancel_at IS NOT NULL AS ends FROM subscriptions
       WHERE id = $1 AND status = 'active' AND period_paid AND next_due_at > now() AND ${noOpenChange} FOR UPDATE`,
      [id],
    );
    const [row] = found;
    if (row !== undefined) await moveBack(client, id, row.ends ? '32 days' : `${days} days`);
    await client.query('COMMIT');
    return true;
  } finally {
    await client.end();
  }
}
