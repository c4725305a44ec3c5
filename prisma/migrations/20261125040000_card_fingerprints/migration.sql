-- AlterTable
ALTER TABLE "payment_methods" ADD COLUMN     "fingerprint" TEXT;

-- CreateIndex
CREATE INDEX "payment_methods_provider_fingerprint_idx" ON "payment_methods"("provider", "fingerprint");
