-- What Prisma's schema language cannot say.

-- Attempts without an outcome are few, whatever the number of payments: the reconciliation and test clocks read them.
CREATE INDEX "payment_attempts_open" ON "payment_attempts" ("payment_id") WHERE "settled_at" IS NULL;
