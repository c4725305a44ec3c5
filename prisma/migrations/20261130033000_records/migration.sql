-- Dead letters of batches that cannot be decoded, and of records that are too large to be kept.
ALTER TABLE "dead_letters" ADD COLUMN "last_offset" BIGINT, ADD COLUMN "value_bytes" INTEGER;

-- Instants beyond the year 9999 were accepted; what reads them back cannot write them as RFC 3339.
UPDATE "api_keys" SET "expires_at" = '9999-12-31 23:59:59.999+00' WHERE "expires_at" >= '10000-01-01 00:00:00+00';
UPDATE "notifications" SET "requested_at" = '9999-12-31 23:59:59.999+00' WHERE "requested_at" >= '10000-01-01 00:00:00+00';
UPDATE "notifications" SET "requested_at" = '1970-01-01 00:00:00+00' WHERE "requested_at" < '1970-01-01 00:00:00+00';
UPDATE "bulk_retries" SET "filter" = "filter" - 'failed_from'
WHERE "filter" ->> 'failed_from' !~ '^(19[7-9][0-9]|[2-9][0-9]{3})-' OR "filter" ->> 'failed_from' ~ '^(1970-01-01|9999-12-31)';
UPDATE "bulk_retries" SET "filter" = "filter" - 'failed_to'
WHERE "filter" ->> 'failed_to' !~ '^(19[7-9][0-9]|[2-9][0-9]{3})-' OR "filter" ->> 'failed_to' ~ '^(1970-01-01|9999-12-31)';
