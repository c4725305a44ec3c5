/** `perennial keys`, and what `perennial audit` shows of failed sign-ins and unknown outcomes. */
import { runCommandLine } from './run';

const key = {
  id: 'key_1',
  name: 'shop',
  scopes: ['catalog:read', 'admin'],
  prefix: 'pk_12345',
  created_by: 'key_bootstrap',
  last_used_at: '2027-01-15T12:00:00.000Z',
  expires_at: null,
  revoked_at: null,
};

test('keys are listed with their makers, made with a preset, and revoked', async () => {
  const listed = await runCommandLine(['keys', 'list', '--created-by', 'key_bootstrap'], {
    answer: { data: [key] },
  });
  expect(listed.asked).toEqual([expect.stringMatching(/\/api-keys\?created_by=key_bootstrap$/)]);
  expect(listed.output).toMatch(
    /key_1 +shop +pk_12345 +catalog:read,admin +key_bootstrap +2027-01-15T12:00:00.000Z/,
  );
  const made = await runCommandLine(['keys', 'create', '--name', 'shop', '--preset', 'support'], {
    answer: { ...key, secret: 'pk_only-here' },
    status: 201,
  });
  expect([made.exitCode, made.output]).toEqual([0, expect.stringContaining('pk_only-here')]);
  expect((await runCommandLine(['keys', 'create', '--name', 'shop', '--preset', 'god'])).exitCode).not.toBe(
    0,
  );
  const revoked = await runCommandLine(['keys', 'revoke', 'key_1', '--reason', 'leaked'], { status: 204 });
  expect(revoked).toMatchObject({ exitCode: 0, output: 'key_1 is revoked.\n' });
  expect(revoked.asked).toEqual([expect.stringMatching(/\/api-keys\/key_1\?reason=leaked$/)]);
});

test('the audit log shows failed sign-ins with their number, and outcomes that are not known', async () => {
  const row = {
    at: '2027-01-15T12:00:00.000Z',
    subject_id: null,
    actor: { id: '10.0.0.0/24', reason: null },
  };
  const failed = { ...row, action: 'sign_in', status: 401, sign_in: { failure: 'unknown', count: 7 } };
  const open = { ...row, action: 'POST /plans', status: null, sign_in: null };
  const { output } = await runCommandLine(['audit'], { answer: { data: [failed, open] } });
  expect(output).toMatch(/10\.0\.0\.0\/24 +sign_in +- +401 +unknown, 7 times/);
  expect(output).toMatch(/POST \/plans +- +unknown +-/);
});
