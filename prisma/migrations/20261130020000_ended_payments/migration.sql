-- What Prisma's schema language cannot say.

-- Failed payments of periods and changes are those of living subscriptions: the reconciliation reads them each minute.
CREATE INDEX "payments_failed_of_subscription" ON "payments" ("subscription_id")
  WHERE "status" = 'failed' AND "kind" IN ('renewal', 'proration');
