# Goldloop: the ML backend, the worker and every command. Label Studio has an image of its own.
#   docker build -t goldloop .
#   docker run --rm goldloop --help

# The newest of its minor version: a rebuild brings what was mended in Python and in Debian.
FROM python:3.11-slim-bookworm AS build
RUN pip install --no-cache-dir --disable-pip-version-check uv==0.13.9
ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never UV_NO_CACHE=1 \
    UV_PROJECT_ENVIRONMENT=/opt/goldloop
WORKDIR /build
# What we depend on changes seldom, so it has a layer of its own.
COPY pyproject.toml uv.lock README.md LICENSE ./
RUN uv sync --locked --no-dev --no-install-project
COPY goldloop goldloop
COPY agents agents
COPY store store
COPY label_config label_config
COPY views views
COPY sync sync
COPY backend backend
RUN uv sync --locked --no-dev --no-editable

FROM python:3.11-slim-bookworm
RUN groupadd --gid 10001 goldloop \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent \
        --shell /usr/sbin/nologin goldloop \
    && install -d -o goldloop -g goldloop -m 0750 /data
# It belongs to root: what runs cannot change itself.
COPY --from=build /opt/goldloop /opt/goldloop
# Nothing is written but /data and /tmp, so the root file system may be read-only.
ENV PATH=/opt/goldloop/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
USER 10001:10001
# The project folder: goldloop.toml, the store and the dataset versions.
WORKDIR /data
EXPOSE 9090
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-I", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:9090/health', timeout=3)"]
ENTRYPOINT ["goldloop"]
CMD ["backend", "--host", "0.0.0.0", "--port", "9090"]
