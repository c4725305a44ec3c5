/** `perennial audit`: who asked for which change. */
import type { CommandGroup, CommandOption } from '../command';
import type { Row } from '../output';
import { requestPage, listed, pageOptions } from '../pages';

const columns = ['at', 'by', 'action', 'subject_id', 'status', 'reason'];
const filters: readonly CommandOption[] = [
  { name: 'subject', value: 'ID', text: 'what was changed' },
  { name: 'actor', value: 'KEY_ID', text: 'the API key that asked' },
  { name: 'action', value: "'METHOD ROUTE'", text: "such as 'POST /plans'" },
];

function lineOf(row: Row): Row {
  const { id, reason } = row['actor'] as { id: string; reason: string | null };
  return { ...row, by: id, reason };
}

export const auditCommands: CommandGroup = {
  audit: {
    text: 'calls that asked for a change, newest first',
    options: [...filters, ...pageOptions],
    run: async (context) => listed(await requestPage(context, '/audit', filters), columns, lineOf),
  },
};
