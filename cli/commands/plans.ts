/** `perennial plans`: what is sold. */
import type { CommandGroup } from '../command';
import type { Row } from '../output';
import { requestPage, listed, pageOptions, withMoney } from '../pages';

const columns = ['id', 'name', 'amount', 'interval', 'trial_days', 'active'];

function lineOf(row: Row): Row {
  const { unit, count } = row['interval'] as { unit: string; count: number };
  return { ...withMoney(row), interval: count === 1 ? unit : `${count} ${unit}s` };
}

export const planCommands: CommandGroup = {
  'plans list': {
    text: 'plans, newest first',
    options: pageOptions,
    run: async (context) => listed(await requestPage(context, '/plans'), columns, lineOf),
  },
};
