/** What happens to money that was charged, and what customers are given: refunds, disputes, credit. */
import { requestPayment, succeed } from './charges';
import { creditOf } from '../../../domain/ledger/credit';
import * as back from './money-back';
import type { Deed } from './deed';
import { newId, paymentsOf, pick, type Moment, type Operation } from './moment';
import type { Dispute, Payment, Refund, World } from './world';

function refunding(name: string, amountOf: (moment: Moment, left: number) => number): Operation {
  return {
    name,
    prepare: (moment) => {
      const { world } = moment;
      const able = paymentsOf(moment).filter((payment) => left(world, payment) > 0);
      const payment = pick(moment, able);
      const amount = payment === null ? 0 : amountOf(moment, left(world, payment));
      const whole = amount - (amount % world.limits.step);
      if (payment === null || whole === 0) return null;
      return () => {
        back.refund(world, payment, whole);
        return { do: 'refund', payment: payment.id, amount: whole };
      };
    },
  };
}

/** What other subscriptions use of a payment cannot go back as well. */
export function left(world: World, payment: Payment): number {
  return Math.max(0, world.refundable(payment) - world.usedElsewhere(payment.id));
}

function pickRefundable(moment: Moment): Payment | null {
  const able = paymentsOf(moment).filter((payment) => moment.world.refundable(payment) > 0);
  return pick(moment, able);
}

function atProvider(name: string, beyond: number): Operation {
  return {
    name,
    prepare: (moment) => {
      const { world, draw } = moment;
      const payment = pickRefundable(moment);
      if (payment === null) return null;
      const amount = beyond > 0 ? world.refundable(payment) + beyond : 1 + draw(world.refundable(payment));
      return () => {
        back.refundAtProvider(world, payment, amount);
        return { do: 'refund at provider', payment: payment.id, amount };
      };
    },
  };
}

function withRefund(
  name: string,
  statuses: readonly Refund['status'][],
  deed: 'refund paid' | 'refund fails' | 'refund given up',
  act: (world: World, row: Refund) => void,
): Operation {
  return {
    name,
    prepare: (moment) => {
      const { world } = moment;
      const ids = new Set(paymentsOf(moment).map(({ id }) => id));
      const row = pick(
        moment,
        world.refunds.filter(({ payment, status }) => ids.has(payment) && statuses.includes(status)),
      );
      if (row === null) return null;
      return () => {
        act(world, row);
        return { do: deed, refund: row.id };
      };
    },
  };
}

const refunds: readonly Operation[] = [
  refunding('refund a part', ({ draw }, all) => 1 + draw(all)),
  refunding('refund all', (_, all) => all),
  withRefund('a refund is paid', ['pending', 'failed'], 'refund paid', back.settle),
  withRefund('a refund fails', ['pending', 'paid'], 'refund fails', back.failRefund),
  withRefund('a refund is given up', ['failed'], 'refund given up', back.release),
  atProvider('the provider refunds', 0),
  atProvider('the provider refunds beyond the charge', 200),
];

function withDispute(
  name: string,
  status: Dispute['status'],
  deed: 'dispute won' | 'dispute lost',
  act: (world: World, dispute: Dispute) => void,
): Operation {
  return {
    name,
    prepare: (moment) => {
      const { world } = moment;
      const ids = new Set(paymentsOf(moment).map(({ id }) => id));
      const found = world.disputes.filter(
        (dispute) =>
          ids.has(dispute.payment) &&
          dispute.status === status &&
          (status !== 'won' || dispute.amount <= world.refundable(world.payment(dispute.payment))),
      );
      const dispute = pick(moment, found);
      if (dispute === null) return null;
      return () => {
        act(world, dispute);
        return { do: deed, dispute: dispute.id };
      };
    },
  };
}

const disputes: readonly Operation[] = [
  {
    name: 'a dispute opens',
    prepare: (moment) => {
      const { world, draw } = moment;
      const payment = pickRefundable(moment);
      if (payment === null) return null;
      const all = world.refundable(payment);
      const amount = draw(3) === 0 ? 1 + draw(all) : all;
      return () => {
        const { id: dispute } = back.openDispute(world, payment, amount);
        return { do: 'dispute opens', dispute, payment: payment.id, amount };
      };
    },
  },
  withDispute('a dispute is won', 'open', 'dispute won', back.winDispute),
  withDispute('a dispute is lost', 'open', 'dispute lost', back.loseOpenDispute),
  withDispute('a won dispute is lost', 'won', 'dispute lost', back.loseWonDispute),
  withDispute('a lost dispute is won', 'lost', 'dispute won', back.regainLostDispute),
];

function ofCustomer(name: string, act: (moment: Moment) => Deed): Operation {
  return { name, prepare: (moment) => (moment.slot === null ? () => act(moment) : null) };
}

function changeCredit(world: World, amount: number): Deed {
  const id = `g${world.steps}`;
  back.changeCredit(world, id, amount);
  return { do: 'credit', id, amount };
}

const credits: readonly Operation[] = [
  ofCustomer('grant credit', ({ world, draw }) => changeCredit(world, 1 + draw(4000))),
  {
    name: 'correct credit',
    prepare: ({ world, slot, draw }) => {
      const all = creditOf(world.credit);
      return slot === null && all > 0 ? () => changeCredit(world, -1 - draw(all)) : null;
    },
  },
  {
    name: 'pay credit out',
    prepare: ({ world, slot, draw }) => {
      if (slot !== null) return null;
      const { step } = world.limits;
      const able = world.credit.filter(({ source, amount }) => {
        const payment = world.payments.get(source);
        return payment !== undefined && Math.min(amount, world.refundable(payment)) >= step;
      });
      if (able.length === 0) return null;
      return () => {
        const rows = back.payOut(world, step * (1 + draw(1000)));
        return { do: 'pay out', amount: rows.reduce((sum, row) => sum + row.amount, 0) };
      };
    },
  },
  ofCustomer('charge a payment of its own', (moment) => {
    const payment = requestPayment(moment.world, newId(moment), 100 + moment.draw(5000));
    succeed(moment.world, payment);
    return { do: 'charge apart', payment: payment.id, amount: payment.amount };
  }),
];

export const moneyOperations = [...refunds, ...disputes, ...credits];
