/**
 * What each action of a life does: a call of its customer, its shop or an operator, or what banks and the provider do.
 * A new action is a row of the table.
 */
import { finalStatuses } from '../../../domain/subscription/subscription';
import { rows, type Chaos } from '../context';
import { atProvider } from '../money-back-traffic';
import { ask } from '../subscription-traffic';
import type { Action, ActionKind, PlanName } from './life';

export interface Living {
  chaos: Chaos;
  customer: string;
  /** By the customer's clock, milliseconds since the epoch. */
  now: number;
  /** Tells the tokens of lives and of a life apart. */
  nextToken(token: string): string;
  planOf(name: PlanName): string;
}

type Acts = { [K in ActionKind]: (living: Living, action: Action & { kind: K }) => Promise<unknown> };

const dayMs = 86_400_000;

/** Their newest subscription that has not ended, else the newest. */
async function subscriptionOf({ chaos, customer }: Living): Promise<string | undefined> {
  const all = await chaos.db.subscription.findMany({
    where: { customer_id: customer },
    orderBy: [{ created_at: 'desc' }, { id: 'asc' }],
    select: { id: true, status: true },
  });
  const isFinal = (status: string) => (finalStatuses as readonly string[]).includes(status);
  return (all.find(({ status }) => !isFinal(status)) ?? all[0])?.id;
}

/** A call about their subscription; nothing where they have none. */
async function callSubscription(
  living: Living,
  [method, path, body]: readonly [method: string, path: string, body?: object],
  what: string,
): Promise<number | undefined> {
  const id = await subscriptionOf(living);
  if (id === undefined) return undefined;
  const { status } = await ask(living.chaos, method, `/subscriptions/${id}${path}`, body, what);
  if (what === 'pauses' || what === 'resumes') living.chaos.reported.paused.add(id);
  return status;
}

interface ChargeOfLife {
  id: string;
  payment_id: string;
  amount: number;
}

/** Their charges at the provider, newest first. @param where a condition on `charges` */
const chargesOf = ({ chaos, customer }: Living, where: string): Promise<ChargeOfLife[]> =>
  rows<ChargeOfLife>(
    chaos,
    `SELECT id, payment_id, amount::int FROM charges WHERE metadata ->> 'customer_id' = $1 AND ${where}
     ORDER BY sequence DESC`,
    [customer],
    chaos.its.system.environment['SANDBOX_DATABASE_URL'],
  );

const part = (amount: number, share: number): { amount?: number } =>
  share === 1 ? {} : { amount: Math.max(1, Math.floor(amount * share)) };

/** Does it to each, one after the other. */
async function each<T>(list: readonly T[], act: (one: T) => Promise<unknown>): Promise<void> {
  for (const one of list) await act(one);
}

async function counted(living: Living, path: string, body: object, what: string): Promise<void> {
  const made = await atProvider(living.chaos, path, body);
  living.chaos.figures.add(`${what}${made === undefined ? ': refused by the provider' : ''}`);
}

/** @returns the status of the answer */
export async function giveCard(living: Living, token: string): Promise<number> {
  const method = { provider: 'sandbox', token: living.nextToken(token), default: true };
  const path = `/customers/${living.customer}/payment-methods`;
  const { status, answer } = await ask(living.chaos, 'POST', path, method, 'cards');
  if (status !== 201) return status;
  const change = { payment_method_id: String(answer['id']) };
  await callSubscription(living, ['PUT', '', change], 'changes of a card');
  return status;
}

/** @returns the status of the answer */
export async function order(living: Living, plan: PlanName, terms: object = {}): Promise<number> {
  const body = { customer_id: living.customer, plan_id: living.planOf(plan), ...terms };
  return (await ask(living.chaos, 'POST', '/subscriptions', body, 'orders')).status;
}

async function refund(living: Living, share: number): Promise<void> {
  const [charge] = await chargesOf(living, `status = 'succeeded'`);
  if (charge === undefined) return;
  const body = { ...part(charge.amount, share), reason: 'goodwill' };
  await ask(living.chaos, 'POST', `/payments/${charge.payment_id}/refunds`, body, 'refunds');
}

async function retry(living: Living): Promise<void> {
  const failed = await living.chaos.db.payment.findFirst({
    where: {
      customer_id: living.customer,
      status: { in: ['failed', 'pending', 'requires_action', 'unknown'] },
    },
    orderBy: [{ created_at: 'desc' }, { id: 'asc' }],
  });
  if (failed === null) return;
  const request = { reason: 'the customer called' };
  await ask(living.chaos, 'POST', `/payments/${failed.id}/retry`, request, 'retries');
}

const ofTheirCharges = `charge_id IN (SELECT id FROM charges WHERE metadata ->> 'customer_id' = $1)`;

/** Their rows of a table of the provider. */
const atProviderOf = (
  { chaos, customer }: Living,
  table: 'refunds' | 'charge_disputes',
  where: string,
): Promise<{ id: string }[]> =>
  rows(
    chaos,
    `SELECT id FROM ${table} WHERE ${ofTheirCharges} AND ${where} ORDER BY sequence DESC`,
    [customer],
    chaos.its.system.environment['SANDBOX_DATABASE_URL'],
  );

