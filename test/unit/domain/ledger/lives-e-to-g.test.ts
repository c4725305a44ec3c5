/** Lives e to g of the design of the ledger, in its numbers: refunds, disputes, money that is written off. */
import { Story } from '../../../support/ledger/story';

function paidLife(price = 1000): Story {
  const life = new Story();
  life.create({ price });
  life.paid('p1');
  return life;
}

describe('e: partial refunds', () => {
  function lifeWithRefund(): Story {
    const life = paidLife();
    expect(life.refund(10, 'p1', 400)).toBe('U+7.33 E-3.33 N-4');
    return life;
  }

  it('takes what is still to come when the refund is asked for, and cash when it is settled', () => {
    const life = lifeWithRefund();
    expect(life.settled()).toBe('C-4 N+4');
  });

  it('charges for an upgrade what went back before', () => {
    const life = lifeWithRefund();
    life.change(15, { price: 3000, payment: 'p2' });
    expect(life.charges('p2')).toBe(1300);
    expect(life.paid('p2')).toBe('C+13 U-12.33 E-0.67');
  });

  it('gives 7.50 of the second payment back at the end: older money is earned first', () => {
    const life = lifeWithRefund();
    life.change(15, { price: 3000, payment: 'p2' });
    life.paid('p2');
    expect(life.end(22.5, 'prorated')).toBe('U+15 E-7.5 N-7.5');
    expect(life.refunds.at(-1)).toEqual({ payment: 'p2', amount: 750 });
  });

  it.each([
    [22.5, 600, 'C-6 U+7.5 E-7.5 L+6'],
    [16, 600, 'C-6 U+2 E-1 L+5'],
    [22.5, 800, 'C-8 U+7.5 E-7.5 L+8'],
  ])('takes a refund over that the provider made on day %d, of %d', (day, amount, lines) => {
    const life = lifeWithRefund();
    life.settled();
    life.change(15, { price: 3000, payment: 'p2' });
    life.paid('p2');
    expect(life.refundAtProvider(day, 'p1', amount)).toBe(lines);
    expect(life.world.refundable(life.world.payment('p1'))).toBe(0);
  });

  it('loses what a part that went back before it was applied would have paid of delivered service', () => {
    const life = paidLife();
    life.renew('p2');
    life.charged('p2');
    expect(life.refund(30, 'p2', 400)).toBe('N-4 A+4');
    // On day 15 of the period 5.00 are served; 6.00 are paid, and 4.00 of what is still to come go.
    expect(life.applied(45)).toBe('R-10 U+9 E-5 A+6');
    expect(life.renew('p3')).toBe('R+10 U-9 E-1');
  });

  it('writes off what such a part would have paid when its period is over', () => {
    const life = paidLife();
    life.renew('p2');
    life.charged('p2');
    life.refund(30, 'p2', 400);
    expect(life.applied(61)).toBe('R-10 U+10 E-10 A+6 W+4');
  });

  it('keeps a refund that fails after it succeeded reserved, until it is paid again', () => {
    const life = lifeWithRefund();
    life.settled();
    expect(life.refundFailed()).toBe('C+4 N-4');
    expect(life.settled()).toBe('C-4 N+4');
  });

  it('puts the money back where it was, when a failed refund is given up while its period runs', () => {
    const life = lifeWithRefund();
    life.refundFailed();
    // 1.33 of the 6.67 were earned meanwhile.
    expect(life.released(20)).toBe('U-2.67 E-1.33 N+4');
    expect(life.renew('p2')).toBe('R+10 U-4.66 E-5.34');
  });

  it('keeps it as credit when the period is over', () => {
    const life = lifeWithRefund();
    life.refundFailed();
    life.renewPaid('p2');
    expect(life.released(31)).toBe('K-4 N+4');
  });

  it('keeps it as credit when a change has charged for it meanwhile', () => {
    const life = lifeWithRefund();
    life.refundFailed();
    life.change(15, { price: 3000, payment: 'p2' });
    life.paid('p2');
    expect(life.released(20)).toBe('K-4 N+4');
  });

  it('keeps it as credit of the customer when the subscription has ended', () => {
    const life = lifeWithRefund();
    life.refundFailed();
    life.end(15, 'none');
    expect(life.released(20)).toBe('cK-4 N+4');
  });
});

