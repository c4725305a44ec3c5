-- A row of the audit log precedes the effect; until its outcome is written it has no status.
ALTER TABLE "audit_log" ALTER COLUMN "status" DROP NOT NULL;

-- The audit log is appended to. Of a row
--   the outcome is written once: status and what else the answer says (detail grows, the subject may become known);
--   an erasure (perennial.erasure = on) blanks what people wrote: the reason, and whom a record from outside named;
--   retention (perennial.audit_retention = on) removes the whole, no sooner than after 30 days.
CREATE FUNCTION "audit_log_append_only"() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  of_outcome text[] := ARRAY['status', 'subject_id', 'detail'];
  of_people text[] := ARRAY['reason', 'claimed'];
BEGIN
  IF TG_OP = 'DELETE' AND current_setting('perennial.audit_retention', true) = 'on'
    AND OLD."at" < now() - interval '30 days' THEN
    RETURN OLD;
  END IF;
  IF TG_OP = 'UPDATE' THEN
    IF OLD."status" IS NULL AND NEW."status" IS NOT NULL AND NEW."detail" @> OLD."detail"
      AND to_jsonb(NEW) - of_outcome = to_jsonb(OLD) - of_outcome THEN
      RETURN NEW;
    END IF;
    IF current_setting('perennial.erasure', true) = 'on'
      AND to_jsonb(NEW) - 'actor' = to_jsonb(OLD) - 'actor'
      AND NEW."actor" - of_people = OLD."actor" - of_people
      AND coalesce(NEW."actor" ->> 'reason', 'erased') IN ('erased', OLD."actor" ->> 'reason')
      AND coalesce(NEW."actor" -> 'claimed', 'null') IN ('null', OLD."actor" -> 'claimed') THEN
      RETURN NEW;
    END IF;
  END IF;
  RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME;
END $$;
CREATE TRIGGER "audit_log_append_only" BEFORE UPDATE OR DELETE ON "audit_log"
  FOR EACH ROW EXECUTE FUNCTION "audit_log_append_only"();
CREATE TRIGGER "audit_log_not_truncated" BEFORE TRUNCATE ON "audit_log"
  FOR EACH STATEMENT EXECUTE FUNCTION "ledger_refuse"();

-- Removes the oldest rows of before an instant, at most so many, and returns how many.
CREATE FUNCTION "audit_log_forget"("before" timestamptz, "at_most" integer) RETURNS bigint
LANGUAGE plpgsql SET perennial.audit_retention = 'on' AS $$
DECLARE
  removed bigint;
BEGIN
  DELETE FROM "audit_log" WHERE "id" IN (
    SELECT "id" FROM "audit_log" WHERE "at" < "before" ORDER BY "id" LIMIT "at_most"
  );
  GET DIAGNOSTICS removed = ROW_COUNT;
  RETURN removed;
END $$;
