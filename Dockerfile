# bin/infinisim is built before, by `make image` or:
#   CGO_ENABLED=0 go build -o bin/infinisim ./cmd/infinisim && docker build -t infinisim .
FROM scratch
COPY bin/infinisim /infinisim
# Memory mode writes a private file only when a lab is large; --data /data keeps labs.
COPY --chown=65532:65532 packaging/empty /tmp
COPY --chown=65532:65532 packaging/empty /data
USER 65532:65532
EXPOSE 8079 8080 8081
HEALTHCHECK --interval=5s --timeout=3s --start-period=5s --retries=3 CMD ["/infinisim", "health"]
ENTRYPOINT ["/infinisim"]
CMD ["serve", "--listen", "0.0.0.0:8080", "--control", "0.0.0.0:8079"]
