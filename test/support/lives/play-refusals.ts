/** Plays requests that have to be refused: each is, for its reason, and no row and no entry of the customer moves. */
import { isDeepStrictEqual } from 'node:util';
import { changeCredit } from '../../../billing/customer/credits';
import { payOutCredit } from '../../../billing/customer/payouts';
import { createPayment } from '../../../billing/payment/create';
import { reserveRefund } from '../../../billing/payment/pay-refund';
import { commitCancellation, commitPause, commitResumption } from '../../../billing/subscription/commands';
import { commitChange } from '../../../billing/subscription/commit-change';
import { ProblemError } from '../../../contracts/problem-error';
import { actor } from '../creation';
import { nothingAsked } from '../subscription-life';
import { someTrace } from '../trace';
import { waysToSell } from './plans';
import { limitsByCurrency } from './played-provider';
import { dearest, type Refusable, type Refused } from './refusals';
import type { Stage } from './stage';
import { wayOf } from './ways';

/** @returns what was not refused, or has moved */
export async function playRefused(stage: Stage, { name, request, because }: Refused): Promise<string[]> {
  const { rows: before } = stage;
  const answer = await ask(stage, request);
  await stage.look();
  stage.count(wayOf('refused', name));
  const { rows: after } = stage;
  return [
    ...(answer === because ? [] : [`${name}: ${answer}, not refused as ${because}`]),
    ...(isDeepStrictEqual(after, before)
      ? []
      : [`${name}: ${JSON.stringify(before)} became ${JSON.stringify(after)}`]),
  ];
}

/** @returns the code or the reason of the refusal; else what became of the request */
async function ask(stage: Stage, request: Refusable): Promise<string> {
  try {
    const { kind, code, reason } = await send(stage, request);
    return kind === 'refused' ? (code ?? reason ?? kind) : kind;
  } catch (error) {
    if (error instanceof ProblemError) return error.code;
    throw error;
  }
}

interface Answer {
  kind: string;
  code?: string;
  reason?: string;
}

const accepted: Answer = { kind: 'accepted' };

async function send(stage: Stage, request: Refusable): Promise<Answer> {
  const { deps, db, customerId, currency, methodId, limitsOf } = stage;
  const command = stage.command();
  const id = command.command_id;
  switch (request.ask) {
    case 'credit':
      await changeCredit(db, { ...inCurrency(stage, request), id, amount: request.amount ?? 0 });
      return accepted;
    case 'pay out': {
      const amount = request.amount ?? undefined;
      await payOutCredit(db, limitsOf, { ...inCurrency(stage, request), id, amount });
      return accepted;
    }
    case 'refund': {
      const { payment, amount } = request;
      return reserveRefund(deps, stage.named(payment), { refund_id: id, amount, reason: 'goodwill', actor });
    }
    case 'charge abroad': {
      const of = {
        customer_id: customerId,
        payment_method_id: methodId,
        subscription_id: stage.named(request.sub),
      };
      const asked = { ...of, currency: elsewhere(currency), amount: 1000, reason: 'once' };
      await createPayment(db, { id, request: asked, actor, trace: someTrace });
      return accepted;
    }
    case 'pause':
      return commitPause(deps, stage.named(request.sub), { ...command, resume_at: null });
    case 'resume':
      return commitResumption(deps, stage.named(request.sub), command);
    case 'cancel': {
      const { sub, mode, refund } = request;
      return commitCancellation(deps, stage.named(sub), { ...command, mode, refund, reason: null });
    }
    case 'change':
      return change(stage, request);
  }
}

function inCurrency({ customerId, currency }: Stage, { abroad = false }: { abroad?: boolean }) {
  return { customerId, currency: abroad ? elsewhere(currency) : currency, actor, reason: 'asked for' };
}

function change(
  stage: Stage,
  { sub, days, proration, abroad = false, version }: Extract<Refusable, { ask: 'change' }>,
): Promise<Answer> {
  const row = stage.sub(sub);
  const sold = waysToSell(abroad ? elsewhere(stage.currency) : stage.currency, { price: dearest, days }).find(
    ({ planId }) => planId !== row.plan_id,
  );
  if (sold === undefined) throw new Error('there is no other plan');
  const terms = { plan_id: sold.planId, quantity: sold.quantity, proration, if_version: version ?? null };
  return commitChange(stage.deps, row.id, { ...nothingAsked, ...stage.command(), ...terms });
}

function elsewhere(currency: string): string {
  return Object.keys(limitsByCurrency).find((other) => other !== currency) ?? currency;
}
