/** A charge of which more was taken than there was: what billing keeps of it in rows, around `domain/ledger/beyond`. */
import { beyondCharge, returnShared, type Bearer } from '../../../domain/ledger/beyond';
import type { GoneElsewhere, Taken } from '../../../domain/ledger/refund';
import type { Payment, World } from './world';

const goneOf = ({ back, failed, lost }: Payment): number => back + failed + lost;

/** What of an amount that is taken now is beyond what is left of the charge. */
export function beyondNow(payment: Payment, amount: number): number {
  return beyondCharge(amount, payment.amount - goneOf(payment));
}

/** A refund or a lost dispute. */
interface Taking {
  id: string;
  taken: Taken;
}

/** Decides what a taking puts back, which still counts as gone; others have taken the rest of it. */
export function shareReturn(
  world: World,
  payment: Payment,
  { id, taken }: Taking,
): { taken: Taken; gone: GoneElsewhere[] } {
  const beyond = Math.max(0, goneOf(payment) - payment.amount - (taken.beyond ?? 0));
  if (beyond === 0) return { taken, gone: [] };
  const others = bearersOf(world, payment).filter((bearer) => bearer.id !== id);
  const shared = returnShared(taken, beyond, others, payment.lost > 0 ? 'written_off' : 'allowances');
  for (const { row, taken: now } of shared.bearers) row.taken = now;
  for (const { account, amount } of shared.gone) {
    if (account === 'written_off') noteLoss(world, payment, -amount);
  }
  return shared;
}

/** Losses, then refunds; of both the latest first. */
function bearersOf(world: World, { id }: Payment): (Bearer & { id: string; row: { taken: Taken } })[] {
  const losses = world.disputes
    .flatMap(({ id: dispute, payment, loss }) =>
      payment === id && loss !== null
        ? [
            {
              id: dispute,
              number: loss.number,
              taken: loss.taken,
              row: loss,
              account: 'written_off' as const,
            },
          ]
        : [],
    )
    .toSorted((a, b) => b.number - a.number);
  const refunds = world.refunds
    .filter(({ payment, status }) => payment === id && status !== 'released')
    .map((row) => ({ id: row.id, taken: row.taken, row, account: 'allowances' as const }))
    .toReversed();
  return [...losses, ...refunds];
}

/** Notes what disputes took that no late money brings back. */
export function noteLoss(world: World, { id, sub }: Payment, amount: number): void {
  const key = `${sub ?? 'customer'}|${id}`;
  world.lostForGood.set(key, (world.lostForGood.get(key) ?? 0) + amount);
}
