-- A renewal run renews many subscriptions; the row is what people and the reconciliation read of it.
CREATE TABLE renewal_runs (
  id TEXT PRIMARY KEY,
  status TEXT NOT NULL,
  size INTEGER NOT NULL,
  members TEXT[] NOT NULL,
  members_left TEXT[] NOT NULL,
  counts JSONB NOT NULL,
  exceptions JSONB NOT NULL,
  oldest_due_at TIMESTAMPTZ(3) NOT NULL,
  created_at TIMESTAMPTZ(3) NOT NULL,
  progress_at TIMESTAMPTZ(3) NOT NULL,
  finished_at TIMESTAMPTZ(3)
);

-- Empty while nothing is due.
CREATE INDEX renewal_runs_running ON renewal_runs (progress_at) WHERE finished_at IS NULL;
CREATE INDEX renewal_runs_created ON renewal_runs (created_at, id);

-- The run that opened a renewal's payment; null in rows older than the column, and where no run did.
ALTER TABLE payments ADD COLUMN renewal_run_id TEXT;
