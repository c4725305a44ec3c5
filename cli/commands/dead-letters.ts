/** `cli dead-letters`: records that a group could never handle, and what becomes of them. */
import { deadLetterStatuses } from '../../contracts/http/dead-letters';
import { consumerGroups } from '../../contracts/topics/topics';
import { idOf, required, type CommandGroup, type Context, type Outcome } from '../command';
import { sheet, type Row } from '../output';
import { requestPage, listed, pageOptions, pageSynopsis } from '../pages';

const columns = ['id', 'group', 'topic', 'partition', 'offset', 'error_code', 'status', 'seen_at'];

const filters = ['group', 'status'];
const choices = { group: consumerGroups, status: deadLetterStatuses };

const shown = (answer: Row): Outcome => ({ answer, text: sheet(answer) });

async function decide(context: Context, decision: string): Promise<Outcome> {
  const reason = required(context, 'reason', 'it is kept with the decision');
  return shown(await context.call('POST', `/dead-letters/${idOf(context)}/${decision}`, { reason }));
}

export const deadLetterCommands: CommandGroup = {
  'dead-letters list': {
    synopsis: `[--group G] [--status open|redriven|discarded] ${pageSynopsis}`,
    text: 'newest first',
    options: [...filters, ...pageOptions],
    run: async (context) => listed(await requestPage(context, '/dead-letters', filters, choices), columns),
  },
  'dead-letters show': {
    synopsis: 'ID',
    text: '',
    run: async (context) => shown(await context.call('GET', `/dead-letters/${idOf(context)}`)),
  },
  'dead-letters redrive': {
    synopsis: 'ID --reason TEXT',
    text: 'have the group handle the record again',
    options: ['reason'],
    run: (context) => decide(context, 'redrive'),
  },
  'dead-letters discard': {
    synopsis: 'ID --reason TEXT',
    text: 'decide that it is never handled',
    options: ['reason'],
    run: (context) => decide(context, 'discard'),
  },
};
