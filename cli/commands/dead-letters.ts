/** `perennial dead-letters`: records that a group could never handle, and what becomes of them. */
import { deadLetterStatuses } from '../../contracts/http/dead-letters';
import { consumerGroups } from '../../contracts/topics/topics';
import {
  idOf,
  reasonOption,
  required,
  type CommandGroup,
  type CommandOption,
  type Context,
  type Outcome,
} from '../command';
import { sheet, type Row } from '../output';
import { requestPage, listed, pageOptions } from '../pages';

const columns = ['id', 'group', 'topic', 'partition', 'offset', 'error_code', 'status', 'seen_at'];

const filters: readonly CommandOption[] = [
  { name: 'group', value: 'G', text: 'the consumer group', choices: consumerGroups },
  { name: 'status', value: 'S', text: 'only these', choices: deadLetterStatuses },
];

const shown = (answer: Row): Outcome => ({ answer, text: sheet(answer) });

async function decide(context: Context, decision: string): Promise<Outcome> {
  const reason = required(context, 'reason', 'it is kept with the decision');
  return shown(await context.call('POST', `/dead-letters/${idOf(context)}/${decision}`, { reason }));
}

export const deadLetterCommands: CommandGroup = {
  'dead-letters list': {
    text: 'records that a group could not handle, newest first',
    options: [...filters, ...pageOptions],
    run: async (context) => listed(await requestPage(context, '/dead-letters', filters), columns),
  },
  'dead-letters show': {
    argument: 'ID',
    text: 'the record, where it came from, and why',
    run: async (context) => shown(await context.call('GET', `/dead-letters/${idOf(context)}`)),
  },
  'dead-letters redrive': {
    argument: 'ID',
    text: 'have the group handle the record again',
    options: [reasonOption()],
    run: (context) => decide(context, 'redrive'),
  },
  'dead-letters discard': {
    argument: 'ID',
    text: 'decide that it is never handled',
    options: [reasonOption()],
    run: (context) => decide(context, 'discard'),
  },
};
