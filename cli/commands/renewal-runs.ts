/** `perennial renewal-run`: what renews many subscriptions, and how far it is. */
import { renewalRunStatuses } from '../../domain/renewal/run';
import { idOf, queryOf, type CommandGroup } from '../command';
import { sheet, table, type Row } from '../output';

const columns = ['id', 'status', 'size', 'left', 'counts', 'created_at', 'finished_at'];

export const renewalRunCommands: CommandGroup = {
  'renewal-run list': {
    text: 'the newest renewal runs',
    options: [
      { name: 'status', value: 'S', text: renewalRunStatuses.map((status) => `\`${status}\``).join(', ') },
      { name: 'limit', value: 'N', text: 'rows, 1 to 100' },
    ],
    async run(context) {
      const answer = await context.call('GET', `/renewal-runs${queryOf(context, 'status', 'limit')}`);
      const rows = answer['data'] as Row[];
      return { answer, text: rows.length === 0 ? 'There are none.' : table(rows, columns) };
    },
  },
  'renewal-run show': {
    argument: 'ID',
    text: 'how far a run is, and what did not go through',
    async run(context) {
      const answer = await context.call('GET', `/renewal-runs/${idOf(context)}`);
      const { exceptions, ...rest } = answer;
      const failed = exceptions as Row[];
      const text = [sheet(rest)];
      if (failed.length > 0) text.push('', table(failed, ['subscription_id', 'detail']));
      return { answer, text: text.join('\n') };
    },
  },
};
