/** Subscriptions: legal histories, a process for each that lives, and callers who were told the truth. */
import { isLiving } from '../context';
import type { ChangeFact, Facts } from '../facts';
import type { Invariant } from './invariant';

/** From what to what, written down here once more; `null`: it did not exist. */
const legal: Readonly<Record<string, readonly string[]>> = {
  null: ['scheduled', 'trialing', 'incomplete', 'active', 'expired'],
  scheduled: ['scheduled', 'trialing', 'incomplete', 'active', 'past_due', 'cancelled'],
  trialing: ['trialing', 'active', 'past_due', 'cancelled', 'expired'],
  incomplete: ['incomplete', 'active', 'expired', 'cancelled'],
  active: ['active', 'past_due', 'paused', 'cancelled', 'expired'],
  past_due: ['past_due', 'active', 'paused', 'cancelled', 'expired'],
  paused: ['paused', 'active', 'past_due', 'cancelled', 'expired'],
  cancelled: [],
  expired: [],
};

function legalTransitions({ changes }: Facts): string[] {
  const last = new Map<string, ChangeFact>();
  return changes.flatMap((change) => {
    const before = last.get(change.subject_id);
    last.set(change.subject_id, change);
    const from = before?.status ?? 'null';
    const problems = [];
    if (change.version !== (before?.version ?? 0) + 1) {
      problems.push(`${change.subject_id} has no version before ${change.version}`);
    }
    if (!legal[from]?.includes(change.status)) {
      problems.push(`${change.subject_id} v${change.version}: ${from} became ${change.status}`);
    }
    return problems;
  });
}

function rowsEqualHistory({ subscriptions, changes }: Facts): string[] {
  const last = new Map(changes.map((change) => [change.subject_id, change]));
  return subscriptions.flatMap(({ id, version, status }) => {
    const change = last.get(id);
    return change?.version === version && change.status === status
      ? []
      : [`${id} is v${version} ${status}, its history ends with v${change?.version} ${change?.status}`];
  });
}

const openAttempts = new Set(['requires_action', 'pending', 'unknown']);

/** Payments that are followed up: an attempt of theirs is open, or a refund. */
function followedUp({ attempts, refunds }: Facts): Set<string> {
  const open = [
    ...attempts.filter(({ status }) => openAttempts.has(status)),
    ...refunds.filter(({ status }) => status === 'pending'),
  ];
  return new Set(open.map(({ payment_id: id }) => `payment/${id}`));
}

function processesEqualRows(facts: Facts): string[] {
  const { subscriptions, payments, workflows } = facts;
  const followed = followedUp(facts);
  const running = new Set(workflows.filter(({ status }) => status === 'RUNNING').map(({ id }) => id));
  const wanted = new Set(
    subscriptions.filter(({ status }) => isLiving(status)).map(({ id }) => `subscription/${id}`),
  );
  const known = [
    ...subscriptions.map(({ id }) => `subscription/${id}`),
    ...payments.map(({ id }) => `payment/${id}`),
  ];
  return [
    ...[...wanted].filter((id) => !running.has(id)).map((id) => `${id} does not run`),
    ...[...followed].filter((id) => !running.has(id)).map((id) => `${id} does not run`),
    ...known
      .filter((id) => running.has(id) && !wanted.has(id) && !followed.has(id))
      .map((id) => `${id} still runs`),
    ...workflows
      .filter(
        ({ status, terminated }) =>
          !(terminated && status === 'TERMINATED') &&
          !['RUNNING', 'COMPLETED', 'CONTINUED_AS_NEW'].includes(status),
      )
      .map(({ id, status }) => `${id} is ${status}`),
  ];
}

/** What an order may have become, by what its caller was told. */
const allowedAfter: Readonly<Record<number, readonly string[]>> = {
  201: ['scheduled', 'trialing', 'active', 'past_due', 'paused'],
  202: ['active', 'past_due', 'paused', 'expired'],
  402: ['expired'],
};

