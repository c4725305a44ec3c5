/**
 * The sandbox provider's own database and its tables.
 *
 * Owns: making them, once, however many processes start at the same time. Does not own what is done with them
 * (`ledger.ts`). Invariant: a start on tables that exist adds to them what is new, and changes nothing else.
 */
import { Client, DatabaseError } from 'pg';

// Any constant that nothing else in this database uses.
const schemaLock = 7_236_901_442;

const tables = `
CREATE TABLE IF NOT EXISTS charges (
  sequence        BIGINT GENERATED ALWAYS AS IDENTITY UNIQUE,
  id              TEXT PRIMARY KEY,
  idempotency_key TEXT NOT NULL UNIQUE,
  request_hash    TEXT NOT NULL,
  kept_answer     JSON NOT NULL,
  payment_id      TEXT,
  amount          BIGINT NOT NULL CHECK (amount > 0),
  currency        TEXT NOT NULL,
  token           TEXT NOT NULL,
  status          TEXT NOT NULL CHECK (status IN ('succeeded', 'failed', 'pending', 'requires_action')),
  failure         JSONB,
  next_action     JSONB,
  metadata        JSONB NOT NULL,
  settles_at      TIMESTAMPTZ(3),
  settles_as      JSONB,
  created_at      TIMESTAMPTZ(3) NOT NULL,
  CHECK ((status = 'failed') = (failure IS NOT NULL)),
  CHECK ((status = 'requires_action') = (next_action IS NOT NULL)),
  CHECK ((status = 'pending') = (settles_at IS NOT NULL)),
  CHECK ((status = 'pending') = (settles_as IS NOT NULL))
);
CREATE INDEX IF NOT EXISTS charges_payment_id ON charges (payment_id, sequence);
CREATE INDEX IF NOT EXISTS charges_settles_at ON charges (settles_at) WHERE status = 'pending';
CREATE TABLE IF NOT EXISTS refunds (
  sequence        BIGINT GENERATED ALWAYS AS IDENTITY UNIQUE,
  id              TEXT PRIMARY KEY,
  charge_id       TEXT NOT NULL REFERENCES charges (id),
  idempotency_key TEXT UNIQUE,
  amount          BIGINT NOT NULL CHECK (amount > 0),
  currency        TEXT NOT NULL,
  status          TEXT NOT NULL CHECK (status IN ('succeeded', 'pending', 'failed')),
  created_at      TIMESTAMPTZ(3) NOT NULL,
  fails_at        TIMESTAMPTZ(3)
);
ALTER TABLE refunds ALTER COLUMN idempotency_key DROP NOT NULL, ADD COLUMN IF NOT EXISTS fails_at TIMESTAMPTZ(3);
CREATE INDEX IF NOT EXISTS refunds_charge_id ON refunds (charge_id, sequence);
CREATE INDEX IF NOT EXISTS refunds_fails_at ON refunds (fails_at) WHERE fails_at IS NOT NULL;
CREATE TABLE IF NOT EXISTS token_counters (
  token TEXT PRIMARY KEY,
  count BIGINT NOT NULL
);
CREATE TABLE IF NOT EXISTS late_successes (
  charge_id TEXT PRIMARY KEY REFERENCES charges (id),
  due_at    TIMESTAMPTZ(3) NOT NULL
);
CREATE TABLE IF NOT EXISTS late_disputes (
  charge_id TEXT PRIMARY KEY REFERENCES charges (id),
  due_at    TIMESTAMPTZ(3) NOT NULL
);
CREATE TABLE IF NOT EXISTS charge_disputes (
  sequence   BIGINT GENERATED ALWAYS AS IDENTITY UNIQUE,
  id         TEXT PRIMARY KEY,
  charge_id  TEXT NOT NULL REFERENCES charges (id),
  amount     BIGINT NOT NULL CHECK (amount > 0),
  currency   TEXT NOT NULL,
  status     TEXT NOT NULL CHECK (status IN ('inquiry', 'open', 'won', 'lost')),
  reason     TEXT NOT NULL,
  created_at TIMESTAMPTZ(3) NOT NULL
);
CREATE INDEX IF NOT EXISTS charge_disputes_charge_id ON charge_disputes (charge_id, sequence);
-- Before, a charge had one dispute, of all that it took.
DO $$ BEGIN
  IF to_regclass('disputes') IS NOT NULL THEN
    INSERT INTO charge_disputes (id, charge_id, amount, currency, status, reason, created_at)
    SELECT 'dp_' || c.id, c.id, c.amount, c.currency, 'open', 'fraudulent', d.created_at
    FROM disputes d JOIN charges c ON c.id = d.charge_id;
    DROP TABLE disputes;
  END IF;
END $$;
CREATE TABLE IF NOT EXISTS webhooks (
  sequence   BIGINT GENERATED ALWAYS AS IDENTITY UNIQUE,
  id         TEXT PRIMARY KEY,
  type       TEXT NOT NULL,
  body       TEXT NOT NULL,
  attempts   INT NOT NULL DEFAULT 0,
  created_at TIMESTAMPTZ(3) NOT NULL,
  due_at     TIMESTAMPTZ(3) NOT NULL
);
CREATE INDEX IF NOT EXISTS webhooks_due_at ON webhooks (due_at, sequence);
`;

/** Makes what is missing: the database (where the user may), then the tables. */
export async function prepareDatabase(databaseUrl: string): Promise<void> {
  const client = await connected(databaseUrl).catch(async (error: unknown) => {
    if (!hasCode(error, '3D000')) throw error;
    await createDatabase(databaseUrl);
    return connected(databaseUrl);
  });
  try {
    // Sent as one text, these statements are one transaction. The lock is there because two concurrent
    // CREATE TABLE IF NOT EXISTS of the same name can still collide.
    await client.query(`SELECT pg_advisory_xact_lock(${schemaLock}); ${tables}`);
  } finally {
    await client.end();
  }
}

async function createDatabase(databaseUrl: string): Promise<void> {
  const name = decodeURIComponent(new URL(databaseUrl).pathname.slice(1));
  const maintenance = new URL(databaseUrl);
  maintenance.pathname = '/postgres';
  const client = await connected(maintenance.href);
  try {
    await client.query(`CREATE DATABASE ${client.escapeIdentifier(name)}`);
  } catch (error) {
    // Another process was faster, before or during this statement.
    if (!hasCode(error, '42P04') && !hasCode(error, '23505')) throw error;
  } finally {
    await client.end();
  }
}

async function connected(databaseUrl: string): Promise<Client> {
  const client = new Client({ connectionString: databaseUrl, connectionTimeoutMillis: 10_000 });
  // Without a listener a connection lost between two queries would end the process; the next query tells.
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof DatabaseError && error.code === code;
}
