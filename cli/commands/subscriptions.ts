/** `cli subscriptions`: looking at them, what happened to them, and ending or pausing one. */
import { subscriptionStatuses } from '../../domain/subscription/subscription';
import { cancelModes, refundModes } from '../../domain/subscription/commands';
import {
  idOf,
  instantIn,
  queryOf,
  required,
  requireOneOf,
  type CommandGroup,
  type Context,
  type Outcome,
} from '../command';
import { sheet, type Row } from '../output';
import { requestPage, listed, pageOptions, pageSynopsis, timelineOf, withMoney } from '../pages';

const columns = ['id', 'status', 'customer_id', 'plan_id', 'amount', 'period', 'created_at'];
const filters = ['status', 'customer-id', 'plan-id'];

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
    synopsis: `[--status S] [--customer-id ID] [--plan-id ID] ${pageSynopsis}`,
    text: 'newest first',
    options: [...filters, ...pageOptions],
    run: async (context) =>
      listed(
        await requestPage(context, '/subscriptions', filters, { status: subscriptionStatuses }),
        columns,
        lineOf,
      ),
  },
  'subscriptions show': {
    synopsis: 'ID',
    text: '',
    run: async (context) => shown(await context.call('GET', pathOf(context))),
  },
  'subscriptions timeline': {
    synopsis: `ID ${pageSynopsis}`,
    text: 'what happened to it and its payments, oldest first',
    options: pageOptions,
    run: (context) => timelineOf(context, pathOf(context)),
  },
  'subscriptions cancel': {
    synopsis: 'ID [--mode now|period_end] [--refund none|prorated|full] --reason TEXT',
    text: 'at once, or when its period ends',
    options: ['mode', 'refund', 'reason'],
    async run(context) {
      required(context, 'reason', kept);
      requireOneOf(context, 'mode', cancelModes);
      requireOneOf(context, 'refund', refundModes);
      const query = queryOf(context, 'mode', 'refund', 'reason');
      return shown(await context.call('DELETE', `${pathOf(context)}${query}`));
    },
  },
  'subscriptions pause': {
    synopsis: 'ID [--resume-at T] --reason TEXT',
    text: 'nothing is charged until it is resumed',
    options: ['resume-at', 'reason'],
    async run(context) {
      const body = {
        resume_at: instantIn(context, 'resume-at'),
        reason: required(context, 'reason', kept),
      };
      return shown(await context.call('POST', `${pathOf(context)}/pause`, body));
    },
  },
  'subscriptions resume': {
    synopsis: 'ID --reason TEXT',
    text: '',
    options: ['reason'],
    async run(context) {
      const reason = required(context, 'reason', kept);
      return shown(await context.call('POST', `${pathOf(context)}/resume`, { reason }));
    },
  },
};
