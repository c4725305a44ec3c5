/**
 * What a call pays for being recorded: the audit row before its effect and the outcome after it, beside one whole row,
 * and the row of a command's free text. One call after the other, then in lanes; the disk's commit is most of it.
 */
import { pino } from 'pino';
import { auditRefusal, beginAudit, completeAudit, type AuditIntent } from '../../access/audit';
import { attachTexts, detachTexts } from '../../billing/command-texts';
import { closeDatabase, createDatabase } from '../../prisma/client';
import { migrate, migrationsFolder } from '../../prisma/migrate';
import { cpuMeter, type ProcessIds } from './cpu';
import { runMany } from './load';

const warmUps = 200;
const calls = 1_000;
const lanes = 8;
const log = pino({ level: 'error' });

const intent: AuditIntent = {
  actor: { kind: 'api_key', id: 'key_1', reason: null },
  action: 'POST /subscriptions',
  subjectId: null,
  requestId: '0193a5c8-5f6b-7c1e-9a55-3f5f0f6f7a10',
  detail: { scope: 'subscriptions:write' },
};

export async function benchAudit(
  databaseUrl: string,
  processes: ProcessIds,
  report: (line: string) => void,
): Promise<void> {
  await migrate(databaseUrl, migrationsFolder());
  const db = createDatabase(databaseUrl, lanes);
  let texts = 0;
  const ways: Record<string, () => Promise<unknown>> = {
    'one row after the effect': () => auditRefusal(db, log, intent, 201),
    'the row before, its outcome after': async () => {
      const id = await beginAudit(db, log, intent);
      await completeAudit(db, log, id, { status: 201, subjectId: 'sub_1', detail: {} });
    },
    'free text of a command, written and read': async () => {
      const subject = { type: 'subscription', id: 'sub_1' } as const;
      const owner = { id: `text ${(texts += 1)}`, subject };
      await attachTexts(db, await detachTexts(db, owner, { metadata: { order: 'A-1' } }));
    },
  };
  try {
    for (const [what, once] of Object.entries(ways)) {
      await runMany(warmUps, lanes, async () => void (await once()));
      for (const width of [1, lanes]) {
        const cpu = cpuMeter({ ...processes, here: process.pid });
        const beganMs = performance.now();
        await runMany(calls, width, async () => void (await once()));
        const eachMs = (performance.now() - beganMs) / calls;
        report(`  ${what}, ${width} at once: ${eachMs.toFixed(2)} ms each, CPU ${cpu.each(calls)}`);
      }
    }
  } finally {
    await closeDatabase(db);
  }
}