/** What the provider would find out later, it finds out now. */
async function lateOutcomes({ chaos, customer }: Living): Promise<void> {
  const moved = await rows(
    chaos,
    `WITH successes AS (UPDATE late_successes SET due_at = now() WHERE ${ofTheirCharges} RETURNING 1),
       disputes AS (UPDATE late_disputes SET due_at = now() WHERE ${ofTheirCharges} RETURNING 1),
       failures AS (UPDATE refunds SET fails_at = now() WHERE fails_at IS NOT NULL AND ${ofTheirCharges} RETURNING 1)
     SELECT * FROM successes UNION ALL SELECT * FROM disputes UNION ALL SELECT * FROM failures`,
    [customer],
    chaos.its.system.environment['SANDBOX_DATABASE_URL'],
  );
  chaos.figures.add('late outcomes', moved.length);
}

const acts: Acts = {
  nothing: () => Promise.resolve(),
  order: (living, { plan }) => order(living, plan),
  card: (living, { token }) => giveCard(living, token),
  pause: (living, { resumeAfterDays: days }) => {
    const body = days === null ? {} : { resume_at: new Date(living.now + days * dayMs).toISOString() };
    return callSubscription(living, ['POST', '/pause', body], 'pauses');
  },
  resume: (living) => callSubscription(living, ['POST', '/resume', {}], 'resumes'),
  change: (living, { change, plan }) => {
    const body = { ...change, ...(plan !== null && { plan_id: living.planOf(plan) }) };
    return callSubscription(living, ['PUT', '', body], 'changes');
  },
  cancel: (living, { mode, refund: back }) =>
    callSubscription(living, ['DELETE', `?mode=${mode}&refund=${back}`], `cancellations ${mode}`),
  keep: (living) =>
    callSubscription(living, ['PUT', '', { cancel_at_period_end: false }], 'cancellations taken back'),
  pay: ({ chaos, customer }, { amount }) => {
    const body = { customer_id: customer, amount, currency: 'EUR', reason: 'an extra' };
    return ask(chaos, 'POST', '/payments', body, 'payments outside of periods');
  },
  retry,
  credit: ({ chaos, customer }, { amount }) => {
    const body = { currency: 'EUR', amount, reason: 'goodwill' };
    return ask(chaos, 'POST', `/customers/${customer}/credits`, body, 'credits');
  },
  refund: (living, { share }) => refund(living, share),
  'refund at the provider': async (living, { share }) => {
    const [charge] = await chargesOf(living, `status = 'succeeded'`);
    if (charge === undefined) return;
    await counted(
      living,
      `/charges/${charge.id}/refund`,
      part(charge.amount, share),
      'refunds at the provider',
    );
  },
  'refunds decided': async (living, { succeed }) => {
    const status = succeed ? 'succeeded' : 'failed';
    await each(await atProviderOf(living, 'refunds', `status = 'pending'`), ({ id }) =>
      counted(living, `/refunds/${id}`, { status }, `refunds that were pending ${status}`),
    );
  },
  'refund that fails late': async (living) => {
    const [refunded] = await atProviderOf(living, 'refunds', `status = 'succeeded'`);
    if (refunded === undefined) return;
    await counted(living, `/refunds/${refunded.id}`, { status: 'failed' }, 'refunds that failed late');
  },
  dispute: async (living, { share, inquiry }) => {
    const [charge] = await chargesOf(living, `status = 'succeeded'`);
    if (charge === undefined) return;
    const body = { ...part(charge.amount, share), inquiry };
    await counted(living, `/charges/${charge.id}/dispute`, body, inquiry ? 'inquiries' : 'disputes opened');
  },
  'dispute decided': async (living, { status }) => {
    const [dispute] = await atProviderOf(living, 'charge_disputes', `status = 'open'`);
    if (dispute !== undefined) {
      await counted(living, `/disputes/${dispute.id}`, { status }, `disputes ${status}`);
      return;
    }
    const [inquiry] = await atProviderOf(living, 'charge_disputes', `status = 'inquiry'`);
    if (inquiry === undefined) return;
    await counted(living, `/disputes/${inquiry.id}`, { status: 'open' }, 'inquiries that became disputes');
  },
  'charges decided': async (living, { succeed }) =>
    each(await chargesOf(living, `status = 'pending'`), ({ id }) =>
      counted(living, `/charges/${id}/settle`, { succeed }, 'pending charges that were decided'),
    ),
  authentication: async (living, { succeed }) =>
    each(await chargesOf(living, `status = 'requires_action'`), ({ id }) =>
      counted(living, `/charges/${id}/authenticate`, { succeed }, 'customers who were asked for 3DS'),
    ),
  'late outcomes': lateOutcomes,
};

export function act<K extends ActionKind>(living: Living, action: Action & { kind: K }): Promise<unknown> {
  return acts[action.kind](living, action);
}
