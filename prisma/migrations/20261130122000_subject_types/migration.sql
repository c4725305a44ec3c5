-- Two things of different kinds may have one id: the free text of a command says whose it is by kind, too.
ALTER TABLE "command_texts" ADD COLUMN "subject_type" TEXT;

-- Of rows that are there, where one thing alone has the id; the others go within a week.
UPDATE "command_texts" AS t SET "subject_type" = (
  SELECT min(kind) FROM (
    SELECT 'customer' AS kind FROM "customers" WHERE "id" = t."subject_id"
    UNION ALL SELECT 'subscription' FROM "subscriptions" WHERE "id" = t."subject_id"
    UNION ALL SELECT 'payment' FROM "payments" WHERE "id" = t."subject_id"
    UNION ALL SELECT 'bulk_retry' FROM "bulk_retries" WHERE "id" = t."subject_id"
  ) AS named HAVING count(*) = 1
);
