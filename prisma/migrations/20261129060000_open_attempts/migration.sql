-- What Prisma's schema language cannot say.

-- Attempts without an outcome are few, whatever the number of payments: the reconciliation and test clocks read them.
CREATE INDEX "payment_attempts_open" ON "payment_attempts" ("payment_id") WHERE "settled_at" IS NULL;

-- Until now only test clocks were told when an open attempt is asked about next. Those that are in hand wait for their
-- next question, after 1, 5, 15, 60, 360 and 1440 minutes, or for nothing but a webhook. None of them is late.
UPDATE "payment_attempts" AS a
SET "next_question_at" = coalesce(
  coalesce(a."last_call_ended_at", a."started_at")
    + (ARRAY[1, 5, 15, 60, 360, 1440])[a."lookups" + 1] * interval '1 minute',
  '9999-12-31T00:00:00Z')
FROM "payments" AS p JOIN "customers" AS c ON c."id" = p."customer_id"
WHERE p."id" = a."payment_id" AND a."settled_at" IS NULL AND a."status" <> 'processing' AND c."test_clock_id" IS NULL;
