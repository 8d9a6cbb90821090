# One image for every process: `penstock worker runs`, `penstock api`, ... Broker and database are elsewhere.
FROM python:3.12-slim AS build
WORKDIR /build
COPY pyproject.toml requirements.lock ./
# uv's own lines of the lock first, with their hashes: from the first line to the first that isn't continued.
RUN awk '/^uv==/ {own = 1} own {print} own && !/\\$/ {exit}' requirements.lock >uv.lock \
    && python -m venv tool && tool/bin/pip install --no-cache-dir --require-hashes --requirement uv.lock
# What pyproject.toml needs to run, in the lock's versions and with its hashes; what the lock hasn't is refused.
# A layer of its own: it is built anew only when one of the two files changes.
RUN python -m venv /opt/penstock && tool/bin/uv pip install --python /opt/penstock/bin/python --no-cache \
    --require-hashes --requirement pyproject.toml --constraint requirements.lock
COPY README.md LICENSE ./
# The folders themselves, before installing: src/penstock holds only links to them.
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
RUN tool/bin/uv build --wheel --no-cache --python /opt/penstock/bin/python --out-dir dist \
    --require-hashes --build-constraint requirements.lock \
    && tool/bin/uv pip install --python /opt/penstock/bin/python --no-cache --no-deps --compile-bytecode dist/*.whl

FROM python:3.12-slim
RUN useradd --system --uid 10001 --create-home --home-dir /var/lib/penstock penstock
COPY --from=build /opt/penstock /opt/penstock
ENV PATH=/opt/penstock/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PENSTOCK_HOME=/var/lib/penstock \
    PENSTOCK_API_HOST=0.0.0.0
# No HEALTHCHECK: a worker that can't go on ends, and only the API has a door to knock at (deploy/docker-compose.yml).
USER penstock
WORKDIR /var/lib/penstock
EXPOSE 8080
ENTRYPOINT ["penstock"]
CMD ["--help"]