describe('f: disputes', () => {
  it('gives nothing of a disputed payment back; won, it can be paid out', () => {
    const life = paidLife();
    expect(life.dispute(10, 'p1', 1000)).toMatch(/^C-10 .*D\+10$/);
    expect(life.end(15, 'prorated')).toMatch(/cK-5$/);
    expect(life.refunds).toEqual([]);
    expect(life.payOut(500)).toBe('');
    expect(life.disputeWon(40)).toMatch(/^C\+10 D-10/);
    expect(life.payOut(500)).toBe('cK+5 N-5');
  });

  it('lost, takes its credit first and loses what was used', () => {
    const life = paidLife();
    life.dispute(10, 'p1', 1000);
    life.end(15, 'prorated');
    expect(life.disputeLost(40)).toBe('cK+5 D-10 W+5');
  });

  it('lost after a change to less, takes the credit that the payment has left', () => {
    const life = paidLife(10_000);
    life.change(3, { price: 1000 });
    life.dispute(4, 'p1', 10_000);
    // 4.00 of the 9.00 were used on days 3 to 15.
    expect(life.disputeLost(15)).toMatch(/^U\+\S+ (E-\S+ )?K\+81 D-100 W\+14$/);
    expect(life.renew('p2')).toBe('R+10 U-10');
    expect(life.charges('p2')).toBe(1000);
  });

  it('is about the amount that the provider names', () => {
    const life = paidLife();
    life.refund(0, 'p1', 400);
    life.settled();
    expect(life.dispute(15, 'p1', 300)).toMatch(/^C-3 .*D\+3$/);
    expect(life.disputeLost(15)).toBe('U+6 E-3 D-3');
  });

  it('funds no renewal and no change with what is disputed', () => {
    const life = paidLife(10_000);
    life.change(3, { price: 1000 });
    life.dispute(4, 'p1', 10_000);
    life.renew('p2');
    expect(life.charges('p2')).toBe(1000);
    life.paid('p2');
    life.change(45, { price: 3000, payment: 'p3' });
    expect(life.charges('p3')).toBe(1000);
  });

  it('keeps what is left of a disputed payment at a change: the new rest is charged whole', () => {
    const life = paidLife();
    life.dispute(10, 'p1', 1000);
    life.change(15, { price: 3000, payment: 'p2' });
    expect(life.charges('p2')).toBe(1500);
    expect(life.paid('p2')).toMatch(/^C\+15 U-\S+ (E-\S+ )?K-5$/);
  });
});

describe('g: past due, written off by a pause, paid late, resumed', () => {
  function writtenOff(): Story {
    const life = new Story();
    life.create({ price: 1000, trialDays: 1 });
    life.renew('p1');
    life.failed('p1');
    expect(life.writeOff(15)).toBe('R-10 U+10 E-4.67 W+4.67');
    return life;
  }

  it('pays what was written off first, and the rest of the period with what is left', () => {
    const life = writtenOff();
    expect(life.paid('p1', 21)).toBe('C+10 U-5.33 W-4.67');
    expect(life.resume(22, 'p2')).toBe('');
    expect(life.renew('p2')).toBe('R+10 U-4.67 E-5.33');
  });

  it('keeps the rest as credit after the period, and the resumption uses it', () => {
    const life = writtenOff();
    expect(life.paid('p1', 41)).toBe('C+10 K-5.33 W-4.67');
    expect(life.resume(41, 'p2')).toBe('R+4.67 U-10 K+5.33');
    expect(life.charges('p2')).toBe(467);
  });

  it('returns credit that was spent on time which is not served', () => {
    const life = paidLife(1400);
    life.change(0, { price: 1000 });
    life.renew('p2');
    expect(life.charges('p2')).toBe(600);
    life.failed('p2');
    expect(life.end(39, 'none')).toBe('R-6 U+10 E-3 cK-1');
  });

  it('loses what was served when nobody pays', () => {
    const life = paidLife();
    life.renew('p2');
    life.failed('p2');
    expect(life.end(44, 'none')).toBe('R-10 U+10 E-4.67 W+4.67');
    // After the end, late money goes back.
    expect(life.paid('p2', 50)).toBe('C+10 N-10');
  });
});
