/** How a subscription ends: at once, as scheduled, or after all not. */
import type { RefundMode } from '../../../domain/subscription/commands';
import { command, type Operation } from './moment';
import * as periods from './periods';

const modes: readonly RefundMode[] = ['none', 'prorated', 'full'];

export const cancellations: readonly Operation[] = [
  ...modes.flatMap((refund) => [
    command(`cancel, refund ${refund}`, (sub, { world }) => {
      if (sub.status === 'ended') return null;
      return () => {
        periods.end(world, sub, refund, world.now);
        sub.agreed = refund;
        return { do: 'cancel', sub: sub.id, refund };
      };
    }),
    command(`schedule the end, refund ${refund}`, (sub, { world }) => {
      const { id, status, period, waiting, open, cancel } = sub;
      const lasts = period !== null && Date.parse(period.end) > Date.parse(world.now);
      const can = cancel === null && (status === 'active' || status === 'paused') && open === null;
      const isSettled = waiting === null && world.unapplied(id).length === 0;
      if (!lasts || !can || !isSettled) return null;
      return () => {
        periods.scheduleEnd(sub, refund, period.end);
        return { do: 'schedule the end', sub: sub.id, refund };
      };
    }),
  ]),
  command('keep it after all', (sub) => {
    if (sub.cancel === null || sub.status === 'ended') return null;
    return () => {
      periods.revokeEnd(sub);
      return { do: 'keep', sub: sub.id };
    };
  }),
  command('the scheduled end comes', (sub, { world }) => {
    const { cancel, status } = sub;
    if (cancel === null || status === 'ended' || Date.parse(cancel.at) > Date.parse(world.now)) return null;
    return () => {
      periods.end(world, sub, cancel.refund, cancel.at);
      sub.agreed = cancel.refund;
      return { do: 'end as scheduled', sub: sub.id };
    };
  }),
];
