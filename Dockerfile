# syntax=docker/dockerfile:1
# One image for every process; the command says which: `node dist/bin/api.js`, `node dist/bin/worker.js payment`, ...
# docker-compose.yml has them all.

FROM node:26.10.0-bookworm-slim AS build
WORKDIR /app
# .npmrc forbids install scripts, here as on every other machine.
COPY .npmrc package.json package-lock.json ./
RUN --mount=type=cache,target=/root/.npm npm ci
COPY . .
RUN npm run build

FROM node:26.10.0-bookworm-slim
# The slim image has no certificate authorities; TEMPORAL_TLS verifies against the system's.
RUN apt-get update \
  && apt-get install --yes --no-install-recommends ca-certificates \
  && rm -rf /var/lib/apt/lists/*
ENV NODE_ENV=production NODE_OPTIONS=--enable-source-maps
WORKDIR /app
COPY .npmrc package.json package-lock.json ./
# @prisma/schema-engine-wasm among them: bin/migrate reads its .wasm file from node_modules.
RUN --mount=type=cache,target=/root/.npm npm ci --omit=dev
COPY --from=build /app/dist ./dist
# bin/migrate looks for them two folders above dist/prisma.
COPY prisma/migrations ./prisma/migrations
# The files belong to root, so that the process cannot change its own code. As a number, so that Kubernetes can tell
# that it is not root.
USER 1000:1000
# API, sandbox provider.
EXPOSE 8080 8090
CMD ["node", "dist/bin/api.js"]
