/** `perennial audit`: who asked for which change or secret, and who was not let in. */
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
  const signIn = row['sign_in'] as { failure: string; count: number } | null | undefined;
  const why = signIn ? `${signIn.failure}, ${signIn.count} times` : reason;
  return { ...row, by: id, status: row['status'] ?? 'unknown', reason: why };
}

export const auditCommands: CommandGroup = {
  audit: {
    text: 'calls that asked for a change or a secret, and failed sign-ins, newest first',
    options: [...filters, ...pageOptions],
    run: async (context) => listed(await requestPage(context, '/audit', filters), columns, lineOf),
  },
};
