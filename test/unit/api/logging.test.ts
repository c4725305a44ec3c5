/** The API's logger hides what a log must not hold, whoever logs it by mistake. */
import { pino } from 'pino';
import { apiLogger } from '../../../api/http/logging';

test('fields with secrets are hidden, at the depths where objects of ours have them', () => {
  const lines: string[] = [];
  const log = apiLogger(pino({ level: 'info' }, { write: (line: string) => void lines.push(line) }));
  log.info(
    {
      authorization: 'Bearer hide-1',
      email: 'hide-2',
      body: { token: 'hide-3', customer: { email: 'hide-4', secret: 'hide-5' } },
      req: { headers: { authorization: 'hide-6', cookie: 'hide-7', 'set-cookie': 'hide-8' } },
      err: new Error('for hide-9@example.com'),
      kept: { id: 'visible' },
    },
    'by mistake',
  );
  expect(lines.join('')).not.toMatch(/hide-\d/);
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ component: 'api', kept: { id: 'visible' } });
});