function ordersAsReported({ reported, subscriptions }: Facts): string[] {
  const byId = new Map(subscriptions.map((subscription) => [subscription.id, subscription]));
  const modes = new Map(
    reported.cancellations
      .filter(({ status }) => status === 200)
      .map(({ subscriptionId, mode }) => [subscriptionId, mode]),
  );
  return reported.orders.flatMap(({ customer, token, status, subscriptionId }) => {
    const row = byId.get(subscriptionId ?? '');
    const line = `${token} was told ${status}, and ${subscriptionId} is ${row?.status ?? 'not there'}`;
    const mode = modes.get(subscriptionId ?? '');
    const living = allowedAfter[status] ?? [];
    const allowed = mode === undefined ? living : mode === 'now' ? ['cancelled'] : [...living, 'cancelled'];
    const count = subscriptions.filter(({ customer_id }) => customer_id === customer).length;
    const orders = reported.orders.filter((order) => order.customer === customer).length;
    return [
      ...(row !== undefined && allowed.includes(row.status) ? [] : [line]),
      ...(count === orders ? [] : [`${orders} orders made ${count} subscriptions of ${customer}`]),
    ];
  });
}

function cancellationsAsReported({ reported, subscriptions }: Facts): string[] {
  const statusOf = new Map(subscriptions.map(({ id, status }) => [id, status]));
  return reported.cancellations.flatMap(({ subscriptionId, status, mode }) => {
    const row = statusOf.get(subscriptionId) ?? '';
    const isScheduled = mode !== 'now' && (isLiving(row) || row === 'cancelled');
    // 409: it had expired.
    const isTrue =
      (status === 200 && (row === 'cancelled' || isScheduled)) || (status === 409 && row === 'expired');
    return isTrue ? [] : [`${subscriptionId} was told ${status} and is ${row}`];
  });
}

/** Each caller asks for one payment, of a customer of its own. */
function paymentsAsReported({ reported, payments }: Facts): string[] {
  const byId = new Map(payments.map((payment) => [payment.id, payment]));
  return reported.payments.flatMap(({ customer, paymentId, status }) => {
    const row = byId.get(paymentId);
    const count = payments.filter(({ customer_id }) => customer_id === customer).length;
    return [
      ...(status === 202 && row?.kind === 'manual'
        ? []
        : [`${paymentId} was told ${status} and is ${row?.kind ?? 'not there'}`]),
      ...(count === 1 ? [] : [`one wish made ${count} payments of ${customer}`]),
    ];
  });
}

function retriesAsReported({ reported, retryRequests }: Facts): string[] {
  const byId = new Map(retryRequests.map((request) => [request.id, request]));
  return reported.retries.flatMap(({ paymentId, status, requestId }) => {
    const row = byId.get(requestId ?? '');
    // 409: somebody else's retry is in hand, or has collected it.
    const isTrue = (status === 202 && row?.payment_id === paymentId) || (status === 409 && row === undefined);
    return isTrue ? [] : [`a retry of ${paymentId} was told ${status} and is ${row?.status ?? 'not there'}`];
  });
}

export const processInvariants: readonly Invariant[] = [
  { name: 'every change of state is legal', violations: legalTransitions },
  { name: 'every row is what its history ends with', violations: rowsEqualHistory },
  { name: 'a process runs exactly for what lives', violations: processesEqualRows },
  { name: 'orders are as their callers were told', violations: ordersAsReported },
  { name: 'cancellations are as their callers were told', violations: cancellationsAsReported },
  { name: 'payments are as their callers were told', violations: paymentsAsReported },
  { name: 'retries are as their callers were told', violations: retriesAsReported },
  { name: 'every open entity has a next look', violations: ({ withoutNextLook }) => withoutNextLook },
  { name: 'no call is answered with a fault', violations: ({ reported }) => reported.faults },
];
