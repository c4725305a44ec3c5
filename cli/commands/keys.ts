/** `perennial keys`: API keys. */
import { idOf, queryOf, reasonOption, required, type CommandGroup, type CommandOption } from '../command';
import { presetNames, scopes } from '../../contracts/scopes';
import { sheet, type Row } from '../output';
import { listed, pageOptions, requestPage } from '../pages';

const columns = ['id', 'name', 'prefix', 'scopes', 'created_by', 'last_used_at', 'expires_at', 'revoked_at'];
const filters: readonly CommandOption[] = [
  { name: 'created-by', value: 'KEY_ID', text: 'those that this key made' },
];
const why = { ...reasonOption('kept in the audit log'), isRequired: false };

const withScopes = (row: Row): Row => ({ ...row, scopes: (row['scopes'] as string[]).join(',') });

export const keyCommands: CommandGroup = {
  'keys list': {
    text: 'newest first, with their makers and last use',
    options: [...filters, ...pageOptions],
    run: async (context) =>
      listed(await requestPage(context, '/api-keys', filters), columns, withScopes, 200),
  },
  'keys create': {
    text: 'make one; its secret is shown this once',
    options: [
      { name: 'name', value: 'TEXT', text: 'what it is for', isRequired: true },
      { name: 'preset', value: 'P', text: 'the scopes of such work', choices: presetNames },
      { name: 'scopes', value: 'S,S', text: `in place of a preset, comma-separated: ${scopes.join(', ')}` },
      { name: 'expires-at', value: 'T', text: 'at most the end of the key that makes it' },
      why,
    ],
    async run(context) {
      const { flags } = context;
      const answer = await context.call('POST', '/api-keys', {
        name: required(context, 'name', 'it says what the key is for'),
        preset: flags['preset'],
        scopes: flags['scopes']?.split(','),
        expires_at: flags['expires-at'],
        reason: flags['reason'],
      });
      return { answer, text: sheet(withScopes(answer)) };
    },
  },
  'keys revoke': {
    argument: 'ID',
    text: 'end it with the next request; keys that it made stay good',
    options: [why],
    async run(context) {
      const id = idOf(context);
      await context.call('DELETE', `/api-keys/${id}${queryOf(context, 'reason')}`);
      return { answer: { id, revoked: true }, text: `${id} is revoked.` };
    },
  },
};
