/** `perennial subscriptions`: looking at them, what happened to them, and ending or pausing one. */
import { subscriptionStatuses } from '../../domain/subscription/subscription';
import { cancelModes, refundModes } from '../../domain/subscription/commands';
import {
  idOf,
  instantIn,
  queryOf,
  reasonOption,
  requireChoices,
  required,
  type CommandGroup,
  type CommandOption,
  type Context,
  type Outcome,
} from '../command';
import { sheet, type Row } from '../output';
import { requestPage, listed, pageOptions, timelineOf, withMoney } from '../pages';

const columns = ['id', 'status', 'customer_id', 'plan_id', 'amount', 'period', 'created_at'];
const filters: readonly CommandOption[] = [
  { name: 'status', value: 'S', text: 'only these', choices: subscriptionStatuses },
  { name: 'customer-id', value: 'ID', text: 'of this customer' },
  { name: 'plan-id', value: 'ID', text: 'of this plan' },
];
const cancellation: readonly CommandOption[] = [
  {
    name: 'mode',
    value: 'M',
    text: 'at once (when left out), or when its period ends',
    choices: cancelModes,
  },
  { name: 'refund', value: 'R', text: 'what of the period goes back', choices: refundModes },
  reasonOption(),
];

/** The period in one cell: `4, until 2027-04-01T00:00:00.000Z, unpaid`. */
function lineOf(row: Row): Row {
  const period = row['period'] as { index: number; end: string; paid: boolean } | null;
  const text =
    period === null ? null : `${period.index}, until ${period.end}${period.paid ? '' : ', unpaid'}`;
  return { ...withMoney(row), period: text };
}

const shown = (answer: Row): Outcome => ({ answer, text: sheet(lineOf(answer)) });
const pathOf = (context: Context): string => `/subscriptions/${idOf(context)}`;
const kept = 'it is kept with the decision';

export const subscriptionCommands: CommandGroup = {
  'subscriptions list': {
    text: 'subscriptions, newest first',
    options: [...filters, ...pageOptions],
    run: async (context) => listed(await requestPage(context, '/subscriptions', filters), columns, lineOf),
  },
  'subscriptions show': {
    argument: 'ID',
    text: 'one, as it stands',
    run: async (context) => shown(await context.call('GET', pathOf(context))),
  },
  'subscriptions timeline': {
    argument: 'ID',
    text: 'what happened to it and its payments, oldest first',
    options: pageOptions,
    run: (context) => timelineOf(context, pathOf(context)),
  },
  'subscriptions cancel': {
    argument: 'ID',
    text: 'end one at once, or when its period ends',
    options: cancellation,
    async run(context) {
      required(context, 'reason', kept);
      requireChoices(context, cancellation);
      const query = queryOf(context, 'mode', 'refund', 'reason');
      return shown(await context.call('DELETE', `${pathOf(context)}${query}`));
    },
  },
  'subscriptions pause': {
    argument: 'ID',
    text: 'charge nothing until it is resumed',
    options: [{ name: 'resume-at', value: 'T', text: 'resume it by itself then' }, reasonOption()],
    async run(context) {
      const body = {
        resume_at: instantIn(context, 'resume-at'),
        reason: required(context, 'reason', kept),
      };
      return shown(await context.call('POST', `${pathOf(context)}/pause`, body));
    },
  },
  'subscriptions resume': {
    argument: 'ID',
    text: 'charge it again',
    options: [reasonOption()],
    async run(context) {
      const reason = required(context, 'reason', kept);
      return shown(await context.call('POST', `${pathOf(context)}/resume`, { reason }));
    },
  },
};
