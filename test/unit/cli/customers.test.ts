/** Commands about customers, with an API that answers by what it is asked. */
import { runCommandLine } from './run';

test('an export follows every page and prints one document', async () => {
  const pages = [
    { data: [{ table: 'customers' }], next_cursor: 'c1' },
    { data: [{ table: 'payments' }], next_cursor: null },
  ];
  const { exitCode, output, asked } = await runCommandLine(['customers', 'export', 'cus_1'], {
    answers: pages,
  });
  expect(exitCode).toBe(0);
  expect(JSON.parse(output)).toEqual({
    customer_id: 'cus_1',
    data: [{ table: 'customers' }, { table: 'payments' }],
  });
  expect(asked.map((url) => new URL(url).search)).toEqual(['?limit=100', '?limit=100&cursor=c1']);
});

test('an erasure is waited for, and says how much it changed', async () => {
  const running = { status: 'running', rows: 3 };
  const { exitCode, output, asked } = await runCommandLine(['customers', 'erase', 'cus_1'], {
    answers: [{ id: 'cus_1', erasure: running }, running, { status: 'done', rows: 9 }],
  });
  expect(exitCode).toBe(0);
  expect(output).toBe('cus_1 is erased: 9 rows were changed.\n');
  expect(asked.map((url) => new URL(url).pathname)).toEqual([
    '/customers/cus_1/erase',
    '/customers/cus_1/erasure',
    '/customers/cus_1/erasure',
  ]);
});
