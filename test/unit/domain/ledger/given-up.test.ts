/** A refund that is given up comes back to what it was taken from, also at one instant with what else happens. */
import { Story } from '../../../support/ledger/story';

function paidLife(limits = { smallest: 1, step: 1 }, price = 1000): Story {
  const life = new Story(limits);
  life.create({ price });
  life.paid('p1');
  return life;
}

describe('a refund of the instant at which its period began', () => {
  it('comes back to the time that is left of the period', () => {
    const life = paidLife();
    expect(life.refund(0, 'p1', 400)).toBe('U+4 N-4');
    life.refundFailed();
    expect(life.released(15)).toBe('U-1 E-3 N+4');
  });

  it('comes back whole at that very instant', () => {
    const life = paidLife();
    life.refund(0, 'p1', 1000);
    life.refundFailed();
    expect(life.released(0)).toBe('U-10 N+10');
  });

  it('is credit when a change has charged for that time since, be it at the same instant', () => {
    const life = paidLife();
    life.refund(0, 'p1', 400);
    life.refundFailed();
    life.change(0, { price: 3000, payment: 'p2' });
    life.paid('p2');
    expect(life.released(15)).toBe('K-4 N+4');
  });

  it('is credit when the refund came before the next period, which began at that instant', () => {
    const life = paidLife();
    life.refund(30, 'p1', 400);
    life.refundFailed();
    life.renewPaid('p2');
    expect(life.released(30)).toBe('N+4 L-4');
  });

  it('comes back after a change of the same instant that came first', () => {
    const life = paidLife();
    life.change(15, { price: 3000, payment: 'p2' });
    life.paid('p2');
    expect(life.refund(15, 'p2', 400)).toBe('U+4 N-4');
    life.refundFailed();
    expect(life.released(22.5)).toBe('U+1.5 E-5.5 N+4');
  });

  it('taken by a lost dispute, comes back to what is left of that time when the bank returns it', () => {
    const life = paidLife();
    life.dispute(0, 'p1', 1000);
    expect(life.disputeLost(0)).toBe('U+10 D-10');
    expect(life.disputeRegained(15)).toBe('C+10 U-10');
  });
});

describe('a refund of time that was used', () => {
  it('is counted again by a full refund once it is given up', () => {
    const life = paidLife();
    expect(life.refund(10, 'p1', 800)).toBe('U+10 E-3.33 N-8 L+1.33');
    life.refundFailed();
    expect(life.released(10)).toBe('U-6.67 N+8 L-1.33');
    expect(life.end(10, 'full')).toBe('U+6.67 N-10 L+3.33');
  });

  it('is not, when the period is another one by then', () => {
    const life = paidLife();
    life.refund(10, 'p1', 800);
    life.refundFailed();
    life.renewPaid('p2');
    expect(life.released(45)).toBe('K-6.67 N+8 L-1.33');
    expect(life.end(45, 'full')).toBe('U+10 E-5 K+6.67 N-16.67 L+5');
  });

  it('is counted after a change within the period as well', () => {
    const life = paidLife();
    life.refund(10, 'p1', 800);
    life.refundFailed();
    life.change(15, { price: 1000, how: 'next_renewal' });
    life.released(15);
    expect(life.end(15, 'full')).toMatch(/N-10 /);
  });
});

describe('a refund beyond a charge that was made and not applied yet, of time that is over', () => {
  /** 10.00 for a time that is over when they are charged: they stand unapplied, and nothing has paid the time. */
  const late = (): Story => {
    const life = paidLife();
    life.renew('p2');
    life.charged('p2', 60);
    expect(life.refundAtProvider(60, 'p2', 1200)).toBe('C-12 U+10 E-10 A+10 L+2');
    life.refundFailed();
    return life;
  };

  it('comes back as a whole once a loss that found nothing left is taken back', () => {
    const life = late();
    life.dispute(60, 'p2', 900);
    expect(life.disputeLost(61)).toBe('D-9 W+9');
    expect(life.disputeRegained(62)).toBe('C+9 W-9');
    expect(life.released(63)).toBe('K-10 N+12 L-2');
  });

  it('is released by the next refund at the provider, which takes of what has come back', () => {
    const life = late();
    life.dispute(60, 'p2', 900);
    life.disputeLost(61);
    life.disputeRegained(62);
    expect(life.refundAtProvider(63, 'p2', 500)).toBe('C-5 K-5 N+12 L-2');
  });

  it('leaves its money to the loss when it is given up first, and comes back with it', () => {
    const life = late();
    life.dispute(60, 'p2', 900);
    life.disputeLost(61);
    expect(life.released(62)).toBe('K-1 N+12 W-9 L-2');
    expect(life.disputeRegained(63)).toBe('C+9 K-9');
  });
});

describe('an end with a full refund, of a provider that gives back multiples of ten', () => {
  const steps = { smallest: 10, step: 10 };

  /** 10.05 a period: 10.00 are charged, then 10.10, of which 0.05 are for the first period. */
  const inSecond = (): Story => {
    const life = paidLife(steps, 1005);
    life.renewPaid('p2');
    return life;
  };

  it('keeps what is no multiple as credit of the customer, also of time that was used', () => {
    const life = inSecond();
    expect(life.end(60, 'full')).toBe('U+10.05 E-10.05 cK-0.05 N-10 L+10.05');
    expect(life.refunds).toEqual([{ payment: 'p2', amount: 1000 }]);
  });

  it('takes it out of time to come first, where there is any', () => {
    const life = inSecond();
    expect(life.end(30, 'full')).toBe('U+10.05 cK-0.05 N-10');
  });

  it('half-way, is out of both', () => {
    const life = inSecond();
    expect(life.end(45, 'full')).toMatch(/cK-0.05 N-10 /);
  });

  it('less than one step is credit as a whole', () => {
    const life = paidLife(steps, 1010);
    life.refund(10, 'p1', 1005);
    life.settled();
    expect(life.end(15, 'full')).toBe('cK-0.05 L+0.05');
    expect(life.refunds).toHaveLength(1);
  });

  it('and a prorated refund keeps nothing of time that was used', () => {
    const life = inSecond();
    expect(life.end(60, 'prorated')).toBe('U+10.05 E-10.05');
  });
});
