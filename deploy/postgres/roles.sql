-- Two roles in Perennial's database: one owns the tables and runs migrations, the other serves. Run it as an administrator,
-- once after the first migration; again changes nothing. docs/operations.md says why.
--   psql -v ON_ERROR_STOP=1 -f roles.sql postgresql://postgres@host/perennial
-- Then give both a password: ALTER ROLE perennial_owner PASSWORD '…'; ALTER ROLE perennial_service PASSWORD '…';

DO $$
DECLARE
  of_ours record;
BEGIN
  -- Of bin/migrate alone.
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'perennial_owner') THEN
    CREATE ROLE perennial_owner LOGIN;
  END IF;
  -- Of API, workers and bridge.
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'perennial_service') THEN
    CREATE ROLE perennial_service LOGIN;
  END IF;
  EXECUTE format('ALTER DATABASE %I OWNER TO perennial_owner', current_database());
  FOR of_ours IN
    SELECT c.oid::regclass AS name FROM pg_class AS c
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v')
  LOOP
    -- Sequences and indexes go with their tables.
    EXECUTE format('ALTER TABLE %s OWNER TO perennial_owner', of_ours.name);
  END LOOP;
  FOR of_ours IN
    SELECT p.oid::regprocedure AS name FROM pg_proc AS p WHERE p.pronamespace = 'public'::regnamespace
  LOOP
    EXECUTE format('ALTER FUNCTION %s OWNER TO perennial_owner', of_ours.name);
  END LOOP;
END $$;
ALTER SCHEMA public OWNER TO perennial_owner;
ALTER ROLE perennial_service NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS;

-- Rows may be read and written, and nothing else: no table is changed, no trigger switched off, nothing truncated.
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO perennial_service;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO perennial_service;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO perennial_service;
-- What later migrations add.
ALTER DEFAULT PRIVILEGES FOR ROLE perennial_owner IN SCHEMA public
  GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO perennial_service;
ALTER DEFAULT PRIVILEGES FOR ROLE perennial_owner IN SCHEMA public GRANT USAGE ON SEQUENCES TO perennial_service;

-- Records that stay: what their triggers allow, no other column. Which migrations there are is for the owner to write.
REVOKE UPDATE ON audit_log FROM perennial_service;
GRANT UPDATE (actor, status, subject_id, detail) ON audit_log TO perennial_service;
REVOKE UPDATE, DELETE ON ledger_transactions, ledger_entries FROM perennial_service;
GRANT UPDATE (reason) ON ledger_transactions TO perennial_service;
DO $$ BEGIN
  IF to_regclass('_prisma_migrations') IS NOT NULL THEN
    REVOKE INSERT, UPDATE, DELETE ON _prisma_migrations FROM perennial_service;
  END IF;
END $$;
