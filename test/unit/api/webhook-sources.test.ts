import { pino } from 'pino';
import { refusalLog } from '../../../api/http/webhook-sources';

test('refused webhooks are counted, and told at once and then once a minute at most', () => {
  const lines: object[] = [];
  let nowMs = 0;
  const count = refusalLog(
    pino({}, { write: (line: string) => void lines.push(JSON.parse(line) as object) }),
    () => nowMs,
  );
  for (let n = 0; n < 100; n += 1) count('sandbox', 'bad_signature');
  count('sandbox', 'stale_timestamp');
  count('sandbox', 'stored');
  count('sandbox', 'duplicate');
  nowMs = 60_000;
  count('sandbox', 'bad_signature');
  expect(lines).toMatchObject([
    { provider: 'sandbox', refusal: 'bad_signature', since_last: 1, total: 1 },
    { provider: 'sandbox', refusal: 'stale_timestamp', since_last: 1, total: 1 },
    { provider: 'sandbox', refusal: 'bad_signature', since_last: 100, total: 101 },
  ]);
});
