/**
 * A life told by days: each step says what it posts, as design pages write it, such as `U+5 E-5 R+10`.
 *
 * Debit +, credit -, in units of 100. C cash, R receivable, U unearned, E earned, F forfeited, K credit (cK: the
 * customer's), H credit_held, N refunding, A unapplied, D disputed, W written_off, L allowances. Accounts that come to
 * zero within a step are left out. After every step everything in `checks.ts` has to hold.
 */
import type { RefundMode } from '../../../domain/subscription/commands';
import { change, type How } from './changes';
import { applyCharged, charge, fail, requestPayment, succeed } from './charges';
import { findFaults } from './checks';
import * as back from './money-back';
import * as periods from './periods';
import { dayOf, World, type Dispute, type Refund } from './world';

const letters: readonly (readonly [string, string])[] = [
  ['cash/', 'C'],
  ['receivable', 'R'],
  ['unearned', 'U'],
  ['earned', 'E'],
  ['forfeited', 'F'],
  ['credit_held', 'H'],
  ['credit', 'K'],
  ['refunding', 'N'],
  ['unapplied', 'A'],
  ['disputed', 'D'],
  ['written_off', 'W'],
  ['allowances', 'L'],
];
const order = 'CRUEFHKNADWL';

export class Story {
  readonly world: World;

  constructor(limits = { smallest: 1, step: 1 }) {
    this.world = new World(limits);
  }

  /** Creates a subscription of 30 days, or of `days`; its first payment waits for `paid`. */
  create(terms: { price: number; days?: number; trialDays?: number; id?: string; payment?: string }): string {
    const { id = 'sub', payment = 'p1', days = 30 } = terms;
    return this.step(null, () => periods.create(this.world, id, { ...terms, days }, payment));
  }

  /** What the payment of the present step charges; null: there is none. */
  charges(id: string): number | null {
    return this.world.payments.get(id)?.amount ?? null;
  }

  paid(payment: string, day: number | null = null): string {
    return this.step(day, () => succeed(this.world, this.world.payment(payment)));
  }

  /** Charged, and not applied yet. */
  charged(payment: string, day: number | null = null): string {
    return this.step(day, () => charge(this.world, this.world.payment(payment)));
  }

  applied(day: number | null = null, id = 'sub'): string {
    return this.step(day, () => applyCharged(this.world, this.world.sub(id)));
  }

  failed(payment: string, day: number | null = null): string {
    return this.step(day, () => fail(this.world, this.world.payment(payment)));
  }

  /** Opens the period that follows. The day stays: the opening may be late. */
  renew(payment: string, { id = 'sub', day }: { id?: string; day?: number } = {}): string {
    const sub = this.world.sub(id);
    return this.step(null, () => {
      this.world.now = day === undefined ? (sub.period?.end ?? this.world.now) : dayOf(day);
      periods.openNext(this.world, sub, payment);
    });
  }

  /** Opens the period that follows, and pays what is charged. */
  renewPaid(payment: string, more: { id?: string } = {}): string {
    const opened = this.renew(payment, more);
    if (this.charges(payment) !== null) this.paid(payment);
    return opened;
  }

  change(
    day: number | null,
    wanted: { price: number; days?: number; how?: How; id?: string; payment?: string },
  ): string {
    const { id = 'sub', payment = 'change', how = 'charge_now' } = wanted;
    const sub = this.world.sub(id);
    return this.step(day, () => change(this.world, sub, { days: sub.days, ...wanted, how }, payment));
  }

  pause(day: number, id = 'sub'): string {
    return this.step(day, () => periods.pause(this.world, this.world.sub(id)));
  }

  resume(day: number, payment: string, id = 'sub'): string {
    return this.step(day, () => periods.resume(this.world, this.world.sub(id), payment));
  }

  writeOff(day: number, id = 'sub'): string {
    return this.step(day, () => periods.writeOffPeriod(this.world, this.world.sub(id)));
  }

  /** The reconciliation earns a period that is over. */
  over(day: number, id = 'sub'): string {
    return this.step(day, () => periods.earnPeriod(this.world, this.world.sub(id)));
  }

  /** Ends the subscription. @param runAt when a scheduled end is done; left out: on its day */
  end(day: number, refund: RefundMode, { id = 'sub', runAt = day } = {}): string {
    return this.step(runAt, () => periods.end(this.world, this.world.sub(id), refund, dayOf(day)));
  }

  refund(day: number | null, payment: string, amount: number): string {
    return this.step(day, () => back.refund(this.world, this.world.payment(payment), amount));
  }

  settled(index = 0): string {
    return this.step(null, () => back.settle(this.world, this.refundRow(index)));
  }

  refundFailed(index = 0): string {
    return this.step(null, () => back.failRefund(this.world, this.refundRow(index)));
  }

  released(day: number | null, index = 0): string {
    return this.step(day, () => back.release(this.world, this.refundRow(index)));
  }

  refundAtProvider(day: number | null, payment: string, amount: number): string {
    return this.step(day, () => back.refundAtProvider(this.world, this.world.payment(payment), amount));
  }

  dispute(day: number | null, payment: string, amount: number): string {
    return this.step(day, () => back.openDispute(this.world, this.world.payment(payment), amount));
  }

  disputeWon(day: number | null = null): string {
    return this.step(day, () => back.winDispute(this.world, this.lastDispute()));
  }

  disputeLost(day: number | null = null): string {
    return this.step(day, () => back.loseOpenDispute(this.world, this.lastDispute()));
  }

  disputeRegained(day: number | null = null): string {
    return this.step(day, () => back.regainLostDispute(this.world, this.lastDispute()));
  }

  grant(id: string, amount: number): string {
    return this.step(null, () => back.changeCredit(this.world, id, amount));
  }

  payOut(amount: number): string {
    return this.step(null, () => back.payOut(this.world, amount));
  }

  charge(id: string, amount: number): string {
    return this.step(null, () => succeed(this.world, requestPayment(this.world, id, amount)));
  }

  /** What would go back: the refunds so far, by payment. */
  get refunds(): { payment: string; amount: number }[] {
    return this.world.refunds.map(({ payment, amount }) => ({ payment, amount }));
  }

  private refundRow(index: number): Refund {
    const row = this.world.refunds[index];
    if (row === undefined) throw new Error(`there is no refund ${index}`);
    return row;
  }

  private lastDispute(): Dispute {
    const dispute = this.world.disputes.at(-1);
    if (dispute === undefined) throw new Error('there is no dispute');
    return dispute;
  }

  private step(day: number | null, act: () => unknown): string {
    if (day !== null) this.world.now = dayOf(day);
    this.world.journal = [];
    act();
    const faults = findFaults(this.world);
    if (faults.length > 0) throw new Error(faults.join('\n'));
    return linesOf(this.world);
  }
}

function linesOf({ journal }: World): string {
  const sums = new Map<string, number>();
  for (const { owner, entry } of journal) {
    const letter = letters.find(([name]) => entry.account.startsWith(name))?.[1] ?? entry.account;
    const name = owner === 'customer' && letter === 'K' ? 'cK' : letter;
    sums.set(name, (sums.get(name) ?? 0) + entry.amount);
  }
  return [...sums]
    .filter(([, amount]) => amount !== 0)
    .sort(([a], [b]) => order.indexOf(a.slice(-1)) - order.indexOf(b.slice(-1)) || a.length - b.length)
    .map(([name, amount]) => `${name}${amount > 0 ? '+' : '-'}${Math.abs(amount) / 100}`)
    .join(' ');
}
