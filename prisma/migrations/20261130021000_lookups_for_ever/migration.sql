-- AlterTable
ALTER TABLE "payment_attempts" ADD COLUMN     "looked_up_at" TIMESTAMPTZ(3),
ADD COLUMN     "open_since" TIMESTAMPTZ(3);

-- What Prisma's schema language cannot say.

-- Since when the outcome of an open attempt is not known; by a test clock its follow-up says so.
UPDATE "payment_attempts" AS a
SET "open_since" = coalesce(a."last_call_ended_at", a."started_at"),
  "next_question_at" = CASE WHEN a."next_question_at" > '9999-01-01T00:00:00Z' THEN clock_timestamp()
    ELSE a."next_question_at" END
FROM "payments" AS p JOIN "customers" AS c ON c."id" = p."customer_id"
WHERE p."id" = a."payment_id" AND a."settled_at" IS NULL AND c."test_clock_id" IS NULL;

-- A period that ends unpaid is due, too: its subscription is past due from then on.
UPDATE "subscriptions" SET "next_due_at" = "period_end"
WHERE "status" = 'active' AND "period_paid" = false AND "next_due_at" IS NULL;
