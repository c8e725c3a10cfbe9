FROM node:24-slim AS build
WORKDIR /build
COPY package.json package-lock.json tsconfig.json tsconfig.build.json ./
RUN npm ci
COPY src src
COPY processors processors
COPY connectors connectors
COPY schemas schemas
COPY types types
RUN npm run build && npm prune --omit=dev \
 # the engine for tables in the process itself, most of an installation: the image is for a ClickHouse server
 && rm -rf node_modules/@chdb

FROM node:24-slim
ENV NODE_ENV=production MALLOC_ARENA_MAX=1
WORKDIR /app
COPY --from=build /build/package.json ./
COPY --from=build /build/node_modules node_modules
COPY --from=build /build/dist dist
RUN mkdir /data && chown node:node /data
USER node
VOLUME /data
EXPOSE 7400
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s CMD ["node", "-e", "fetch('http://127.0.0.1:7400/livez').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "--max-semi-space-size=8", "--heap-growing-percent=100", "dist/src/cli/bin.js"]
CMD ["run", "--config", "/etc/grantline/grantline.yaml", "--log-level", "info"]
