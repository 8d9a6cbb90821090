# One image for every process: `penstock worker runs`, `penstock api`, ... Broker and database are elsewhere.
FROM python:3.12-slim AS build
WORKDIR /build
# The folders themselves, before installing: src/penstock holds only links to them.
COPY pyproject.toml README.md LICENSE ./
COPY schemas schemas
COPY producers producers
COPY declare declare
COPY runtime runtime
COPY api api
COPY streams streams
COPY audit audit
COPY cli cli
COPY examples examples
COPY src src
RUN python -m venv /opt/penstock && /opt/penstock/bin/pip install --no-cache-dir .

FROM python:3.12-slim
RUN useradd --system --uid 10001 --create-home --home-dir /var/lib/penstock penstock
COPY --from=build /opt/penstock /opt/penstock
ENV PATH=/opt/penstock/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PENSTOCK_HOME=/var/lib/penstock \
    PENSTOCK_API_HOST=0.0.0.0
USER penstock
WORKDIR /var/lib/penstock
EXPOSE 8080
ENTRYPOINT ["penstock"]
CMD ["--help"]
