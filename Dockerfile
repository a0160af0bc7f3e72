# bin/linux/ARCH/infinisim is built before, by `make image` or, for a daemon:
#   CGO_ENABLED=0 go build -trimpath -o bin/linux/amd64/infinisim ./cmd/infinisim && docker build -t infinisim .
FROM scratch
ARG TARGETARCH=amd64
ARG VERSION=snapshot
ARG REVISION=unknown
LABEL org.opencontainers.image.title="infinisim" \
      org.opencontainers.image.description="Simulated InfiniBox storage arrays for tests" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY bin/linux/${TARGETARCH}/infinisim /infinisim
# Memory mode writes a private file only when a lab is large; --data /data keeps labs.
COPY --chown=65532:65532 packaging/empty /tmp
COPY --chown=65532:65532 packaging/empty /data
USER 65532:65532
EXPOSE 8079 8080 8081
HEALTHCHECK --interval=5s --timeout=3s --start-period=5s --retries=3 CMD ["/infinisim", "health"]
ENTRYPOINT ["/infinisim"]
CMD ["serve", "--listen", "0.0.0.0:8080", "--control", "0.0.0.0:8079"]
