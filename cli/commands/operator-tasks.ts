/** `perennial operator-tasks`: what an operator has to decide, and the decision. */
import { maxAmount } from '../../domain/money';
import { operatorTaskKinds } from '../../domain/payment/operator-task';
import {
  idOf,
  reasonOption,
  requireChoices,
  required,
  wholeNumber,
  type CommandGroup,
  type CommandOption,
} from '../command';
import { sheet, type Row } from '../output';
import { requestPage, listed, pageOptions } from '../pages';

const columns = ['id', 'kind', 'subject', 'status', 'created_at', 'detail'];
const filters: readonly CommandOption[] = [
  { name: 'status', value: 'S', text: 'only these', choices: ['open', 'resolved'] },
  { name: 'kind', value: 'KIND', text: 'what is to be decided', choices: operatorTaskKinds },
  { name: 'subject-id', value: 'ID', text: 'about this payment, refund, …' },
];
const resolution: readonly CommandOption[] = [
  reasonOption(),
  {
    name: 'outcome',
    value: 'O',
    text: 'what the provider’s records show',
    choices: ['succeeded', 'failed'],
  },
  { name: 'provider-reference', value: 'REF', text: 'the provider’s name of the charge' },
  {
    name: 'amount',
    value: 'MINOR_UNITS',
    text: 'what the provider has charged, where it is not what was asked',
  },
];

/** The subject in one cell. */
function lineOf(row: Row): Row {
  const { type, id } = row['subject'] as { type: string; id: string };
  return { ...row, subject: `${type} ${id}` };
}

export const operatorTaskCommands: CommandGroup = {
  'operator-tasks list': {
    text: 'what an operator has to decide, newest first',
    options: [...filters, ...pageOptions],
    run: async (context) => listed(await requestPage(context, '/operator-tasks', filters), columns, lineOf),
  },
  'operator-tasks resolve': {
    argument: 'ID',
    text: 'decide it, with what the provider’s records say where that is asked for',
    options: resolution,
    async run(context) {
      const reason = required(context, 'reason', 'it is kept with the decision');
      requireChoices(context, resolution);
      const { outcome, 'provider-reference': provider_reference } = context.flags;
      const amount = wholeNumber(context, 'amount', 1, maxAmount);
      const body = { reason, outcome, provider_reference, amount };
      const answer = await context.call('POST', `/operator-tasks/${idOf(context)}/resolve`, body);
      return { answer, text: sheet(answer) };
    },
  },
};
