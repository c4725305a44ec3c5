-- AlterTable
ALTER TABLE "payments" ADD COLUMN     "named_method" BOOLEAN NOT NULL DEFAULT true,
ADD COLUMN     "pauses" JSONB NOT NULL DEFAULT '[]';

-- AlterTable
ALTER TABLE "retry_plans" ADD COLUMN     "payment_method_id" TEXT;
