/**
 * What goes on while faults happen. A new kind of load is a row of the table.
 *
 * Owns: the pace of the load and that it ends. Invariant: what is in hand when the load stops is finished.
 */
import { randomUUID } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../support/eventually';
import { untilAnswered, type Chaos } from './context';
import { makeEventWriter } from './outbox-traffic';
import { requestPaymentOf, makeRenewer, makeRetrier } from './payment-traffic';
import {
  makeDisputer,
  makePendingSettle,
  makeProviderRefunder,
  makeRefundFail,
  makeRefunder,
} from './money-back-traffic';
import { makePoisoner } from './poison';
import type { Random } from './random';
import {
  makeCardGiver,
  makeChanger,
  makeCreditor,
  makeEnder,
  makePauser,
  makeSecondOrderer,
  makeTimePass,
} from './subscription-traffic';

export interface Load {
  name: string;
  /** How many do it side by side. */
  lanes: number;
  /** Between two of a lane, on average, milliseconds. */
  pauseMs: number;
  /** Prepares a lane; what it returns does it once. */
  lane(chaos: Chaos, random: Random): () => Promise<void>;
}

/** Events in numbers; the payments are there for what consumers make of them. */
export const eventLoads: readonly Load[] = [
  { name: 'orders', lanes: 3, pauseMs: 400, lane: (chaos, random) => () => placeAnyOrder(chaos, random) },
  { name: 'cancellations', lanes: 1, pauseMs: 2_500, lane: makeCanceller },
  // The product writes few events for each call; these make batches.
  {
    name: 'batches of events',
    lanes: 2,
    pauseMs: 300,
    lane: (chaos, random) => makeEventWriter(chaos, random),
  },
  { name: 'poison records', lanes: 1, pauseMs: 6_000, lane: makePoisoner },
];

/**
 * Who cancels while money is asked for and the asking is lost waits long: the attempt is not sent again, and only two
 * lookups that find nothing, 5 and 15 minutes later, settle it.
 */
export const cancellations: Load = { name: 'cancellations', lanes: 1, pauseMs: 4_000, lane: makeCanceller };

/** Money, in every way in which it is asked for. */
export const paymentLoads: readonly Load[] = [
  { name: 'orders', lanes: 2, pauseMs: 1_500, lane: (chaos, random) => () => placeAnyOrder(chaos, random) },
  {
    name: 'payments',
    lanes: 1,
    pauseMs: 1_500,
    lane: (chaos, random) => () => requestPaymentOf(chaos, random),
  },
  { name: 'renewals', lanes: 1, pauseMs: 2_000, lane: makeRenewer },
  { name: 'retries', lanes: 1, pauseMs: 2_500, lane: makeRetrier },
];

/** What callers, operators, banks and the provider make of money and of what it was paid for. */
export const moneyLoads: readonly Load[] = [
  // Most of the others wait long for their answer.
  {
    name: 'orders that are paid',
    lanes: 1,
    pauseMs: 2_000,
    lane: (chaos) => async () => void (await placeOrder(chaos, 'tok_ok')),
  },
  { name: 'changes of terms', lanes: 2, pauseMs: 1_500, lane: makeChanger },
  { name: 'pauses and resumptions', lanes: 1, pauseMs: 2_500, lane: makePauser },
  { name: 'ends with every refund', lanes: 1, pauseMs: 4_000, lane: makeEnder },
  { name: 'new cards', lanes: 1, pauseMs: 3_000, lane: makeCardGiver },
  { name: 'second subscriptions', lanes: 1, pauseMs: 4_000, lane: makeSecondOrderer },
  { name: 'credits', lanes: 1, pauseMs: 4_000, lane: makeCreditor },
  { name: 'days that pass', lanes: 1, pauseMs: 1_500, lane: makeTimePass },
  { name: 'refunds asked for', lanes: 3, pauseMs: 3_000, lane: makeRefunder },
  { name: 'refunds by hand', lanes: 1, pauseMs: 3_500, lane: makeProviderRefunder },
  { name: 'disputes', lanes: 2, pauseMs: 2_500, lane: makeDisputer },
  { name: 'refunds that fail late', lanes: 1, pauseMs: 6_000, lane: makeRefundFail },
  { name: 'late decisions', lanes: 1, pauseMs: 4_000, lane: makePendingSettle },
];

export interface RunningLoad {
  /** Ends it and waits for what is in hand. */
  stop(): Promise<void>;
}

export function startLoad(chaos: Chaos, wanted: readonly Load[], name: string): RunningLoad {
  const stopping = new AbortController();
  // Each lane listens.
  setMaxListeners(0, stopping.signal);
  const lanes = wanted.flatMap((load) =>
    Array.from({ length: load.lanes }, (_, lane) => {
      const random = chaos.random.fork(`${name}/${load.name}/${lane}`);
      return runLane(chaos, load, random, stopping.signal);
    }),
  );
  const all = Promise.all(lanes);
  // `stop` rejects with it; who watches the run reads it now.
  all.catch((error: unknown) => chaos.report(`  a lane of the load has ended: ${String(error)}`));
  return {
    async stop() {
      stopping.abort();
      await all;
    },
  };
}

async function runLane(chaos: Chaos, load: Load, random: Random, signal: AbortSignal): Promise<void> {
  const once = load.lane(chaos, random);
  while (!signal.aborted) {
    await sleep(random.int(0, 2 * load.pauseMs), undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return;
    await once();
    chaos.figures.add(load.name);
  }
}

const placeAnyOrder = async (chaos: Chaos, random: Random): Promise<void> =>
  void (await placeOrder(chaos, random.weighted(chaos.tokens)));

/** By a customer of its own. @returns the subscription's id; empty when there is none */
export async function placeOrder(chaos: Chaos, token: string): Promise<string> {
  const { its, reported } = chaos;
  // A customer of whom the answer was lost is one without an order.
  const { customer, order } = await eventually('a customer', () => its.buyer(token), { timeoutMs: 240_000 });
  const { status, body } = await untilAnswered(chaos, 'POST', '/subscriptions', order, randomUUID());
  const id = status === 402 ? body['subscription_id'] : body['id'];
  reported.orders.push({ customer, token, status, subscriptionId: typeof id === 'string' ? id : null });
  return typeof id === 'string' ? id : '';
}

function makeCanceller(chaos: Chaos, random: Random): () => Promise<void> {
  const { reported } = chaos;
  return async () => {
    const candidates = reported.orders
      .filter(({ status }) => status === 201 || status === 202)
      .map(({ subscriptionId }) => subscriptionId ?? '')
      .filter((id) => !chaos.ending.has(id) && !chaos.reserved.has(id));
    if (candidates.length === 0) return;
    const subscriptionId = random.pick(candidates);
    chaos.ending.add(subscriptionId);
    const { status } = await untilAnswered(
      chaos,
      'DELETE',
      `/subscriptions/${subscriptionId}?refund=${random.pick(['none', 'none', 'full'])}`,
      undefined,
      randomUUID(),
    );
    reported.cancellations.push({ subscriptionId, status, mode: 'now' });
  };
}
