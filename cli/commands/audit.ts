/** `cli audit`: who asked for which change. */
import type { CommandGroup } from '../command';
import type { Row } from '../output';
import { requestPage, listed, pageOptions, pageSynopsis } from '../pages';

const columns = ['at', 'by', 'action', 'subject_id', 'status', 'reason'];

function lineOf(row: Row): Row {
  const { id, reason } = row['actor'] as { id: string; reason: string | null };
  return { ...row, by: id, reason };
}

export const auditCommands: CommandGroup = {
  audit: {
    synopsis: `[--subject ID] [--actor KEY_ID] [--action 'METHOD ROUTE'] ${pageSynopsis}`,
    text: 'calls that asked for a change, newest first',
    options: ['subject', 'actor', 'action', ...pageOptions],
    run: async (context) =>
      listed(await requestPage(context, '/audit', ['subject', 'actor', 'action']), columns, lineOf),
  },
};
